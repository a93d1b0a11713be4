"""YAML with places: text becomes plain values, in which every scalar is text as it was written, and their positions.

Reading scalars as text keeps ``language: no`` Norwegian and ``on:`` a key. Anchors, aliases, tags and keys written
twice are refused: they hide what a reader should see, and aliases can blow a small file up to any size.
"""

from __future__ import annotations

from typing import Protocol

import yaml

from cadenced.config.positions import Path, Position
from cadenced.config.table import Report, Table
from cadenced.errors import Problem

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml where PyYAML has it: ten times as fast
_DEEPEST = 12
_MOST_EVENTS = 50_000
_PREFIX = "tag:yaml.org,2002:"
_TAGS = {
    _PREFIX + kind for kind in ("str", "int", "float", "bool", "null", "timestamp", "value", "merge", "map", "seq")
}

Value = str | None | list["Value"] | dict[str, "Value"]
"""A YAML value whose scalars are text, or None where nothing is written."""


class _Mark(Protocol):
    """A place in YAML's own counting, which begins at 0."""

    line: int
    column: int


class YamlError(Exception):
    """YAML that is not read; carries the problem with its place."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


class Record(Table):
    """A mapping of a sequence as it is read; a key with nothing behind it counts as missing."""

    def __init__(self, values: dict[str, Value], path: Path, report: Report, title: str) -> None:
        filled = {key: value for key, value in values.items() if value is not None}
        super().__init__(filled, path, report)
        self._title = title
        self._known.extend(key for key in values if key not in filled)

    @property
    def title(self) -> str:
        """What this mapping is, in a user's words."""
        return self._title

    def example(self, key: str) -> str:
        """Return the cure for a missing key."""
        return f"add {key}: …"


def parse(text: str, file: str) -> tuple[Value, Report]:
    """Read one document; YamlError where it cannot be read at all. Repeated keys are problems in the report."""
    try:
        _bounded(text, file)
        node = yaml.compose(text, Loader=_LOADER)
    except yaml.MarkedYAMLError as wrong:
        message = " ".join(filter(None, (wrong.context, wrong.problem)))
        raise _error(file, wrong.problem_mark or wrong.context_mark, message, "this is not YAML") from wrong
    except yaml.YAMLError as wrong:
        raise YamlError(Problem(file, 1, 1, "this is not YAML text", "remove its control characters")) from wrong
    reader = _Reader(file)
    value = reader.value(node, ()) if node is not None else None
    return value, reader.report


def _bounded(text: str, file: str) -> None:
    depth = 0
    for count, event in enumerate(yaml.parse(text, Loader=_LOADER)):
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise _error(file, event.start_mark, "anchors (&) and aliases (*) are not read", "write the value out")
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > _DEEPEST or count > _MOST_EVENTS:
            raise _error(file, event.start_mark, "this is nested too deeply or too long", "a sequence is a short list")


def _error(file: str, mark: _Mark | None, message: str, cure: str) -> YamlError:
    line, column = (mark.line + 1, mark.column + 1) if mark else (0, 0)
    return YamlError(Problem(file, line, column, message, cure))


class _Reader:
    def __init__(self, file: str) -> None:
        self._positions: dict[Path, Position] = {}
        self.report = Report(file, self._positions)

    def value(self, node: yaml.Node, path: Path) -> Value:
        if node.tag not in _TAGS:
            raise _error(self.report.file, node.start_mark, f"tags such as {node.tag} are not read", "remove the tag")
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self._item(item, (*path, n)) for n, item in enumerate(node.value)]
        empty = node.tag == f"{_PREFIX}null"
        return None if empty else str(node.value)

    def _item(self, node: yaml.Node, path: Path) -> Value:
        self._place(path, node, node)
        return self.value(node, path)

    def _mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, Value]:
        values: dict[str, Value] = {}
        for key_node, value_node in node.value:
            key = str(key_node.value)
            if not isinstance(key_node, yaml.ScalarNode):
                raise _error(self.report.file, key_node.start_mark, "a key must be a word", "")
            if key in values:
                problem = _error(self.report.file, key_node.start_mark, f"{key} is written twice", "remove one").problem
                self.report.problems.append(problem)
                continue
            self._place((*path, key), key_node, value_node)
            values[key] = self.value(value_node, (*path, key))
        return values

    def _place(self, path: Path, key: yaml.Node, value: yaml.Node) -> None:
        marks = (key.start_mark, value.start_mark)
        (line, column), (value_line, value_column) = ((mark.line + 1, mark.column + 1) for mark in marks)
        self._positions[path] = Position(line, column, value_line, value_column)
