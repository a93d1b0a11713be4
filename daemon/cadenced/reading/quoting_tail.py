"""What stands under a person's words: signatures, lines of the device, list footers, disclaimers.

A closing with a bare name is left to the text: it is the writer's own. A closing with a block of lines under it
(title, company, numbers) is a signature.
"""

import re
from dataclasses import dataclass
from functools import cache

from cadenced.reading import patterns, patterns_keys, presence
from cadenced.reading.quoting_lines import Line

_DELIMITER = re.compile(r"\s{0,2}(?:--|__|—|–|- -|---|_{5,}|-{20,}|\*{5,}|={4,})\s*$")
_GAP = re.compile(r"[\s,]+")
_POSTSCRIPT = re.compile(r"\W{0,2}(?:p\.?\s?s\b|ps\s?:|n\.?b\.?\s?:)", re.IGNORECASE)
_LINK = re.compile(r"<[^<>]*>|\(https?:[^()]*\)|https?:\S*|[\[\]]")
_PARTICLES = frozenset({"de", "di", "du", "del", "der", "den", "van", "von", "la", "le", "y", "e", "of"})
_LONGEST_SIGNATURE = 14
_WIDEST_LINE = 90
_LONGEST_LINE = 400  # characters of a line that are looked at


def around(lowered: str, further: list[Line]) -> frozenset[str]:
    """Return the keys of what can stand under somebody's words that a lower-case text and further lines hold."""
    found = presence.present(_tail_keys(), lowered)
    return found.union(*(presence.present(_tail_keys(), line.text.lower()) for line in further))


def strip(lines: list[Line], around: frozenset[str]) -> tuple[list[Line], list[Line]]:
    """Part the lines of a text with these keys into the writer's words (with kept quotes) and what is under them."""
    kept: list[Line] = []
    tail: list[Line] = []
    for block in _blocks(lines):
        if block[0].quoted:
            kept.extend(block)
            continue
        cut = _cut(block, around)
        kept.extend(block[:cut])
        tail.extend(block[cut:])
    return kept, tail


def _blocks(lines: list[Line]) -> list[list[Line]]:
    """Return runs of quoted and of unquoted lines; a blank line stays with what is above it."""
    blocks: list[list[Line]] = []
    for line in lines:
        if blocks and (blocks[-1][0].quoted == line.quoted or not line.text.strip()):
            blocks[-1].append(line)
        else:
            blocks.append([line])
    return blocks


def _cut(block: list[Line], around: frozenset[str]) -> int:
    """Return the line at which the words end, trying the surest signs first."""
    cut = next((at for at, line in enumerate(block) if line.signature), len(block))
    cut = min(cut, _delimiter(block[:cut]))
    cut = min(cut, _tail_line(block[:cut], around))
    return min(cut, _closing(block[:cut]))


def _delimiter(block: list[Line]) -> int:
    """`-- ` and its misspellings; a ruler counts only when no prose follows it."""
    started = False
    for at, line in enumerate(block):
        mark = line.text.strip()
        if mark and mark[0] in "-_—–*=" and len(mark) <= 90 and _DELIMITER.match(line.text):
            short = mark in ("--", "__", "—", "–")
            if (short and (started or mark in ("--", "__"))) or (started and not _has_prose(block[at + 1 : at + 40])):
                return at
        started = started or bool(mark)
    return len(block)


def _tail_line(block: list[Line], around: frozenset[str]) -> int:
    """Return the first device line, footer or disclaimer."""
    tails = [(tail, tuple(around.intersection(tail.keys))) for tail in _tails()]
    tails = [(tail, keys) for tail, keys in tails if keys or not tail.keys]
    if tails:
        for at, line in enumerate(block):
            lowered = line.text.lower()
            if lowered and any(tail.matches(line.text, lowered, keys) for tail, keys in tails):
                return _with_ruler(block, at)
    return len(block)


def _with_ruler(block: list[Line], at: int) -> int:
    above = at - 1
    while above >= 0 and not block[above].text.strip():
        above -= 1
    return above if above >= 0 and _DELIMITER.match(block[above].text) else at


@dataclass(frozen=True, slots=True)
class _Tail:
    regex: re.Pattern[str]
    needs: re.Pattern[str] | None
    keys: tuple[str, ...]

    def matches(self, text: str, lowered: str, keys: tuple[str, ...]) -> bool:
        """Whether a line is such a one; ``keys`` are those of its own that the whole text has."""
        if self.keys and not any(key in lowered for key in keys):
            return False
        bare = _LINK.sub("", text) if "http" in text or "<" in text or "[" in text else text
        return any(
            self.regex.match(form[:_LONGEST_LINE]) and (self.needs is None or self.needs.search(form[:_LONGEST_LINE]))
            for form in (text, bare)
        )


@cache
def _tails() -> tuple[_Tail, ...]:
    return tuple(_tail(pattern) for pattern in patterns.load("quoting") if pattern.code != "closing")


@cache
def _tail_keys() -> presence.Index:
    return presence.index(key for tail in _tails() for key in tail.keys)


def _tail(pattern: patterns.Pattern) -> _Tail:
    needs = pattern.tags.get("needs", "")
    return _Tail(
        pattern.regex, re.compile(needs, re.IGNORECASE) if needs else None, patterns_keys.keys(needs or pattern.source)
    )


def kind_of(code: str, text: str) -> bool:
    """Say whether a line is what the pattern `code` describes; for the test that holds patterns to their examples."""
    pattern = next(pattern for pattern in patterns.load("quoting") if pattern.code == code)
    tail = _tail(pattern)
    return tail.matches(text, text.lower(), tail.keys)


@cache
def _closing_regex() -> re.Pattern[str]:
    return next(pattern.regex for pattern in patterns.load("quoting") if pattern.code == "closing")


def _closing(block: list[Line]) -> int:
    """Return a closing formula with more than a name under it and no prose."""
    for at in range(len(block) - 1, max(len(block) - _LONGEST_SIGNATURE - 8, -1), -1):
        if len(block[at].text) < 60 and _closing_regex().match(block[at].text):
            return at if _is_signature(block[at + 1 :]) and _has_text(block[:at]) else len(block)
    return len(block)


def _is_signature(lines: list[Line]) -> bool:
    """More than a name, beginning with a name, and nothing that reads like a sentence."""
    below = [line.text for line in lines if line.text.strip()]
    if not 2 <= len(below) <= _LONGEST_SIGNATURE or _has_prose(lines):
        return False
    return all(word[:1].isupper() or word in _PARTICLES or not word[:1].isalpha() for word in below[0].split()[:6])


def _has_text(lines: list[Line]) -> bool:
    return any(line.text.strip() for line in lines)


def _has_prose(lines: list[Line]) -> bool:
    return any(
        len(line.text) > _WIDEST_LINE or _is_sentence(line.text) or _POSTSCRIPT.match(line.text) for line in lines
    )


def _is_sentence(text: str) -> bool:
    """Whether a line ends a sentence of four words or more, or a question."""
    line = text[-200:].rstrip()
    if not line.endswith((".", "!")):
        return line.endswith("?")
    words = _GAP.split(line)[-4:]
    return len(words) == 4 and words[0][-1:].isalnum() and all(word[:1].isalnum() for word in words[1:])
