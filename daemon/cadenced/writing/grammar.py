"""Which part of Jinja2's language a template may use: an allow-list of its syntax tree, with guards put in."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from jinja2 import nodes
from jinja2.visitor import NodeTransformer

from cadenced.writing.filters import FILTERS, TESTS

METHODS = ("upper", "lower", "title", "capitalize", "strip", "split", "replace", "startswith", "endswith")
"""Methods of text that a template may call."""

GROUPS = {
    "mailbox": ("name", "address", "first_name", "signature"),
    "account": ("name",),
    "step": ("id", "purpose"),
    "last_touch": ("subject", "at"),
    "loop": ("index", "index0", "first", "last", "length", "revindex", "revindex0"),
}
"""The variables that have parts, and their parts."""

_ALLOWED = (
    nodes.Template, nodes.Output, nodes.TemplateData, nodes.Name, nodes.Const, nodes.Getattr, nodes.Getitem,
    nodes.Slice, nodes.Filter, nodes.Test, nodes.Compare, nodes.Operand, nodes.And, nodes.Or, nodes.Not, nodes.Add,
    nodes.Sub,
    nodes.Mul, nodes.Div, nodes.FloorDiv, nodes.Mod, nodes.Neg, nodes.Pos, nodes.Concat, nodes.CondExpr, nodes.If,
    nodes.For, nodes.Assign, nodes.Call, nodes.Keyword, nodes.List, nodes.Tuple,
)  # fmt: skip
_CALLED = {
    nodes.Include: "include", nodes.Import: "import", nodes.FromImport: "from", nodes.Extends: "extends",
    nodes.Block: "block", nodes.Macro: "macro", nodes.CallBlock: "call", nodes.FilterBlock: "filter",
    nodes.AssignBlock: "set without =", nodes.With: "with", nodes.Pow: "**", nodes.Dict: "a table { }",
    nodes.NSRef: "namespace", nodes.ScopedEvalContextModifier: "autoescape", nodes.Scope: "autoescape",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Fault:
    """What a template may not say: the line of its own text, and the words around it to find the column by."""

    line: int
    near: str
    message: str
    cure: str = ""


def faults(tree: nodes.Template) -> Iterator[Fault]:
    """Yield what the template uses and may not, in no order."""
    for node in (tree, *tree.find_all(nodes.Node)):
        if not node.lineno:  # what Jinja2 wraps round a tag's own node
            node.lineno = min((child.lineno for child in node.find_all(nodes.Node) if child.lineno), default=1)
        yield from _faults_of(node)


def _faults_of(node: nodes.Node) -> Iterator[Fault]:
    if not isinstance(node, _ALLOWED):
        name = _CALLED.get(type(node), type(node).__name__.lower())
        yield Fault(node.lineno, name, f"{name} cannot be used in a template", "if, for, set and {{ }} can")
    elif isinstance(node, nodes.Filter):
        yield from _known(node, "filter", FILTERS)
    elif isinstance(node, nodes.Test):
        yield from _known(node, "test", TESTS)
    elif isinstance(node, nodes.Name):
        yield from _name(node)
    elif isinstance(node, nodes.Getattr):
        yield from _part(node)
    elif isinstance(node, nodes.Call | nodes.For | nodes.List | nodes.Tuple):
        yield from _shape(node)


def _known(node: nodes.Filter | nodes.Test, kind: str, known: Iterable[str]) -> Iterator[Fault]:
    if node.name not in known:
        yield Fault(node.lineno, node.name, f"there is no {kind} {node.name!r}", nearest(node.name, known))
    if node.kwargs or node.dyn_args or node.dyn_kwargs:
        yield Fault(node.lineno, node.name, f"{node.name} takes plain values only", 'write them like default("there")')


def _name(node: nodes.Name) -> Iterator[Fault]:
    if node.name.startswith("_") or node.name in {"self", "super", "caller", "varargs", "kwargs"}:
        yield Fault(node.lineno, node.name, f"{node.name} cannot be used in a template")


def _part(node: nodes.Getattr) -> Iterator[Fault]:
    if node.attr in METHODS:
        return
    owner = node.node.name if isinstance(node.node, nodes.Name) else ""
    if owner not in GROUPS:
        cure = f"{', '.join(GROUPS)} have parts"
        yield Fault(node.lineno, owner or node.attr, f"{owner or 'this'} has no part {node.attr!r}", cure)
    elif node.attr not in GROUPS[owner]:
        yield Fault(node.lineno, owner, f"{owner} has no part {node.attr!r}", nearest(node.attr, GROUPS[owner]))


def _shape(node: nodes.Node) -> Iterator[Fault]:
    if isinstance(node, nodes.Call):
        plain = isinstance(node.node, nodes.Getattr) and node.node.attr in METHODS
        if not plain or node.kwargs or node.dyn_args or node.dyn_kwargs:
            yield Fault(node.lineno, "(", "this cannot be called in a template", f"{', '.join(METHODS)} of a text can")
    elif isinstance(node, nodes.For) and node.recursive:
        yield Fault(node.lineno, "recursive", "recursive loops cannot be used in a template")
    elif isinstance(node, nodes.List | nodes.Tuple) and not all(
        isinstance(item, nodes.Const | nodes.Name) for item in node.items
    ):
        yield Fault(node.lineno, "", "a list may hold plain values only", 'write it like ["one", "two"]')


def nearest(word: str, known: Iterable[str]) -> str:
    """Return "did you mean …?", or what is known where nothing is near and the list is short; "" otherwise."""
    words = sorted(known)
    near = difflib.get_close_matches(word, words, 1, 0.6)
    if near:
        return f"did you mean {near[0]}?"
    return f"known are {', '.join(words)}" if 0 < len(words) <= 40 else ""


class Guards(NodeTransformer):
    """Puts a guard round every loop and every ``~``, and lets ``in`` be asked of what is missing."""

    def visit_For(self, node: nodes.For) -> nodes.Node:  # noqa: N802 - the name that jinja2 looks for
        """Let a loop run while the rendering's rounds last."""
        self.generic_visit(node)
        node.iter = nodes.Filter(node.iter, "_counted", [], [], None, None, lineno=node.lineno)
        return node

    def visit_Concat(self, node: nodes.Concat) -> nodes.Node:  # noqa: N802 - the name that jinja2 looks for
        """Measure what ``~`` joins."""
        self.generic_visit(node)
        first, *rest = node.nodes
        return nodes.Filter(first, "_joined", rest, [], None, None, lineno=node.lineno)

    def visit_Compare(self, node: nodes.Compare) -> nodes.Node:  # noqa: N802 - the name that jinja2 looks for
        """Turn ``a in b`` into a test, which is false where either is missing."""
        self.generic_visit(node)
        if len(node.ops) != 1 or node.ops[0].op not in {"in", "notin"}:
            return node
        asked = nodes.Test(node.expr, "in", [node.ops[0].expr], [], None, None, lineno=node.lineno)
        return asked if node.ops[0].op == "in" else nodes.Not(asked, lineno=node.lineno)


