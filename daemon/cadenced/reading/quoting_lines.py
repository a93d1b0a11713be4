"""Lines of a body and the places where somebody else's words begin.

A mark is a run of lines that a mail program wrote to say "now comes the other mail": an attribution ("On ... X
wrote:"), a block of header lines, or a separator such as "-----Original Message-----".
"""

import re
from dataclasses import dataclass
from functools import cache
from typing import Literal

from cadenced.reading import patterns

Kind = Literal["wrote", "headers", "original", "forward"]

MAX_LINES = 3000  # what stands lower is nobody's answer; keeps the worst case bounded
INDENT = "\u2003"  # before a line of an HTML block quote: white space that a reader sees as an indent
_INVISIBLE = dict.fromkeys(map(ord, "\u200b\u200e\u200f\u2060\ufeff\u202a\u202b\u202c\u202d\u202e"))
_QUOTE = re.compile(r"[ \t]{0,3}(?:>|\u2003)")
_WRAPPED = 60  # a quoted line this long may have been broken by the program that quoted it


@dataclass(slots=True)
class Line:
    """One line; `rest` is set by HTML for all that belongs to a quoted mail, `attributed` below an attribution."""

    text: str
    quoted: bool = False
    rest: bool = False
    signature: bool = False
    attributed: bool = False

    @property
    def own(self) -> bool:
        """Say whether the line can hold the writer's words."""
        return not self.quoted and bool(self.text.strip())


@dataclass(frozen=True, slots=True)
class Mark:
    """Lines `start` up to, not including, `stop`."""

    start: int
    stop: int
    kind: Kind


