"""A template's source as it can be read: every branch a text of the source's own length, Jinja blanked or filled.

Because lengths are kept, whatever a rule finds in a branch stands at the same line and column of the source.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise

from jinja2 import Environment, TemplateSyntaxError, nodes

from cadenced.wording import text as texts

MOST_BRANCHES = 64
_DATE = re.compile(r"(?:^|_)(?:date|time|day|at|when|slot|until|on|now)(?:$|_)|date|slot")
_LINK = re.compile(r"url|link|href")
_LANGUAGE = re.compile(r"^language[ \t]*:[ \t]*[\"']?([a-zA-Z]{2}(?:[-_]\w+)?)", re.MULTILINE)
_WAIVER = re.compile(r"\s*lint\s*:\s*allow\s+(?P<code>[\w-]+)\s*(?:[,:;–—-]\s*(?P<reason>.*))?", re.DOTALL)


class BrokenError(ValueError):
    """The source is no template; carries the line."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line


@dataclass(frozen=True, slots=True)
class Waiver:
    """A comment that allows a rule to be broken; a waiver without a reason does not count."""

    code: str
    reason: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Expression:
    """A `{{ … }}` with the words that its fallback would leave, None where it has none."""

    start: int
    end: int
    name: str
    fallback: str | None


@dataclass(frozen=True, slots=True)
class Template:
    """A source taken apart. Each of `branches` has the length of `source`."""

    source: str
    body: int
    subject: tuple[int, int]
    language: str
    branches: tuple[str, ...]
    expressions: tuple[Expression, ...]
    waivers: tuple[Waiver, ...]
    fields: frozenset[str]


@dataclass(slots=True)
class _Piece:
    """Some of the source: `kind` is data, comment, variable, raw or block; tokens are (type, value) without blanks."""

    kind: str
    start: int
    end: int
    tokens: list[tuple[str, str]] = field(default_factory=list)

    @property
    def tag(self) -> str:
        return self.tokens[0][1] if self.kind == "block" and self.tokens else ""


_Alternatives = list[list[_Piece]]


def parse(source: str) -> Template:
    """Take a source with LF line ends apart; raise BrokenError where Jinja cannot read it."""
    fields = _fields(source)
    pieces = list(_pieces(source))
    expressions = tuple(_expression(piece) for piece in pieces if piece.kind == "variable")
    names = {one.start: one.name for one in expressions}
    body = texts.front_matter(source)
    spoken = _LANGUAGE.search(source, 0, body)
    return Template(
        source=source,
        body=body,
        subject=texts.subject_span(source, body),
        language=spoken[1] if spoken else "",
        branches=tuple(_drawn(source, kept, names) for kept in _alternatives(pieces)[:MOST_BRANCHES]),
        expressions=expressions,
        waivers=tuple(_waivers(source, pieces)),
        fields=frozenset(fields),
    )


@lru_cache(maxsize=1)
def _environment() -> Environment:
    return Environment(keep_trailing_newline=True)  # noqa: S701 - nothing is rendered here, only read


def _fields(source: str) -> set[str]:
    try:
        names = list(_environment().parse(source).find_all(nodes.Name))
    except TemplateSyntaxError as error:
        raise BrokenError(error.lineno, error.message or "not a template") from error
    except RecursionError as error:
        raise BrokenError(1, "nested too deeply") from error
    own = {name.name for name in names if name.ctx != "load"}
    return {name.name for name in names} - own


def _pieces(source: str) -> Iterator[_Piece]:
    """Return the source in order; what Jinja's blank control swallows belongs to no piece."""
    at, open_piece = 0, None
    for kind, value in _lexed(source):
        start = source.find(value, at) if value else at
        at = start + len(value)
        if kind == "data":
            yield _Piece("data", start, at)
        elif kind.endswith("_begin"):
            open_piece = _Piece(kind.removesuffix("_begin"), start, at)
        elif open_piece is not None and kind.endswith("_end"):
            open_piece.end = at
            yield open_piece
            open_piece = None
        elif open_piece is not None and kind != "whitespace":
            open_piece.tokens.append((kind, value))


def _lexed(source: str) -> Iterator[tuple[str, str]]:
    try:
        for _, kind, value in _environment().lex(source):
            yield kind, value
    except TemplateSyntaxError as error:
        raise BrokenError(error.lineno, error.message or "not a template") from error