def needed(tree: nodes.Node, known: frozenset[str] = frozenset()) -> frozenset[str]:
    """Return the variables that every row must fill: shown without a fallback and outside an ``if`` about them."""
    if isinstance(node := tree, nodes.If | nodes.CondExpr):
        return _needed_branches(node, known)
    if isinstance(node, nodes.Filter) and node.name in {"default", "d"}:
        return frozenset().union(*(needed(item, known) for item in node.args))
    if isinstance(node, nodes.Or):
        return needed(node.right, known)
    if isinstance(node, nodes.Test | nodes.Not | nodes.And):
        return frozenset()
    if isinstance(node, nodes.Name):
        return frozenset() if node.ctx != "load" or node.name in known else frozenset({node.name})
    return frozenset().union(*(needed(child, known) for child in node.iter_child_nodes()))


def _needed_branches(node: nodes.If | nodes.CondExpr, known: frozenset[str]) -> frozenset[str]:
    asked = known | {name.name for name in node.test.find_all(nodes.Name)}
    if isinstance(node.test, nodes.Name):
        asked |= {node.test.name}
    if isinstance(node, nodes.CondExpr):
        rest = [node.expr2] if node.expr2 else []
        return frozenset().union(needed(node.expr1, asked), *(needed(child, known) for child in rest))
    others = [*node.elif_, *node.else_]
    return frozenset().union(*(needed(c, asked) for c in node.body), *(needed(c, known) for c in others))


_TAG = re.compile(r"\{%.*?%\}|\{#.*?#\}", re.DOTALL)
_RAW = re.compile(r"\{%[-+]?\s*raw\b")


def raw_line(source: str) -> int:
    """Return the line of a ``raw`` tag, 0 where there is none."""
    found = _RAW.search(source)
    return source.count("\n", 0, found.start()) + 1 if found else 0


def with_standing_tags(source: str) -> str:
    """Mark the tags that share the end of a line with text, so that only a line of nothing but tags disappears.

    Jinja2 (``trim_blocks``) takes the newline after every tag; a ``+`` before its end keeps it.
    """
    return _TAG.sub(lambda found: _marked(source, found), source)


def _marked(source: str, found: re.Match[str]) -> str:
    tag = found[0]
    if source[found.end() : found.end() + 1] != "\n" or tag[-3] in "+-":
        return tag
    start = source.rfind("\n", 0, found.start()) + 1
    alone = not _TAG.sub("", source[start : found.end()]).strip()
    return tag if alone else f"{tag[:-2]}+{tag[-2:]}"