def split(text: str) -> list[str]:
    """Cut into lines, whatever ends them; invisible direction marks go."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\u2028", "\n")
    return text.translate(_INVISIBLE).split("\n")


def marks(lines: list[Line]) -> list[Mark]:
    """Find every mark in order and note on each line whether it is quoted."""
    _note_quotes(lines)
    found: list[Mark] = []
    index = 0
    for index in range(min(len(lines), MAX_LINES)):
        if found and index < found[-1].stop:
            continue
        mark = _mark_at(lines, index)
        if mark and not (found and mark.start < found[-1].stop):
            found.append(mark)
            _note_attributed(lines, mark)
    return found


def _note_quotes(lines: list[Line]) -> None:
    for line in lines[:MAX_LINES]:
        if not line.quoted and line.text[:1] in "> \t\u2003" or ">" in line.text[:14]:
            line.quoted = line.quoted or bool(_QUOTE.match(line.text)) and not _tail_of_attribution(line.text)
    for before, line, after in zip(lines, lines[1:MAX_LINES], lines[2:], strict=False):
        if before.quoted and after.quoted and not line.quoted and _is_wrapped(before.text, line.text):
            line.quoted = True


def _tail_of_attribution(text: str) -> bool:
    return len(text) < 40 and _ends_attribution().search(text) is not None and "@" not in text[:1]


def _is_wrapped(before: str, text: str) -> bool:
    """A long quoted line was broken and its end stands here without the sign."""
    return len(before) >= _WRAPPED and before.rstrip()[-1:] not in ".!?:;" and text[:1].islower()


def _note_attributed(lines: list[Line], mark: Mark) -> None:
    for line in lines[mark.stop : MAX_LINES]:
        if line.text.startswith("|") and mark.kind == "wrote":
            line.quoted = True
        line.attributed = True


def _mark_at(lines: list[Line], index: int) -> Mark | None:
    line = lines[index]
    if line.quoted or not line.text.strip():
        return None
    return _separator(lines, index) or _headers(lines, index) or _attribution(lines, index)


# ---------------------------------------------------------------------------------------------- separators


@cache
def _separator_regex() -> re.Pattern[str]:
    words = patterns.table("quoting")["separators"]
    original, forward = (_alternatives(words[name]) for name in ("original", "forward"))
    return re.compile(
        rf"[\s*_#=-]{{0,60}}(?:(?P<original>{original})|(?P<forward>{forward}))[\s*_:：#=-]{{0,60}}$",
        re.IGNORECASE,
    )


def _alternatives(words: list[str]) -> str:
    return "|".join(re.escape(word) for word in sorted(set(words), key=len, reverse=True))


_DASHED = re.compile(r"\s*\*?[-_=#]{2,}|.{0,70}[:：]\s*$|\s*(?:begin|anfang|début|inizio|inicio|início)", re.IGNORECASE)
_RULE = re.compile(r"[\s*]{0,4}(?:[-_=~*]\s?){4,}\s*$")


def _separator(lines: list[Line], index: int) -> Mark | None:
    text = lines[index].text
    if len(text) > 160 or not _DASHED.match(text):
        return None
    match = _separator_regex().match(text)
    if match:
        kind: Kind = "forward" if match["forward"] else "original"
        return Mark(_above_rule(lines, index), _skip_headers(lines, index + 1), kind)
    return None


def _skip_headers(lines: list[Line], index: int) -> int:
    """After a separator the header lines of the quoted mail belong to the mark."""
    start = index
    while start < len(lines) and start < index + 3 and not lines[start].text.strip():
        start += 1
    block = _headers(lines, start, enough=2) if start < len(lines) else None
    return block.stop if block else index


def _above_rule(lines: list[Line], index: int) -> int:
    """A ruler (____ or ----) right above a mark is part of it."""
    start = index
    while start > 0 and index - start < 4:
        above = lines[start - 1].text
        if above.strip() and not _RULE.match(above):
            break
        start -= 1
    return start if any(_RULE.match(line.text) for line in lines[start:index]) else index


# --------------------------------------------------------------------------------------------- header block

_LABEL = re.compile(r"[\s>|*_]{0,6}(?P<label>[^\W\d][^:：\n<>@]{0,24}?)[*_\s\u00a0]{0,3}[:：]")


@cache
def _labels() -> dict[str, str]:
    table = patterns.table("quoting")["labels"]
    return {word: kind for kind in reversed(table) for word in table[kind]}


def _label(text: str) -> str:
    """Return which header a line starts with ("from", "date", ...), or nothing."""
    match = _LABEL.match(text[:60])
    return _labels().get(match["label"].strip().lower(), "") if match else ""


def _headers(lines: list[Line], index: int, enough: int = 3) -> Mark | None:
    """A block of header lines: a sender or a date with a subject, and `enough` different ones in all."""
    kind = _label(lines[index].text)
    if kind not in ("from", "date", "subject", "to"):
        return None
    kinds, stop = _block(lines, index)
    ruled = _above_rule(lines, index)
    few = 2 if ruled < index else enough
    if len(kinds) < few or not ({"from", "date"} & kinds) or (kind in ("subject", "to") and "from" not in kinds):
        return None
    return Mark(ruled, stop, "headers")


def _block(lines: list[Line], index: int) -> tuple[set[str], int]:
    """The kinds of header in the block that starts here, and where it stops."""
    kinds: set[str] = set()
    stop, gap = index, 0
    for at in range(index, min(index + 24, len(lines))):
        text = lines[at].text
        kind = _label(text)
        if kind:
            kinds.add(kind)
            kinds.update(_second_label(text))
            stop, gap = at + 1, 0
        elif gap >= _allowed_gap(lines[stop - 1].text, text) or "subject" in kinds and not text.strip():
            break
        else:
            gap += 1
    return kinds, stop


def _allowed_gap(header: str, text: str) -> int:
    """Addresses are wrapped over many lines; a blank line between two headers is common in converted HTML."""
    return 5 if text.strip() and ("@" in text or header.rstrip().endswith((",", ";", ":"))) else 2


def _second_label(text: str) -> set[str]:
    """`À : a@b Objet : ...`: two headers on a line."""
    return {kind for word, kind in (("objet", "subject"), ("subject", "subject")) if f" {word} :" in text.lower()}


# --------------------------------------------------------------------------------------------- attribution


@cache
def _ends_attribution() -> re.Pattern[str]:
    verbs = _alternatives(patterns.table("quoting")["attribution"]["verbs"])
    return re.compile(rf"(?<!\w)(?:{verbs})(?!\w)", re.IGNORECASE)


@cache
def _starter() -> re.Pattern[str]:
    words = _alternatives(patterns.table("quoting")["attribution"]["starters"])
    return re.compile(rf"[\s*_\"'>-]{{0,6}}(?:(?:{words})(?:[\s.,:]|$)|\W{{0,2}}\d)", re.IGNORECASE)


_DATED = re.compile(
    r"\d{1,4}\s?[-/.年]\s?\d{1,2}|\d{1,2}[:.h]\d{2}|\b(?:19|20)\d\d\b|\b\d{1,2}\b[^\n]{1,12}\b\d{2,4}\b"
)
_CLOSED = re.compile(r"[:：]\s*[*_]*\s*$|-{2,}\s*$")
_DATE_AND_ADDRESS = re.compile(r"\W{0,3}\d{1,4}[-/.年][^\n]{4,160}<[^<>\n]{3,90}@[^<>\n]{3,90}>\s*[:：]?\s*$")
_ADDRESSED = re.compile(r"<[^<>\n]{0,100}@[^<>\n]{1,100}>|\([^()\n]{0,60}@[^()\n]{1,80}\)|\S@\S|\bvia\b")


def _attribution(lines: list[Line], index: int) -> Mark | None:
    """An attribution that starts at this line and ends at most five lines further down."""
    joined = ""
    for stop in range(index, min(index + 6, len(lines))):
        text = lines[stop].text
        if len(joined) + len(text) > 600 or (not text.strip() and stop > index + 1):
            return None
        joined = f"{joined} {text.strip()}" if joined else text
        if stop == index and not _may_start(joined):
            return None
        if _is_attribution(joined, lines, stop):
            return Mark(_above_rule(lines, index), stop + 1, "wrote")
        if (
            _CLOSED.search(text)
            or text.rstrip().endswith((".", "!", "?"))
            and "@" not in text
            and not _DATED.search(text)
        ):
            return None
    return None


def _may_start(text: str) -> bool:
    return bool(_starter().match(text)) or "@" in text or bool(_ends_attribution().search(text[-40:]))


def _is_attribution(joined: str, lines: list[Line], stop: int) -> bool:
    dated, addressed = bool(_DATED.search(joined)), bool(_ADDRESSED.search(joined))
    if not dated and not addressed:
        return False
    verb = _ends_attribution().search(joined)
    if verb and _CLOSED.search(joined):
        return addressed or _starter().match(joined) is not None
    if verb and addressed and dated and len(joined) - verb.end() <= 2:
        return True
    return _quoted_next(lines, stop) and _is_unverbed(joined, dated, addressed)


def _is_unverbed(joined: str, dated: bool, addressed: bool) -> bool:
    """No verb that is known: a date and an address before quoted lines are enough in any language."""
    if dated and addressed and _CLOSED.search(joined):
        return True
    return bool(_DATE_AND_ADDRESS.match(joined))


def _quoted_next(lines: list[Line], stop: int) -> bool:
    below = next((line for line in lines[stop + 1 : stop + 4] if line.text.strip()), None)
    return below is not None and (below.quoted or below.text.startswith("|"))
