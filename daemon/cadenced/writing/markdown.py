"""One Markdown source, two renderings: the text that a person would have typed, and plain HTML.

The dialect is CommonMark without HTML, code and underlined headings, and a new line is a new line, as in a letter.
"""

from __future__ import annotations

import functools
import html
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from markdown_it import MarkdownIt

from cadenced.writing import plain


class Rendered(NamedTuple):
    """A body as ``text/plain`` (LF, ends with one) and as a fragment of HTML."""

    text: str
    html: str


SCHEMES = ("http:", "https:", "mailto:", "tel:")
"""What a link may point to; anything else stays the text that it is."""

_OFF = ("code", "fence", "backticks", "html_block", "html_inline", "lheading", "reference")
_BLOCK_START = re.compile(r"^(?:[ \t]|[-+*_>#]|\d{1,9}[.)])", re.MULTILINE)
_BULLETS = re.compile(r"- (?![-+*_>#]|\d{1,9}[.)])\S(?:[^\n]*\S)?(?:\n- (?![-+*_>#]|\d{1,9}[.)])\S(?:[^\n]*\S)?)*")
_CHUNK = re.compile(r"^[ \t]*[^ \t\n][^\n]*(?:\n[ \t]*[^ \t\n][^\n]*)*", re.MULTILINE)
_ESCAPED = re.compile(r"\\([!-/:-@\[-`{-~])")
_ACTIVE = re.compile(r"[\\*_\[\]<&\t\x00]")
_SPACES_AT_BREAK = re.compile(r" *\n *")


def _dialect() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False, "breaks": True, "xhtmlOut": False}).disable(list(_OFF))
    parser.validateLink = is_safe_link  # type: ignore[method-assign]  # the documented way to say which are allowed
    return parser


def is_safe_link(url: str) -> bool:
    """Whether a link may point to ``url``."""
    return url.strip().lower().startswith(SCHEMES)


_PARSER = _dialect()


def render(source: str) -> Rendered:
    """Render a body. Plain paragraphs and lists take a short way that gives what the parser gives."""
    parts = [block(region) for region in regions(source)]
    return Rendered("\n\n".join(part.text for part in parts if part.text) + "\n", "".join(part.html for part in parts))


def regions(source: str) -> Iterator[str]:
    """Cut a body where blocks certainly end: before text that is neither marked nor indented, after an empty line."""
    start = end = 0  # of a region with marked or indented lines, empty where none is open
    for found in _CHUNK.finditer(source):
        if is_marked(found[0]):
            start, end = (start if end else found.start()), found.end()
            continue
        if end:
            yield source[start:end]
            end = 0
        yield found[0]
    if end:
        yield source[start:end]


def is_marked(text: str) -> bool:
    """Whether any line of it may begin something else than a paragraph, or go on with what stands before it."""
    return _BLOCK_START.search(text) is not None


def block(region: str) -> Rendered:
    """Render one region."""
    if _ACTIVE.search(_ESCAPED.sub("", region) if "\\" in region else region):
        return _cached(region)
    if not is_marked(region):
        return _paragraph(region)
    return _bullets(region) if _BULLETS.fullmatch(region) else _cached(region)


def parsed(source: str) -> Rendered:
    """Render by the CommonMark parser."""
    tokens = _PARSER.parse(source)
    return Rendered(plain.text_of(tokens) + "\n", str(_PARSER.renderer.render(tokens, _PARSER.options, {})))


def _paragraph(chunk: str) -> Rendered:
    text = chunk.strip()
    if "\n" in text:
        text = _SPACES_AT_BREAK.sub("\n", text)
    if "\\" in text:
        text = _ESCAPED.sub(r"\1", text)
    return Rendered(text, f"<p>{_marked_up(text)}</p>\n")


def _bullets(region: str) -> Rendered:
    text = _ESCAPED.sub(r"\1", region)
    items = "".join(f"<li>{_marked_up(line[2:])}</li>\n" for line in text.split("\n"))
    return Rendered(text, f"<ul>\n{items}</ul>\n")


def _marked_up(text: str) -> str:
    return html.escape(text, quote=False).replace('"', "&quot;").replace("\n", "<br>\n")


@functools.lru_cache(maxsize=2048)
def _cached(region: str) -> Rendered:
    """Render what has markup; a template's own words come again with every prospect."""
    rendered = parsed(region)
    return Rendered(rendered.text.rstrip("\n"), rendered.html)


@dataclass(frozen=True, slots=True)
class _Page:
    head: str
    foot: str


@functools.lru_cache(maxsize=64)
def _page(language: str) -> _Page:
    lang = html.escape(language or "en", quote=True)
    style = "font-family:-apple-system,'Segoe UI',Helvetica,Arial,sans-serif;font-size:15px;line-height:1.5;color:#222"
    head = f'<!DOCTYPE html>\n<html lang="{lang}">\n<head><meta charset="utf-8"></head>\n<body style="{style}">\n'
    return _Page(head, "</body>\n</html>\n")


def page(fragment: str, language: str) -> str:
    """Return the whole HTML document round a fragment."""
    frame = _page(language)
    return f"{frame.head}{fragment}{frame.foot}"
