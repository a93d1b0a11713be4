"""One Markdown source, two renderings: the text that a person would have typed, and plain HTML.

The dialect is CommonMark without HTML, code and underlined headings, and a new line is a new line, as in a letter.
"""

from __future__ import annotations

import functools
import html
import re
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
_BLANK_LINES = re.compile(r"\n(?:[ \t]*\n)+")
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
    """Render a body. Paragraphs without markup take a short way that gives what the parser gives."""
    if _BLOCK_START.search(source):
        return parsed(source)
    parts = [_paragraph(chunk) for chunk in _BLANK_LINES.split(source.strip("\n")) if chunk.strip(" \t\n")]
    return Rendered("\n\n".join(part.text for part in parts) + "\n", "".join(part.html for part in parts))


def parsed(source: str) -> Rendered:
    """Render by the CommonMark parser."""
    tokens = _PARSER.parse(source)
    return Rendered(plain.text_of(tokens) + "\n", str(_PARSER.renderer.render(tokens, _PARSER.options, {})))


def _paragraph(chunk: str) -> Rendered:
    if _ACTIVE.search(_ESCAPED.sub("", chunk)):
        return _cached(chunk)
    text = _ESCAPED.sub(r"\1", _SPACES_AT_BREAK.sub("\n", chunk.strip()))
    marked_up = html.escape(text, quote=False).replace('"', "&quot;").replace("\n", "<br>\n")
    return Rendered(text, f"<p>{marked_up}</p>\n")


@functools.lru_cache(maxsize=2048)
def _cached(chunk: str) -> Rendered:
    """Render one paragraph with markup; a template's own paragraphs come again with every prospect."""
    rendered = parsed(chunk)
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