def _alternatives(pieces: Sequence[_Piece]) -> _Alternatives:
    """So many readings of the source that each branch is in one of them."""
    choices, at = [], 0
    while at < len(pieces):
        piece = pieces[at]
        if piece.tag in ("if", "for"):
            end = _closing(pieces, at)
            choices.append(_branches(pieces[at : end + 1]))
            at = end
        elif piece.kind in ("data", "variable"):
            choices.append([[piece]])
        at += 1
    count = max((len(choice) for choice in choices), default=1)
    return [[piece for choice in choices for piece in choice[min(n, len(choice) - 1)]] for n in range(count)]


def _closing(pieces: Sequence[_Piece], at: int) -> int:
    """Return the index of the end tag of the `if` or `for` at an index, the last piece where there is none."""
    depth, opening = 0, pieces[at].tag
    for index in range(at, len(pieces)):
        if pieces[index].tag == opening:
            depth += 1
        elif pieces[index].tag == f"end{opening}":
            depth -= 1
            if not depth:
                return index
    return len(pieces) - 1


def _branches(pieces: Sequence[_Piece]) -> _Alternatives:
    """Return the readings of one `if` or `for`: each branch, and nothing where there is no else."""
    cuts, depth = [0], 0
    for index, piece in enumerate(pieces):
        if piece.tag in ("if", "for"):
            depth += 1
        elif piece.tag in ("endif", "endfor"):
            depth -= 1
        elif depth == 1 and piece.tag in ("elif", "else"):
            cuts.append(index)
    whole = pieces[cuts[-1]].tag == "else" or pieces[0].tag == "for"
    cuts.append(len(pieces) - 1)
    found: _Alternatives = []
    for start, end in pairwise(cuts):
        found.extend(_alternatives(pieces[start + 1 : end]))
    return found if whole else [*found, []]


def _drawn(source: str, kept: Sequence[_Piece], names: dict[int, str]) -> str:
    parts, at = [], 0
    for piece in kept:
        parts.append(texts.blank(source[at : piece.start]))
        written = source[piece.start : piece.end]
        parts.append(written if piece.kind == "data" else _placeholder(names[piece.start], written))
        at = piece.end
    parts.append(texts.blank(source[at:]))
    return "".join(parts)


def _placeholder(name: str, written: str) -> str:
    """Return a word of the expression's length: an address, an hour or a name, by what the expression is called."""
    if _LINK.search(name):
        word = "www.unsubscribe" if "unsubscribe" in name else "www.link"
    elif _DATE.search(name):
        word = "9:00"
    else:
        word = "Alex"
    blanked = texts.blank(written)
    return word + blanked[len(word) :] if "\n" not in blanked[: len(word)] else blanked


def _expression(piece: _Piece) -> Expression:
    name = ".".join(value for kind, value in _leading(piece.tokens))
    return Expression(piece.start, piece.end, name, _fallback(piece.tokens))


def _leading(tokens: Sequence[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    for kind, value in tokens:
        if kind == "name":
            yield kind, value
        elif value != ".":
            return


def _fallback(tokens: Sequence[tuple[str, str]]) -> str | None:
    """Return the literal of `| default("…")` or `or "…"`."""
    for index, (_, value) in enumerate(tokens):
        rest = tokens[index + 1 : index + 3]
        if value in ("default", "d") and index and tokens[index - 1][1] == "|":
            return _literal(rest[1]) if len(rest) > 1 and rest[0][1] == "(" else ""
        if value == "or" and rest:
            return _literal(rest[0])
    return None


def _literal(token: tuple[str, str]) -> str | None:
    kind, value = token
    return value[1:-1] if kind == "string" else None


def _waivers(source: str, pieces: Sequence[_Piece]) -> Iterator[Waiver]:
    for piece in pieces:
        if piece.kind == "comment":
            words = source[piece.start : piece.end].removeprefix("{#").removesuffix("#}").strip("-+ \n\t")
            match = _WAIVER.match(words)
            if match:
                yield Waiver(match["code"], (match["reason"] or "").strip(), piece.start, _end(source, piece))


def _end(source: str, piece: _Piece) -> int:
    return piece.start + len(source[piece.start : piece.end].rstrip())
