"""Lines of a body and the places where somebody else's words begin.

A mark is a run of lines that a mail program wrote to say "now comes the other mail": an attribution ("On ... X
wrote:"), a block of header lines, or a separator such as "-----Original Message-----".
"""

import re
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Literal

from cadenced.reading import patterns, presence

Kind = Literal["wrote", "headers", "original", "forward"]

MAX_LINES = 3000  # what stands lower is nobody's answer; keeps the worst case bounded
INDENT = "\u2003"  # before a line of an HTML block quote: white space that a reader sees as an indent
_INVISIBLE = re.compile("[\u200b\u200e\u200f\u2060\ufeff\u202a-\u202e]")
_EMPTY_LINES = re.compile(r"\n{4,}")
_ENOUGH = 20  # marks; what stands below so many is not the writer's
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
    """Cut into lines, whatever ends them; invisible marks go, and all below MAX_LINES is one piece."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if not text.isascii():
        text = _INVISIBLE.sub("", text.replace("\u2028", "\n"))
    if "\n\n\n\n" in text:
        text = _EMPTY_LINES.sub("\n\n\n", text)
    return text.split("\n", MAX_LINES)


def lowered(lines: list[Line]) -> str:
    """Return the lines that are looked at, in lower case."""
    return "\n".join([line.text for line in lines[:MAX_LINES]]).lower()


def marks(lines: list[Line], lowered: str) -> list[Mark]:
    """Find every mark in order and note on each line whether it is quoted; `lowered` is all of them in lower case."""
    verbs = _verbs_in(lowered)
    _note_quotes(lines, verbs)
    found: list[Mark] = []
    labels: dict[int, str] = {}
    for index, line in enumerate(lines[:MAX_LINES]):
        below = found[-1].stop if found else 0
        if len(found) > _ENOUGH:
            break
        if index < below or line.quoted or not _may_be_mark(line.text):
            continue
        mark = _separator(lines, index, labels) or _headers(lines, index, labels) or _attribution(lines, index, verbs)
        if mark and mark.start >= below:
            found.append(mark)
            if len(found) == 1:
                _note_attributed(lines, mark)
    return found


def _may_be_mark(text: str) -> bool:
    """Return a cheap look: marks end with a colon, hold an address or a label, or are ruled off."""
    return "@" in text or ":" in text or "：" in text or text.lstrip()[:1] in _RULED or text.rstrip()[-1:] == "-"


_RULED = frozenset("-_=*#")


def _note_quotes(lines: list[Line], verbs: re.Pattern[str] | None) -> None:
    for line in lines[:MAX_LINES]:
        start = line.text[:4].lstrip(" \t")[:1]
        if start in (">", INDENT):
            line.quoted = line.quoted or not _tail_of_attribution(line.text, verbs)
    for before, line, after in zip(lines, lines[1:MAX_LINES], lines[2:], strict=False):
        if before.quoted and after.quoted and not line.quoted and _is_wrapped(before.text, line.text):
            line.quoted = True


def _tail_of_attribution(text: str, verbs: re.Pattern[str] | None) -> bool:
    """`> wrote:` ends an attribution that was wrapped within the address."""
    return len(text) < 20 and verbs is not None and _CLOSED.search(text) is not None and verbs.search(text) is not None


def _is_wrapped(before: str, text: str) -> bool:
    """Return a long quoted line was broken and its end stands here without the sign."""
    return len(before) >= _WRAPPED and before.rstrip()[-1:] not in ".!?:;" and text[:1].islower()


def _note_attributed(lines: list[Line], mark: Mark) -> None:
    for line in lines[mark.stop : MAX_LINES]:
        if line.text.startswith("|") and mark.kind == "wrote":
            line.quoted = True
        line.attributed = True


# ---------------------------------------------------------------------------------------------- separators


@cache
def _separator_regex() -> re.Pattern[str]:
    words = patterns.table("quoting")["separators"]
    original, forward = (_alternatives(words[name]) for name in ("original", "forward"))
    return re.compile(
        rf"[\s*_#=-]{{0,60}}+(?:(?P<original>{original})|(?P<forward>{forward}))[\s*_:：#=-]{{0,60}}$",
        re.IGNORECASE,
    )


def _alternatives(words: list[str]) -> str:
    return "|".join(re.escape(word) for word in sorted(set(words), key=len, reverse=True))


_RULE = re.compile(r"[\s*]{0,4}(?:[-_=~*]\s?){4,}\s*$")


def _separator(lines: list[Line], index: int, labels: dict[int, str]) -> Mark | None:
    text = lines[index].text
    if len(text) > 160 or not (text.lstrip()[:1] in _RULED or text.rstrip()[-1:] in (":", "：", "-")):
        return None
    match = _separator_regex().match(text)
    if match:
        kind: Kind = "forward" if match["forward"] else "original"
        return Mark(_above_rule(lines, index), _skip_headers(lines, index + 1, labels), kind)
    return None


def _skip_headers(lines: list[Line], index: int, labels: dict[int, str]) -> int:
    """After a separator the header lines of the quoted mail belong to the mark."""
    start = index
    while start < len(lines) and start < index + 3 and not lines[start].text.strip():
        start += 1
    block = _headers(lines, start, labels, enough=2) if start < len(lines) else None
    return block.stop if block else index


def _above_rule(lines: list[Line], index: int) -> int:
    """Return a ruler (____ or ----) right above a mark is part of it."""
    start = index
    while start > 0 and index - start < 4:
        above = lines[start - 1].text
        if above.strip() and not _RULE.match(above):
            break
        start -= 1
    return start if any(_RULE.match(line.text) for line in lines[start:index]) else index


# --------------------------------------------------------------------------------------------- header block

_LONGEST_BLOCK = 24  # lines
_LABEL = re.compile(r"[\s>|*_]{0,6}(?P<label>[^\W\d][^:：\n<>@]{0,24}?)[*_\s\u00a0]{0,3}[:：]")


@cache
def _labels() -> dict[str, str]:
    table = patterns.table("quoting")["labels"]
    return {word: kind for kind in reversed(table) for word in table[kind]}


def _label(lines: list[Line], index: int, known: dict[int, str]) -> str:
    """Return which header a line starts with ("from", "date", ...), or nothing; each line is looked at once."""
    if index not in known:
        text = lines[index].text[:60]
        match = _LABEL.match(text) if ":" in text or "：" in text else None
        known[index] = _labels().get(match["label"].strip().lower(), "") if match else ""
    return known[index]


def _headers(lines: list[Line], index: int, labels: dict[int, str], enough: int = 3) -> Mark | None:
    """Return a block of header lines: a sender or a date with a subject, and `enough` different ones in all."""
    kind = _label(lines, index, labels)
    if kind not in ("from", "date", "subject", "to") or (
        lines[index - 1].text and _label(lines, index - 1, labels) == kind
    ):
        return None
    kinds, stop = _block(lines, index, labels)
    ruled = _above_rule(lines, index)
    few = 2 if ruled < index else enough
    if len(kinds) < few or not ({"from", "date"} & kinds) or (kind in ("subject", "to") and "from" not in kinds):
        return None
    return Mark(ruled, stop, "headers")


def _block(lines: list[Line], index: int, labels: dict[int, str]) -> tuple[set[str], int]:
    """Return the kinds of header in the block that starts here, and where it stops."""
    kinds: set[str] = set()
    stop, gap = index, 0
    for at in range(index, min(index + _LONGEST_BLOCK, len(lines))):
        text = lines[at].text
        kind = _label(lines, at, labels)
        if kind:
            kinds.add(kind)
            kinds.update(_second_label(text))
            stop, gap = at + 1, 0
        elif gap >= _allowed_gap(lines[stop - 1].text, text) or ("subject" in kinds and not text.strip()):
            break
        else:
            gap += 1
    return kinds, stop


def _allowed_gap(header: str, text: str) -> int:
    """Addresses are wrapped over many lines; a blank line between two headers is common in converted HTML."""
    return 5 if text.strip() and ("@" in text or header.rstrip().endswith((",", ";", ":"))) else 2


def _second_label(text: str) -> set[str]:
    """`À : a@b Objet : ...`: two headers on a line."""
    lowered = text.lower() if " :" in text else ""
    return {"subject"} if " objet :" in lowered or " subject :" in lowered else set()


# --------------------------------------------------------------------------------------------- attribution


def _verbs_in(text: str) -> re.Pattern[str] | None:
    """Return the verbs of attributions that the text holds at all, as one expression; None when it holds none."""
    present = presence.present(_verb_keys(), text)
    return _verb_regex(tuple(sorted(present))) if present else None


@cache
def _verb_keys() -> presence.Index:
    return presence.index(patterns.table("quoting")["attribution"]["verbs"])


@lru_cache(maxsize=256)
def _verb_regex(verbs: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w)(?:{_alternatives(list(verbs))})(?!\w)", re.IGNORECASE)


@cache
def _starter() -> re.Pattern[str]:
    words = _alternatives(patterns.table("quoting")["attribution"]["starters"])
    return re.compile(rf"[\s*_\"'>-]{{0,6}}(?:(?:{words})(?:[\s.,:]|$)|\W{{0,2}}\d)", re.IGNORECASE)


_DIGIT = re.compile(r"\d")
_DATED = re.compile(
    r"\d{1,4}\s?[-/.年]\s?\d{1,2}|\d{1,2}[:.h]\d{2}|\b(?:19|20)\d\d\b|\b\d{1,2}\b[^\n]{1,12}\b\d{2,4}\b"
)
_LONGEST_VERB = 30
_CLOSED = re.compile(r"[:：]\s*[*_]*\s*$|-{2,}\s*$")
_DATE_AND_ADDRESS = re.compile(r"\W{0,3}\d{1,4}[-/.年][^\n]{4,160}<[^<>\n]{3,90}@[^<>\n]{3,90}>\s*[:：]?\s*$")
_ADDRESSED = re.compile(r"<[^<>\n]{0,100}@[^<>\n]{1,100}>|\([^()\n]{0,60}@[^()\n]{1,80}\)|\S@\S|\bvia\b")


def _attribution(lines: list[Line], stop: int, verbs: re.Pattern[str] | None) -> Mark | None:
    """Return an attribution that ends at this line and began at most five lines further up."""
    if not _may_end(lines[stop].text):
        return None
    quoted = _quoted_next(lines, stop)
    if verbs is None and not quoted:
        return None
    joined = _joined_upward(lines, stop)
    if not _possible(joined[-1], verbs, quoted):
        return None
    nearest = None
    for start, text in zip(range(stop, -1, -1), joined, strict=False):
        if not _says_wrote(text, verbs) and not (quoted and _is_unverbed(text)):
            continue
        if _starter().match(lines[start].text) and _dated(text):
            return Mark(_above_rule(lines, start), stop + 1, "wrote")
        if nearest is None and lines[start].text.strip() and _ADDRESSED.search(text):
            nearest = Mark(_above_rule(lines, start), stop + 1, "wrote")
    return nearest


def _joined_upward(lines: list[Line], stop: int) -> list[str]:
    """Return the line, then it with the one above, and so on, as far as an attribution can reach."""
    found = [lines[stop].text.strip()]
    for start in range(stop - 1, max(stop - 6, -1), -1):
        if _ends_search(lines[start], found[-1]):
            break
        found.append(f"{lines[start].text.strip()} {found[-1]}".strip())
    return found


def _possible(longest: str, verbs: re.Pattern[str] | None, quoted: bool) -> bool:
    """Return a cheap look at the longest form; all others are its ends."""
    addressed = "@" in longest or "via" in longest
    dated = _dated(longest)
    if not addressed and not dated:
        return False
    if quoted and addressed:
        return True
    closed = _CLOSED.search(longest) is not None
    if verbs is None or not (closed or dated):
        return False
    return verbs.search(longest, 0 if closed else max(0, len(longest) - _LONGEST_VERB)) is not None


def _dated(text: str) -> bool:
    return _DIGIT.search(text) is not None and _DATED.search(text) is not None


def _may_end(text: str) -> bool:
    return len(text) < 400 and ("@" in text or _CLOSED.search(text) is not None)


def _ends_search(line: Line, joined: str) -> bool:
    """Above a quoted line, a closed sentence or too much text no attribution can have begun."""
    text = line.text.rstrip()
    if len(text) + len(joined) > 500 or (line.quoted and text) or (not text and not joined.startswith("<")):
        return True
    return text[-1:] in (".", "!", "?", ":") and "@" not in text and not _dated(text)


def _says_wrote(joined: str, verbs: re.Pattern[str] | None) -> bool:
    verb = verbs.search(joined) if verbs else None
    if not verb:
        return False
    return _CLOSED.search(joined) is not None or (len(joined) - verb.end() <= 2 and "@" in joined and _dated(joined))


def _is_unverbed(joined: str) -> bool:
    """No verb that is known: a date and an address before quoted lines are enough in any language."""
    if "@" not in joined:
        return False
    if _CLOSED.search(joined) and _dated(joined):
        return True
    return _DATE_AND_ADDRESS.match(joined) is not None


def _quoted_next(lines: list[Line], stop: int) -> bool:
    below = next((line for line in lines[stop + 1 : stop + 4] if line.text.strip()), None)
    return below is not None and (below.quoted or below.text.startswith("|"))
