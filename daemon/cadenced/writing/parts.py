"""Both parts of a letter as they leave: text and HTML, quoted-printable, CRLF.

A template's own paragraphs come again with every prospect: each is rendered and quoted once.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from typing import NamedTuple

from cadenced.core.model import Draft
from cadenced.writing import footer as footers
from cadenced.writing import lines, markdown, quoted
from cadenced.writing.footer import Footer

_ANY_REFERENCE = "anyreferenceofatouch000000"
_ITS_PLACE = re.compile("(?:=\r\n)?".join(_ANY_REFERENCE))
_ABOVE_FOOT = '<div style="margin-top:2em;font-size:12px;color:#777">\n'
_BELOW_FOOT = "</div>\n"
_LONGEST_KNOWN = 2_000
"""Characters of a paragraph that is remembered."""
_ODD_EDGES = ("\n", " ", "\t")


class Parts(NamedTuple):
    """What stands below the heads of the two parts."""

    text: str
    html: str


def text_and_html(draft: Draft, footer: Footer | None, language: str) -> markdown.Rendered:
    """Return both parts as they will be read, LF line ends, with the footer below."""
    rendered = markdown.render(lines.normalised(draft.body))
    below = footers.markdown(footer, draft.body) if footer else ""
    text, fragment = rendered.text, rendered.html
    if below:
        foot = markdown.render(below)
        text = f"{text}\n{foot.text}"
        fragment = f"{fragment}{_ABOVE_FOOT}{foot.html}{_BELOW_FOOT}"
    return markdown.Rendered(text, markdown.page(fragment, language))


def leaving(draft: Draft, footer: Footer | None, language: str, reference: str) -> Parts:
    """Return both parts of ``text_and_html`` as they leave; the footer may name the ``reference``."""
    try:
        regions = list(_regions(lines.normalised(draft.body)))
        foot = _foot(footer, draft.body, reference) if footer else None
    except _OddError:
        return Parts(*map(quoted.any_text, text_and_html(draft, footer, language)))
    head, end = _frame(language)
    text = "\r\n\r\n".join([one.text for one in regions if one.text])
    html = "".join([one.html for one in regions])
    if foot is None:
        return Parts(f"{text}\r\n", f"{head}{html}{end}")
    return Parts(f"{text}\r\n\r\n{foot.text}", f"{head}{html}{foot.html}{end}")


class _OddError(Exception):
    """A region is no sequence of whole lines: the letter is quoted as one."""


def _regions(source: str) -> Iterator[Parts]:
    """Yield what ``markdown.regions`` cuts a body into, quoted."""
    chunks = source.split("\n\n")
    if any(chunk[:1] in _ODD_EDGES or chunk[-1:] in _ODD_EDGES or not chunk for chunk in chunks) or _is_odd(source):
        for region in markdown.regions(source):
            yield _known(region)
        return
    marked: list[str] = []  # such blocks may belong together
    for chunk in chunks:
        paragraph = _paragraph(chunk) if len(chunk) <= _LONGEST_KNOWN else _unmarked(chunk)
        if paragraph is None:
            marked.append(chunk)
            continue
        if marked:
            yield _known("\n\n".join(marked))
            marked = []
        yield paragraph
    if marked:
        yield _known("\n\n".join(marked))


def _is_odd(source: str) -> bool:
    """Whether lines may look empty and not be."""
    return "\n " in source or "\n\t" in source


def _unmarked(chunk: str) -> Parts | None:
    """Return a chunk's parts where it is a block by itself, whatever stands around it."""
    return None if markdown.is_marked(chunk) else _region(chunk)


def _known(region: str) -> Parts:
    return _remembered(region) if len(region) <= _LONGEST_KNOWN else _region(region)


def _region(region: str) -> Parts:
    """Return a region's parts, the text without its last line end."""
    rendered = markdown.block(region)
    return Parts(_lines(f"{rendered.text}\n")[:-2], _lines(rendered.html))


_paragraph = functools.lru_cache(maxsize=1024)(_unmarked)
_remembered = functools.lru_cache(maxsize=1024)(_region)


def _lines(text: str) -> str:
    if "\r" in text or (text and text[-1] != "\n"):
        raise _OddError
    return quoted.whole_lines(text)


@functools.lru_cache(maxsize=64)
def _frame(language: str) -> tuple[str, str]:
    """Return what stands around the HTML."""
    head, _, end = markdown.page("\0", language).partition("\0")
    return _lines(head), _lines(end)


def _foot(footer: Footer, body: str, reference: str) -> Parts | None:
    """Return the footer, quoted. But for the reference, letters and digits that no markup can touch, it is known."""
    if footer.unsubscribe_url or not _is_usual(reference) or _ANY_REFERENCE in f"{footer}":
        below = footers.markdown(footer, body)
        return _quoted_foot(below) if below else None
    anybody = footer.unsubscribe_mailto.replace(reference, _ANY_REFERENCE)
    known = _known_foot(footer.postal_address, anybody, footer.language)
    return Parts(*("".join(_filled(part, reference)) for part in known)) if known else None


def _is_usual(reference: str) -> bool:
    return len(reference) == len(_ANY_REFERENCE) and reference.isascii() and reference.isalnum()


def _quoted_foot(below: str) -> Parts:
    foot = markdown.render(below)
    return Parts(_lines(foot.text), _lines(f"{_ABOVE_FOOT}{foot.html}{_BELOW_FOOT}"))


@functools.lru_cache(maxsize=256)
def _known_foot(postal_address: str, mailto: str, language: str) -> tuple[list[str | int], list[str | int]] | None:
    """Return a footer's parts, cut where references stand; a number says after how many characters a line is broken."""
    below = footers.markdown(Footer(postal_address, "", mailto, language), "")
    if not below:
        return None
    text, html = (_cut(part) for part in _quoted_foot(below))
    return text, html


def _cut(part: str) -> list[str | int]:
    cut: list[str | int] = []
    at = 0
    for found in _ITS_PLACE.finditer(part):
        cut += [part[at : found.start()], found[0].find("=")]
        at = found.end()
    return [*cut, part[at:]]


def _filled(cut: list[str | int], reference: str) -> Iterator[str]:
    for one in cut:
        if isinstance(one, str):
            yield one
        else:
            yield reference if one < 0 else f"{reference[:one]}=\r\n{reference[one:]}"
