"""What a person wrote themselves: a reply without the quoted mail, the signature and the footers.

Losing the writer's words is the worse fault, so doubt keeps a line. Answers written between quoted lines keep
those lines (they start with `>`, or with an em space where HTML had a block quote): whoever judges a text drops
them with `spoken`.
"""

from dataclasses import dataclass
from itertools import pairwise

from cadenced.reading import quoting_html, quoting_lines, quoting_tail
from cadenced.reading.quoting_lines import Line, Mark

_INDENT = quoting_lines.INDENT


@dataclass(frozen=True, slots=True)
class Own:
    """A reply taken apart. `inline`: quoted lines were kept in `text` because answers stand between them."""

    text: str
    signature: str
    quoted: str
    inline: bool


def own_text(text: str) -> Own:
    """Take a plain text body apart; any line ends, any language, linear time."""
    return _take_apart([Line(raw) for raw in quoting_lines.split(text)])


def own_text_of_html(html: str) -> Own:
    """Take an HTML body apart; the text comes without markup, a line for each block."""
    return _take_apart(quoting_html.lines(html))


def spoken(text: str) -> str:
    """Leave the quoted lines out of an own text: only these words may be judged."""
    if ">" not in text and _INDENT not in text:
        return text
    return "\n".join(line for line in text.split("\n") if not line.lstrip(" \t").startswith((">", _INDENT)))


def _take_apart(lines: list[Line]) -> Own:
    lowered = quoting_lines.lowered(lines)
    marks = quoting_lines.marks(lines, lowered)
    keep, quoted = _above(lines, marks)
    if not any(line.own for line in keep) and marks:
        keep, quoted = _below(lines, marks[0])
    around = quoting_tail.around(lowered, lines[quoting_lines.MAX_LINES :])
    return _own(keep, quoted, around)


def _above(lines: list[Line], marks: list[Mark]) -> tuple[list[Line], list[Line]]:
    """Text above the first mark, and what was answered below or between the quoted lines."""
    if not marks:
        return lines, []
    first = marks[0]
    head, rest = lines[: first.start], lines[first.stop :]
    if first.kind == "wrote" and _starts_quoted(rest):
        return head + [line for line in _up_to_next(rest, marks, first) if not line.rest], []
    return head, rest


def _below(lines: list[Line], first: Mark) -> tuple[list[Line], list[Line]]:
    """Nothing was written above the mark: the words are below it, or there are none."""
    rest = lines[first.stop :]
    if first.kind in ("headers", "original"):
        return lines[: first.start], rest
    inner = quoting_lines.marks(rest, quoting_lines.lowered(rest))
    if first.kind == "forward" and inner and inner[0].kind == "headers" and not _text_before(rest, inner[0]):
        rest = rest[inner[0].stop :]
        inner = quoting_lines.marks(rest, quoting_lines.lowered(rest))
    stop = inner[0].start if inner and _text_before(rest, inner[0]) else len(rest)
    return rest[:stop], rest[stop:]


def _text_before(lines: list[Line], mark: Mark) -> bool:
    return any(line.own for line in lines[: mark.start])


def _starts_quoted(lines: list[Line]) -> bool:
    first = next((line for line in lines if line.text.strip()), None)
    return first is not None and first.quoted


def _up_to_next(rest: list[Line], marks: list[Mark], first: Mark) -> list[Line]:
    """Below a quote a second attribution or header block ends what can be the writer's."""
    later = [mark for mark in marks[1:] if mark.kind != "wrote" or not _starts_quoted(rest[mark.stop - first.stop :])]
    return rest[: later[0].start - first.stop] if later else rest


def _own(keep: list[Line], quoted: list[Line], around: frozenset[str]) -> Own:
    kept, signature = quoting_tail.strip(keep, around)
    runs = _runs(kept)
    answers = [run for run in runs if run[0].own]
    quotes = [run for run in runs if run[0].quoted]
    inline = _is_inline(runs, answers, quotes)
    if answers and not inline:
        quoted = [line for run in quotes for line in run] + quoted
        kept = [line for line in kept if not line.quoted]
    elif inline and not runs[-1][0].own:
        kept = kept[: _last_own(kept) + 1]
    return Own(_join(kept), _join(signature), _join(quoted), inline)


def _is_inline(runs: list[list[Line]], answers: list[list[Line]], quotes: list[list[Line]]) -> bool:
    """Answers between quotes, or a quote that nobody's name stands above before the only answer."""
    if not answers or not quotes:
        return False
    between = any(before[0].quoted and after[0].own for before, after in pairwise(runs))
    if not between:
        return False
    return len(quotes) > 1 or len(answers) > 1 or not runs[0][0].attributed


def _runs(lines: list[Line]) -> list[list[Line]]:
    """Neighbouring lines of one kind; blank lines belong to no run."""
    runs: list[list[Line]] = []
    for line in lines:
        if not line.text.strip():
            continue
        if runs and runs[-1][0].quoted == line.quoted:
            runs[-1].append(line)
        else:
            runs.append([line])
    return runs


def _last_own(lines: list[Line]) -> int:
    return max(index for index, line in enumerate(lines) if line.own)


def _join(lines: list[Line]) -> str:
    return "\n".join(line.text.rstrip() for line in lines).strip("\n")
