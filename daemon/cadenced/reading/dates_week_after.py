"""`We are swamped this week and next. Ping me the week after`: a week that only others say where it lies."""

import re
from datetime import date, timedelta

from cadenced.reading import dates_calendar as cal

_WEEK_AFTER = re.compile(
    r"\b(?:the week after(?=\W*$|[.,;!?])|a week (?:later|after that)|la semaine (?:suivante|d'après)"
    r"|die woche (?:danach|darauf)|de week (?:erna|daarna|daarop)"
    r"|la semana siguiente|la settimana (?:dopo|successiva)|(?:a|na) semana seguinte"
    r"|veckan (?:efter|därpå))"
)
_THIS = re.compile(
    r"\b(?:this week|cette semaine|diese(?:r)? woche|deze week|esta semana|questa settimana"
    r"|(?:den här|denna) veckan?)\b"
    r"(?P<next>,? (?:and (?:the )?next|et (?:la )?(?:semaine )?prochaine|und (?:die |der )?nächste|en (?:de )?volgende"
    r"|y (?:la )?(?:próxima|siguiente|que viene)|e (?:la )?(?:prossima|seguente)|e (?:a |n?a )?(?:próxima|seguinte)"
    r"|och (?:nästa|nästkommande))\b)?"
)
_AND_DIESE = re.compile(r"\bdiese und (?:die )?nächste woche\b|\bdeze en volgende week\b|\besta y la próxima semana\b")


_NEXT = re.compile(
    r"\b(?:next week|(?:semaine|semana|settimana) (?:prochaine|próxima|prossima|que viene|que vem)"
    r"|(?:nächste[rn]?|kommende[rn]?) woche|volgende week|(?:próxima|prossima) (?:semana|settimana)|nästa vecka)\b"
)


def settled(lowered: str, best: tuple[float, date] | None, sent: date, asked_for: float) -> tuple[float, date] | None:
    """Return the best day read, with its score, as `the week after` moves it; the text says that or nothing changes."""
    after = _WEEK_AFTER.search(lowered)
    if not after:
        return best
    week = _from_this(lowered[: after.start()], sent)
    if week and (best is None or best[1] <= week + timedelta(7)):
        return best[0] if best else 0.0, week
    return (best[0], cal.monday_after(best[1])) if best and best[0] < asked_for else best


def _from_this(before: str, sent: date) -> date | None:
    """Return the Monday after `this week`, or after `this week and next`, where no other week stands behind it."""
    if _AND_DIESE.search(before):
        return cal.monday_after(sent) + timedelta(7)
    weeks = list(_THIS.finditer(before))
    if not weeks or _NEXT.search(before, weeks[-1].end()):
        return None
    return cal.monday_after(sent) + timedelta(7 if weeks[-1]["next"] else 0)
