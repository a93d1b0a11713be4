"""A template's source cut in two: the YAML between the ``---`` lines, and the body with the line it begins on."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass

import yaml

from cadenced.errors import Problem, TemplateError
from cadenced.writing import lines

KEYS = ("subject", "language", "description")
"""What the front matter may hold; ``description`` is a note for whoever edits the template and is never sent."""

LARGEST_SOURCE = 64 * 1024
"""Characters; far above any letter, far below what could keep the parser busy."""

_FRONT = re.compile(r"---[ \t]*\n(?P<yaml>(?:[^\n]*\n)*?)---[ \t]*(?:\n|\Z)")
_LANGUAGE = re.compile(r"[A-Za-z]{2}(?:[-_][A-Za-z]{2})?")
_SHAPE = 'begin the file with ---, a line such as subject: "Your next step", and --- again'


@dataclass(frozen=True, slots=True)
class Matter:
    """The parts of a source: the subject with its place (1-based), and the body with the line before its first.

    ``language`` is the one that the template is written in, "" where it does not say.
    """

    subject: str
    subject_line: int
    subject_column: int
    body: str
    body_offset: int
    language: str = ""


def split(source: str, file: str) -> Matter:
    """Cut a source in two; TemplateError where it has no usable front matter."""
    text = lines.normalised(source)
    if len(text) > LARGEST_SOURCE:
        raise _error(file, 1, 0, f"a template may have {LARGEST_SOURCE // 1024} KB", "shorten it")
    found = _FRONT.match(text)
    if not found:
        raise _error(file, 1, 1, "there is no front matter, so the mail would have no subject", _SHAPE)
    keys = _keys(_mapping(found["yaml"], file), file)
    subject = _checked(keys.get("subject"), file)
    body = text[found.end() :]
    if not body.strip():
        raise _error(file, text.count("\n", 0, found.end()) + 1, 0, "the body is empty", "write the mail below the ---")
    line, column = _place(subject)
    column += subject.style in {'"', "'"}
    return Matter(subject.value, line, column, body, text.count("\n", 0, found.end()), _language(keys, file))


def _place(node: yaml.Node) -> tuple[int, int]:
    """Return a node's line and column in the file, whose first line is the ``---`` above the YAML."""
    mark = node.start_mark
    return (mark.line + 2, mark.column + 1) if mark else (1, 0)


def _mapping(source: str, file: str) -> yaml.MappingNode:
    try:
        events = list(yaml.parse(source, Loader=yaml.SafeLoader))
        node = yaml.compose(source, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        raise _broken_yaml(error, source, file) from error
    if any(isinstance(event, yaml.AliasEvent) for event in events):
        raise _error(file, 1, 0, "the front matter has a YAML alias (*name)", "write the text out, or put it in quotes")
    if not isinstance(node, yaml.MappingNode):
        raise _error(file, 1, 1, "the front matter has no subject", _SHAPE)
    return node


def _broken_yaml(error: yaml.YAMLError, source: str, file: str) -> TemplateError:
    mark = error.problem_mark if isinstance(error, yaml.MarkedYAMLError) else None
    line, column = (mark.line + 2, mark.column + 1) if mark else (1, 0)
    what = getattr(error, "problem", None) or "characters that YAML does not allow"
    quoted = "{{" in source or "{%" in source
    cure = 'put the whole subject in quotes: subject: "{{ company }}: your next step"' if quoted else ""
    return _error(file, line, column, f"the front matter is not YAML: {what}", cure)


def _keys(mapping: yaml.MappingNode, file: str) -> dict[str, yaml.Node]:
    found: dict[str, yaml.Node] = {}
    for key, value in mapping.value:
        line, column = _place(key)
        name = str(key.value)
        if name not in KEYS:
            near = difflib.get_close_matches(name, KEYS, 1)
            cure = f"did you mean {near[0]}?" if near else f"known are {', '.join(KEYS)}"
            raise _error(file, line, column, f"{name!r} is not known in the front matter", cure)
        if name in found:
            raise _error(file, line, column, f"{name} stands twice", "keep one of them")
        found[name] = value
    return found


def _language(keys: dict[str, yaml.Node], file: str) -> str:
    node = keys.get("language")
    if node is None:
        return ""
    if not isinstance(node, yaml.ScalarNode) or not _LANGUAGE.fullmatch(node.value):
        raise _error(file, *_place(node), "this is not a language", "write two letters, such as en or fr")
    return str(node.value)


def _checked(node: yaml.Node | None, file: str) -> yaml.ScalarNode:
    if node is None:
        raise _error(file, 1, 1, "the front matter has no subject", _SHAPE)
    line, column = _place(node)
    if not isinstance(node, yaml.ScalarNode):
        raise _error(file, line, column, "the subject is not text", 'put it in quotes: subject: "{{ company }}"')
    if not node.value.strip():
        raise _error(file, line, column, "the subject is empty", "write one")
    if "\n" in node.value.strip():
        raise _error(file, line, column, "the subject has more than one line", "write it on one line")
    return node


def _error(file: str, line: int, column: int, message: str, cure: str) -> TemplateError:
    return TemplateError(Problem(file, line, column, message, cure))
