"""German: the polite Sie, Ihnen, Ihr against she, her and they; du against "Tour du Mont"; meinen the verb.

Inside a sentence a capital decides. At its start every word has one, so the verb and the neighbourhood decide: a
singular verb is "she"; a polite capital elsewhere, or a first person who speaks, is the reader.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from cadenced.wording.voices.place import OPENERS, Doubt, Place, words

EXTRA: tuple[str, ...] = ()
VOICES: Mapping[str, str] = {}
INSIDE: Mapping[str, int] = {}

_POLITE_INSIDE = re.compile(r"(?<![.!?:…\"“„»(\n])[ \u00a0](?:Sie|Ihnen|Ihr|Ihre|Ihrem|Ihren|Ihrer|Ihres)(?!\w)")
_OTHERS = re.compile(r"(?<!\w)(?:sie|ihnen|ihr|ihre|ihrem|ihren|ihrer|ihres)(?!\w)")
_SPEAKER = re.compile(
    r"(?<!\w)(?:ich|mich|mir|mein|meine|meinem|meinen|meiner|wir|uns|unser|unsere|unserem|unseren|unserer)(?!\w)"
)
_ADVISES = words(
    "können sollten möchten müssen brauchen finden erhalten bekommen benötigen suchen wünschen könnten sparen kennen "
    "wissen planen"
)
_SINGULAR = words("kann begann gewann schien erschien besann entsann ersann spann sann rann verschwieg")
_PAST_PLURAL = re.compile(r"(?:t|d)en$")
_PAST_STRONG = words(
    "waren wurden kamen gingen standen lagen nahmen gaben fanden blieben sahen hielten ließen liefen fuhren "
    "sprachen trafen zogen schrieben stiegen starben begannen gewannen verloren spielten lebten hatten konnten "
    "mussten wollten durften riefen trugen schlugen boten flohen fielen gehörten bildeten erhielten "
    "bekamen brachten"
)
_PRESENT_DEN = words("werden finden senden wenden melden bilden binden reden baden laden")
_TEN_PRESENT = words(
    "möchten bitten arbeiten erhalten halten bieten warten treten testen starten raten leisten beachten "
    "betrachten erwarten antworten beantworten vertreten mieten enthalten behalten kosten sollten könnten müssten "
    "dürften hätten anbieten bewerten gestalten verwalten richten berichten"
)
_YE_VERBS = words(
    "seid habt könnt wollt müsst müßt sollt dürft werdet wisst wißt mögt hattet könntet würdet wolltet solltet müsstet "
    "möchtet wäret wärt hättet"
)
_SHARED_VERBS = words("macht kommt geht seht wart braucht findet sagt gebt nehmt denkt glaubt kennt meint")
_CLAUSE_WORDS = words("wenn dass daß ob weil was wie wo und falls als warum wann bis damit sobald oder aber")
_YE = re.compile(
    r"(?<!\w)(?:seid|habt|könnt|wollt|müsst|müßt|sollt|dürft|werdet|wisst|wißt|wart|hattet|könntet|würdet|wolltet|"
    r"solltet|müsstet|möchtet|wäret|hättet|euch|euer|eure|euren|eurem|eurer)(?!\w)"
)
_ABBREVIATIONS = (
    "z.b.",
    "bzw.",
    "d.h.",
    "ca.",
    "u.a.",
    "etc.",
    "usw.",
    "dr.",
    "nr.",
    "inkl.",
    "evtl.",
    "ggf.",
    "z. b.",
)
_WINDOW = 1500


def _sie(place: Place) -> bool:
    written = place.written
    if written[0].islower():
        return False
    if written.isupper():
        return not _shouted(place) or _polite_around(place)
    if not _opens(place):
        return True
    return _sie_at_start(place)


def _opens(place: Place) -> bool:
    if place.previous in ("„", "“", '"', "»", "«", "(", "‚"):
        return True
    if not place.opens_sentence():
        return False
    head = place.lower[max(0, place.start - 8) : place.start].rstrip(OPENERS)
    return not head.endswith(_ABBREVIATIONS)


def _sie_at_start(place: Place) -> bool:
    verb = place.after()
    if verb in ("selbst", "als", "alle", "beide"):
        return _polite_around(place)
    if verb != "sind" and (not verb.endswith("n") or verb in _SINGULAR):
        return False
    polite, others = _polite_around(place), _others_in_sentence(place)
    if polite or others:
        return polite and not (others and _is_past(verb))
    return not _is_past(verb) and (verb in _ADVISES or _asks(place) or _speaker_in_sentence(place))


def _asks(place: Place) -> bool:
    _, end = place.sentence()
    return place.text[end : end + 1] == "?"


def _is_past(verb: str) -> bool:
    if verb in _PAST_STRONG:
        return True
    return (
        bool(_PAST_PLURAL.search(verb))
        and verb not in _TEN_PRESENT
        and verb not in _PRESENT_DEN
        and (verb.endswith("ten"))
    )


def _polite_around(place: Place) -> bool:
    """Whether a capital inside a sentence nearby is the polite form."""
    low, high = max(0, place.start - _WINDOW), place.end + _WINDOW
    return any(
        match.start() + 1 != place.start
        for match in _POLITE_INSIDE.finditer(place.text[low:high], 0)
        if low + match.start() + 1 != place.start
    )


def _others_in_sentence(place: Place) -> bool:
    start, end = place.sentence()
    return any(start + match.start() != place.start for match in _OTHERS.finditer(place.text[start:end]))


def _speaker_in_sentence(place: Place) -> bool:
    start, end = place.sentence()
    return bool(_SPEAKER.search(place.lower[start:end]))


def _shouted(place: Place) -> bool:
    around = place.text[max(0, place.start - 30) : place.start] + place.text[place.end : place.end + 30]
    letters = [c for c in around if c.isalpha()]
    return len(letters) >= 6 and sum(c.isupper() for c in letters) > 0.75 * len(letters)


def _ihr(place: Place) -> bool:
    if _is_ye(place):
        return True
    return _possessive(place)


def _is_ye(place: Place) -> bool:
    """Return the plural of du: its verb is beside it, or stands in the sentence and can have no other subject."""
    before, after = place.before().strip(","), place.after()
    if before in _YE_VERBS or after in _YE_VERBS:
        return True
    if place.written[0].isupper() and not _opens(place):
        return False
    if after in _SHARED_VERBS and (before in _CLAUSE_WORDS or not before):
        return True
    start, end = place.sentence()
    if before in _SHARED_VERBS and place.text[end : end + 1] in ("?", "!"):
        return not place.after_as_written()[:1].isupper()
    return bool(_YE.search(place.lower[start:end]))


def _possessive(place: Place) -> bool:
    """Ihr, Ihre, Ihnen: the reader's where a capital or the neighbourhood says so."""
    if place.written[0].islower():
        return False
    if not _opens(place):
        return not (place.written.isupper() and _shouted(place)) or _polite_around(place)
    if _polite_around(place):
        return True
    return not _others_in_sentence(place) and _speaker_in_sentence(place)


