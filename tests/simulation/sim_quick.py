"""The product's own statements, as SQLAlchemy compiled them, handed to SQLite without SQLAlchemy in between.

A statement that is built once is compiled once; what is left to do for each call is to convert values on their way in
and out. Whatever is out of the ordinary goes SQLAlchemy's way. That both ways are one is a test of its own.
"""

from __future__ import annotations

import re
import sqlite3
from collections import OrderedDict, namedtuple
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.sql import ClauseElement

_SEEN_MOST = 2_000
_POST_COMPILE = re.compile(r"__\[POSTCOMPILE_(\w+)\]")


class Result:
    """As much of a SQLAlchemy result as the product asks for."""

    __slots__ = ("_rows", "inserted_primary_key", "rowcount")

    def __init__(self, rows: list[Any], rowcount: int, key: int | None) -> None:
        self._rows = rows
        self.rowcount = rowcount
        self.inserted_primary_key = (key,)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._rows)

    def all(self) -> list[Any]:
        return self._rows

    def first(self) -> Any:
        return self._rows[0] if self._rows else None

    one_or_none = first

    def one(self) -> Any:
        (row,) = self._rows
        return row

    def scalar(self) -> Any:
        return self._rows[0][0] if self._rows else None

    def scalar_one(self) -> Any:
        return self.one()[0]

    def scalars(self) -> Result:
        return Result([row[0] for row in self._rows], self.rowcount, None)


class Plan:
    """How one statement is run with parameters of given names."""

    def __init__(self, statement: Any, connection: Connection, names: tuple[str, ...], key: Any = None) -> None:
        dialect = connection.dialect
        keys = list(names) if statement.is_dml and names else None
        compiled = statement._compiler(dialect, column_keys=keys, cache_key=key)
        self._compiled = compiled
        self.base: dict[str, Any] = dict(compiled.params)
        self.order: list[str] = list(compiled.positiontup or ())
        self.inputs: dict[str, Callable[[Any], Any]] = dict(compiled._bind_processors)
        self.sql: str = compiled.string
        self.many = set(_POST_COMPILE.findall(self.sql))
        self.returns = bool(compiled._result_columns)
        columns = compiled._result_columns
        row: Any = namedtuple("Row", [one.keyname for one in columns], rename=True)  # type: ignore[misc] # as asked
        self.make = row._make
        outputs = [one.type._cached_result_processor(dialect, None) for one in columns]
        self.outputs = [(place, one) for place, one in enumerate(outputs) if one is not None]
        self._expanded: dict[tuple[int, ...], str] = {}
        self.fits = (
            set(names) <= set(self.base)
            and not compiled.insert_prefetch
            and not compiled.update_prefetch
            and not any(one.literal_execute for one in compiled.binds.values())
            and len(self.order) == self.sql.count("?") + len(self.many)
        )

    def filled(self, given: Mapping[str, Any], binds: Any) -> dict[str, Any]:
        """Return the values of another statement of the same shape."""
        named: dict[str, Any] = self._compiled.construct_params(
            given or None, extracted_parameters=binds, escape_names=False
        )
        return named

    def run(self, raw: sqlite3.Connection, named: Mapping[str, Any]) -> Result | None:
        """Run it; None where SQLAlchemy has to, after all."""
        values: list[Any] = []
        lengths: list[int] = []
        for name in self.order:
            convert, value = self.inputs.get(name), named[name]
            if name in self.many:
                some = list(value)
                if not some:
                    return None
                lengths.append(len(some))
                values += [convert(one) for one in some] if convert else some
            else:
                values.append(convert(value) if convert else value)
        cursor = raw.execute(self._text(tuple(lengths)), values)
        rows = [self._row(row) for row in cursor.fetchall()] if self.returns else []
        return Result(rows, cursor.rowcount, cursor.lastrowid)

    def _text(self, lengths: tuple[int, ...]) -> str:
        if not self.many:
            return self.sql
        if lengths not in self._expanded:
            left = iter(lengths)
            self._expanded[lengths] = _POST_COMPILE.sub(lambda _: ", ".join("?" * next(left)), self.sql)
        return self._expanded[lengths]

    def _row(self, row: tuple[Any, ...]) -> Any:
        if self.outputs:
            cells = list(row)
            for place, convert in self.outputs:
                cells[place] = convert(cells[place])
            return self.make(cells)
        return self.make(row)


class Plans:
    """The plans of all statements that have been seen twice, and of the shapes of those that are built anew."""

    def __init__(self) -> None:
        self._seen: OrderedDict[int, Any] = OrderedDict()
        self._plans: dict[int, tuple[Any, dict[tuple[str, ...], Plan]]] = {}
        self._shapes: dict[Any, Plan] = {}

    def of(
        self, statement: Any, connection: Connection, given: Mapping[str, Any]
    ) -> tuple[Plan, Mapping[str, Any]] | None:
        """Return how to run a statement, and with which values; None where SQLAlchemy has to."""
        names = tuple(given)
        plan = self._by_itself(statement, connection, names)
        if plan is not None:
            return (plan, {**plan.base, **given}) if plan.fits else None
        key = statement._generate_cache_key()
        if key is None:
            return None
        shape = (key.key, names)
        plan = self._shapes.get(shape)
        if plan is None:
            plan = self._shapes[shape] = Plan(statement, connection, names, key)
        return (plan, plan.filled(given, key.bindparams)) if plan.fits else None

    def _by_itself(self, statement: Any, connection: Connection, names: tuple[str, ...]) -> Plan | None:
        key = id(statement)
        known = self._plans.get(key)
        if known is None or known[0] is not statement:
            if self._seen.get(key) is not statement:
                self._seen[key] = statement
                if len(self._seen) > _SEEN_MOST:
                    self._seen.popitem(last=False)
                return None
            known = self._plans[key] = (statement, {})
        plan = known[1].get(names)
        if plan is None:
            plan = known[1][names] = Plan(statement, connection, names)
        return plan


PLANS = Plans()


class Wire:
    """As much of a pooled connection as the product asks for."""

    __slots__ = ("cursor", "dbapi_connection")

    def __init__(self, raw: sqlite3.Connection) -> None:
        self.cursor = raw.cursor
        self.dbapi_connection = raw


class Savepoint:
    """A part of a transaction that is undone where it fails."""

    __slots__ = ("_raw",)

    def __init__(self, raw: sqlite3.Connection) -> None:
        self._raw = raw

    def __enter__(self) -> None:
        self._raw.execute("SAVEPOINT part")

    def __exit__(self, fault: object, *_: object) -> None:
        if fault is not None:
            self._raw.execute("ROLLBACK TO part")
        self._raw.execute("RELEASE part")


class Quick:
    """A connection that runs what it knows by the shortest way."""

    def __init__(self, connection: Connection, raw: sqlite3.Connection) -> None:
        self._connection = connection
        self._raw = raw
        self.dialect = connection.dialect
        self.connection = Wire(raw)

    def begin_nested(self) -> Savepoint:
        """Begin what may fail by itself."""
        return Savepoint(self._raw)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def execute(self, statement: ClauseElement, parameters: Any = None, **options: Any) -> Any:
        """Run a statement."""
        given = parameters or {}
        if isinstance(given, Mapping) and not options:
            found = PLANS.of(statement, self._connection, given)
            if found is not None:
                plan, named = found
                try:
                    result = plan.run(self._raw, named)
                except sqlite3.Error:  # SQLAlchemy says it in its own words
                    result = None
                if result is not None:
                    return result
        return self._connection.execute(statement, parameters, **options)  # type: ignore[call-overload] # handed on
