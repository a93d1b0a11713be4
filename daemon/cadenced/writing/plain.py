"""Parsed Markdown as plain text: what stays when the marks are taken away, with links written out."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from markdown_it.token import Token
from markdown_it.tree import SyntaxTreeNode

_RULE = "-" * 20
_BREAKS = {"softbreak", "hardbreak"}


def text_of(tokens: Sequence[Token]) -> str:
    """Return the text of a parsed document; no line is wrapped and none ends in a space."""
    return _blocks(SyntaxTreeNode(tokens), "\n\n")


def _blocks(node: SyntaxTreeNode, between: str) -> str:
    return between.join(filter(None, map(_block, node.children)))


def _block(node: SyntaxTreeNode) -> str:
    if node.type == "bullet_list":
        return _list(node, lambda _: "- ")
    if node.type == "ordered_list":
        first = int(node.attrs.get("start", 1))
        return _list(node, lambda n: f"{first + n}. ")
    if node.type == "blockquote":
        return _prefixed(_blocks(node, "\n\n"), "> ", "> ")
    if node.type == "hr":
        return _RULE
    return _tidy("".join(_inline(child) for child in node.children))


def _list(node: SyntaxTreeNode, mark: Callable[[int], str]) -> str:
    loose = any(child.type == "paragraph" and not child.hidden for item in node.children for child in item.children)
    items = []
    for number, item in enumerate(node.children):
        sign = mark(number)
        items.append(_prefixed(_blocks(item, "\n\n" if loose else "\n"), sign, " " * len(sign)))
    return ("\n\n" if loose else "\n").join(items)


def _prefixed(text: str, first: str, rest: str) -> str:
    lines = text.split("\n")
    return "\n".join(((first if n == 0 else rest) + line).rstrip(" ") for n, line in enumerate(lines))


def _inline(node: SyntaxTreeNode) -> str:
    if node.type in _BREAKS:
        return "\n"
    if node.type == "image":
        return _with_url(node.content, str(node.attrs.get("src", "")))
    inner = "".join(_inline(child) for child in node.children) if node.children else node.content
    return _with_url(inner, str(node.attrs.get("href", ""))) if node.type == "link" else inner


def _with_url(label: str, url: str) -> str:
    address = url.partition("?")[0] if url.startswith("mailto:") else url
    if label in {url, address, address.removeprefix("mailto:"), address.removeprefix("tel:")}:
        return label
    return f"{label} ({url})" if label else url


def _tidy(text: str) -> str:
    return "\n".join(line.strip(" \t") for line in text.split("\n"))
