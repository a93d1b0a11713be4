"""What must not be taken for a request to stop: clauses that say the opposite, and the foot of a mailing."""

import re
from functools import cache

from cadenced.reading import patterns

_REST = r"(?:(?!\b(?:but|and|aber|und|sondern|mais|et|maar|en|pero|y|sino|ma|mas|e|men|utan|och|just)\b)[^.,;!?\n])*"

_PLEA = re.compile(
    r"\b(?:remove|unsubscribe|delete|take|get|stop \w+ing|retirer|désinscrire|supprimer|enlever) (?:me|us|my|our)\b"
    r"|\bdo i\b"
    r"|\b(?:me|nous) (?:retirer|désinscrire|désabonner|supprimer)|\b(?:mich|uns)\b|\b(?:mij|ons)\b"
    r"|\b(?:dar|borrar|quitar)me\b"
    r"|\b(?:cancellar|rimuover|toglier)mi\b|\b(?:remover|retirar|tirar)-?me\b|\b(?:mig|oss)\b",
    re.IGNORECASE,
)


# A link or an address behind a colon, or a mailing named as ours: its reader is told how to leave it.
_LINKED = re.compile(
    r"https?://|\bwww\.|:\s*\S+@\S+|\b(?:our|notre|nos|unser\w*|unsere[nmrs]?|onze|nuestr[oa]s?|nostr[aoie]|noss[oa]s?|vårt|våra)"
    r" (?:\w+ )?(?:newsletter|bulletin|mailing|digest|lettre|infolettre|nieuwsbrief|boletín|boletim|nyhetsbrev)\b",
    re.IGNORECASE,
)


def of(sentence: str, language: str) -> str:
    """Return the sentence without its denied clauses; nothing of one that a mailing says to its readers."""
    if _any_of("asked", language).search(sentence):
        return ""
    if "?" not in sentence and _any_of("foot", language).search(sentence):
        return ""
    if sentence.rstrip().endswith("?") and _any_of("third", language).search(sentence) and not _PLEA.search(sentence):
        return ""
    if _LINKED.search(sentence) and not _PLEA.search(sentence):
        return ""
    return _any_of("deny", language).sub(" ", sentence)


def warm(language: str) -> None:
    """Compile the expressions of a language ahead of their first use."""
    for table in ("asked", "foot", "third", "deny"):
        _any_of(table, language)


@cache
def _any_of(table: str, language: str) -> re.Pattern[str]:
    by_language = patterns.table("intent_wide")[table]
    words = [by_language[language]] if language in by_language else list(by_language.values())
    rest = _REST if table == "deny" else ""
    return re.compile(f"(?:{'|'.join(f'(?:{piece})' for piece in words)}){rest}", re.IGNORECASE)
