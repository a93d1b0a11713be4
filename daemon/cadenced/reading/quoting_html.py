"""HTML to lines, in one pass: blocks become lines, quotes and signatures are noted by what mail programs call them."""

import html as entities
import re
from dataclasses import dataclass, field
from functools import cache

from cadenced.reading import patterns
from cadenced.reading.quoting_lines import INDENT, Line

MAX_SIZE = 1_000_000  # characters of HTML that are read
_MAX_DEPTH = 400
_OPENING = re.compile(r"<(?:!--|[!?]|(/?)([a-zA-Z][a-zA-Z0-9:]*))")
_NAMES = re.compile(r"(?:class|id|name)\s*=\s*3?D?(\"[^\"]*\"|'[^']*'|[^\s>]+)", re.IGNORECASE)
_HIDDEN = re.compile(r"display\s*:\s*none|\bmso-hide\s*:\s*all", re.IGNORECASE)
_SPACE = re.compile(r"[ \t\r\n\f\u00a0]+")
_SKIPPED = frozenset({"head", "style", "script", "title", "xml", "noscript", "template"})
_VOID = frozenset({"br", "hr", "img", "meta", "link", "input", "wbr", "area", "base", "col", "source"})
_BLOCK = frozenset(
    {"p", "div", "br", "hr", "tr", "table", "ul", "ol", "li", "blockquote", "pre", "h1", "h2", "h3", "h4", "h5", "h6"}
    | {"section", "article", "header", "footer", "body", "html", "center", "dl", "dt", "dd", "address"}
)
_SPACED = frozenset({"p", "ul", "ol", "blockquote", "pre", "table", "h1", "h2", "h3"})
_NOTED = frozenset({"div", "span", "blockquote", "p", "hr", "table", "td", "section", "font", "a"})


@dataclass(slots=True)
class _Frame:
    name: str
    quoted: bool
    signature: bool
    skipped: bool
    pre: bool


@dataclass(slots=True)
class _Reader:
    done: list[Line] = field(default_factory=list)
    stack: list[_Frame] = field(default_factory=lambda: [_Frame("", False, False, False, False)])
    buffer: list[str] = field(default_factory=list)
    rest: bool = False

    def text(self, raw: str) -> None:
        frame = self.stack[-1]
        if frame.skipped:
            return
        text = entities.unescape(raw) if "&" in raw else raw
        if frame.pre:
            *full, last = text.split("\n")
            for part in full:
                self.buffer.append(part)
                self.flush()
            self.buffer.append(last)
        else:
            self.buffer.append(_SPACE.sub(" ", text))

    def flush(self) -> None:
        text = "".join(self.buffer)
        self.buffer.clear()
        frame = self.stack[-1]
        text = (text if frame.pre else _SPACE.sub(" ", text).strip()).rstrip()
        quoted = frame.quoted or self.rest
        self.done.append(Line(f"{INDENT}{text}" if quoted else text, quoted, self.rest, frame.signature))

    def flush_if_text(self) -> None:
        if any(not part.isspace() for part in self.buffer):
            self.flush()
        else:
            self.buffer.clear()

    def open(self, name: str, attributes: str) -> None:
        frame = self.stack[-1]
        if name in _BLOCK:
            if name == "br":
                self.flush()
            else:
                self.flush_if_text()
        self.note_rest(name, attributes)
        if name in _VOID or attributes.endswith("/") or len(self.stack) > _MAX_DEPTH:
            return
        kind = _called(attributes) if name in _NOTED and attributes else ""
        self.stack.append(
            _Frame(
                name,
                frame.quoted or name == "blockquote" or kind == "quote",
                frame.signature or kind == "signature",
                frame.skipped or name in _SKIPPED or bool("none" in attributes and _HIDDEN.search(attributes)),
                frame.pre or name == "pre",
            )
        )

    def note_rest(self, name: str, attributes: str) -> None:
        if attributes and name in _NOTED and not self.rest and _called(attributes) == "rest":
            self.flush_if_text()
            self.rest = True

    def close(self, name: str) -> None:
        if name in _BLOCK:
            self.flush_if_text()
        for depth in range(len(self.stack) - 1, max(len(self.stack) - 30, 0), -1):
            if self.stack[depth].name == name:
                del self.stack[depth:]
                break
        if name in _SPACED and self.done and self.done[-1].text:
            self.done.append(Line(""))


def lines(html: str) -> list[Line]:
    """Turn HTML into lines; broken markup is read as well as it can be."""
    reader = _Reader()
    source = html[:MAX_SIZE]
    at = 0
    while match := _OPENING.search(source, at):
        if match.start() > at:
            reader.text(source[at : match.start()])
        at = _read_tag(reader, source, match)
    if at < len(source):
        reader.text(source[at:])
    reader.flush_if_text()
    return reader.done


def _read_tag(reader: _Reader, source: str, opening: re.Match[str]) -> int:
    """Take in a tag, a declaration or a comment; return where it ends, for an unfinished one the end of all."""
    name = opening[2]
    end = source.find("-->" if opening[0] == "<!--" else ">", opening.end())
    if end < 0:
        if opening[0] != "<!--":
            reader.text(source[opening.end() :])
        return len(source)
    if name and opening[1]:
        reader.close(name.lower())
    elif name:
        reader.open(name.lower(), source[opening.end() : end])
    return end + (3 if opening[0] == "<!--" else 1)


@cache
def _called_regex() -> re.Pattern[str]:
    table = patterns.table("quoting")["html"]
    groups = (f"(?P<{kind}>{'|'.join(map(re.escape, table[kind]))})" for kind in ("rest", "quote", "signature"))
    return re.compile("|".join(groups), re.IGNORECASE)


def _called(attributes: str) -> str:
    """Return what the class or id says that an element is: rest, quote, signature, or nothing."""
    if "data-signatureblock" in attributes:
        return "signature"
    for match in _NAMES.finditer(attributes[:2000]):
        found = _called_regex().search(match[1])
        if found:
            return found.lastgroup or ""
    return ""
