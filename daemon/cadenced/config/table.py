"""One TOML table as it is read: what is asked for is known, all the rest is refused, and every problem is kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from cadenced.config.forms import Form, FormError, kind
from cadenced.config.positions import Path, Position
from cadenced.config.spelling import did_you_mean
from cadenced.errors import Problem

T = TypeVar("T")


class Report:
    """Problems and warnings of one file, with the places of its keys."""

    def __init__(self, file: str, positions: Mapping[Path, Position]) -> None:
        self.problems: list[Problem] = []
        self.warnings: list[Problem] = []
        self.file = file
        self._positions = positions

    def at(self, path: Path, message: str, cure: str = "", *, key: bool = False) -> Problem:
        """Return a problem at the value of ``path`` (or at its key), or at the nearest table around it."""
        found = self._positions.get(path)
        while found is None and path:
            path = path[:-1]
            found = self._positions.get(path)
        if found is None:
            return Problem(self.file, 1, 1, message, cure)
        line, column = (found.line, found.column) if key else (found.value_line, found.value_column)
        return Problem(self.file, line, column, message, cure)

    def problem(self, path: Path, message: str, cure: str = "") -> None:
        """Keep a mistake at the value of ``path``."""
        self.problems.append(self.at(path, message, cure))

    def warning(self, path: Path, message: str, cure: str = "") -> None:
        """Keep something that works and may still not be meant."""
        self.warnings.append(self.at(path, message, cure))


class Table:
    """The reader of one table; ``close`` refuses the keys that nobody asked for."""

    def __init__(self, values: Mapping[str, object], path: Path, report: Report, *, absent: bool = False) -> None:
        self.path = path
        self.report = report
        self.values = values
        self._absent = absent
        self._known: list[str] = []

    def __contains__(self, key: str) -> bool:
        return key in self.values

    def read(self, key: str, form: Form[T], default: T) -> T:
        """Return the checked value of ``key``, ``default`` where it is missing or wrong."""
        self._known.append(key)
        if key not in self.values:
            return default
        try:
            return form(self.values[key])
        except FormError as wrong:
            self.report.problem((*self.path, key), f"{key}: {wrong.message}", wrong.cure)
            return default

    def need(self, key: str, form: Form[T], placeholder: T) -> T:
        """Return the checked value of a key that must be there; ``placeholder`` stands in for a missing one."""
        if key not in self.values and not self._absent:
            self.report.problem(self.path, f"{self.title} has no {key}", self.example(key))
        return self.read(key, form, placeholder)

    def example(self, key: str) -> str:
        """Return the cure for a missing key."""
        return f"add {key} = …"

    @property
    def title(self) -> str:
        """The table's name as it stands in the file."""
        names = [part for part in self.path if isinstance(part, str)]
        return f"[{'.'.join(names)}]" if names else "the file"

    def table(self, key: str, *, needed: bool = False) -> Table:
        """Return the table under ``key``, an empty one where it is missing."""
        self._known.append(key)
        path = (*self.path, key)
        value = self.values.get(key)
        if value is None and needed:
            below = ".".join(part for part in path if isinstance(part, str))
            self.report.problem(self.path, f"{self.title} has no [{below}]", f"add the table [{below}]")
        return Table(self._mapping(path, value), path, self.report, absent=value is None and needed)

    def tables(self, key: str) -> list[Table]:
        """Return the array of tables under ``key``."""
        self._known.append(key)
        path = (*self.path, key)
        values = self.values.get(key, [])
        if not isinstance(values, list):
            self.report.problem(path, f"{key} must be a list of tables", f"write [[{key}]] with two brackets")
            return []
        return [Table(self._mapping((*path, n), value), (*path, n), self.report) for n, value in enumerate(values)]

    def _mapping(self, path: Path, value: object) -> Mapping[str, object]:
        if value is None or isinstance(value, dict):
            return value or {}
        self.report.problem(path, f"{path[-1]} must be a table and is {kind(value)}")
        return {}

    def close(self) -> None:
        """Refuse every key that was not asked for."""
        for key in self.values:
            if key not in self._known:
                cure = did_you_mean(key, self._known)
                problem = self.report.at((*self.path, key), f"{self.title} knows no key {key}", cure, key=True)
                self.report.problems.append(problem)