def _du(place: Place) -> bool:
    """Not the French article in a name."""
    if place.written == "DU":
        return _shouted(place)
    if place.written == "Du":
        return place.opens_sentence() or not (
            place.before_as_written()[:1].isupper() and place.after_as_written()[:1].isupper()
        )
    before, after = place.before_as_written(), place.after_as_written()
    french = before[:1].isupper() and after[:1].isupper() and not before.lower().endswith(("st", "ßt", ","))
    return not french


def _meinen(place: Place) -> bool:
    """Not the verb: "wir meinen", "meinen Sie"."""
    after, before = place.after(), place.before()
    if not after or after in ("sie", "wir", "dass", "ob"):
        return False
    return before not in ("wir", "sie", "zu") or place.after_as_written()[:1].isupper()


def _meine(place: Place) -> bool:
    """Not "ich meine das": the verb stands before a small word or the end."""
    if place.before() == "ich":
        return place.after() not in ("", "das", "es", "damit", "ja", "nur", "auch", "dass", "nicht", "doch")
    return place.after() != "ich"


def _mir(place: Place) -> bool:
    return not (place.written == "Mir" and place.before() in ("die", "der", "station", "raumstation"))


def _ich(place: Place) -> bool:
    return not (place.written == "Ich" and place.before() in ("das", "dem", "des", "ein"))


DOUBTS: Mapping[str, Doubt] = {
    "sie": _sie,
    "ihr": _ihr,
    "ihre": _possessive,
    "ihrem": _possessive,
    "ihren": _possessive,
    "ihrer": _possessive,
    "ihres": _possessive,
    "ihnen": _possessive,
    "du": _du,
    "meinen": _meinen,
    "meine": _meine,
    "mir": _mir,
    "ich": _ich,
}
