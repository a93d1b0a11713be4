"""Statements on the way of every touch: SQLAlchemy builds and compiles them once, the driver runs them.

What SQLAlchemy does anew for each run (finding the compiled text, expanding lists, describing and wrapping rows) costs
several times what SQLite takes for the statement itself, and was a third of a send. The text is SQLAlchemy's own, for
either database; values pass the columns' types on their way in and out; faults are told as SQLAlchemy tells them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import (
    ARRAY,
    JSON,
    Boolean,
    ColumnElement,
    Connection,
    Dialect,
    Executable,
    Text,
    any_,
    bindparam,
    func,
    select,
)
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.types import TypeDecorator, TypeEngine

from cadenced.store.schema import Utc

Row = tuple[Any, ...]
Convert = Callable[[Any], Any]


class Statement:
    """One statement; ``columns`` are those whose values the runs of an INSERT or UPDATE give, besides its binds."""

    def __init__(self, clause: Executable, *columns: str) -> None:
        self._clause = clause
        self._columns = columns
        self._plans: dict[str, _Plan] = {}

    def rows(self, tx: Connection, **given: object) -> Sequence[Row]:
        """Run it with these values; returns the rows that it answers with."""
        plan = self._plan(tx)
        with _told(tx, plan.text):
            cursor = tx.connection.cursor()
            cursor.execute(plan.text, plan.values(given))
            found = cursor.fetchall()
        return plan.read(found)

    def run(self, tx: Connection, **given: object) -> int:
        """Run it with these values; returns how many rows it concerned."""
        plan = self._plan(tx)
        with _told(tx, plan.text):
            cursor = tx.connection.cursor()
            cursor.execute(plan.text, plan.values(given))
            return int(cursor.rowcount)

    def run_each(self, tx: Connection, given: Sequence[Mapping[str, object]]) -> None:
        """Run it once with each of these sets of values."""
        if given:
            plan = self._plan(tx)
            with _told(tx, plan.text):
                tx.connection.cursor().executemany(plan.text, [plan.values(one) for one in given])

    def _plan(self, tx: Connection) -> _Plan:
        plan = self._plans.get(tx.dialect.name)
        if plan is None:
            plan = self._plans[tx.dialect.name] = _Plan(self._clause, self._columns, tx.dialect)
        return plan


class _Plan:
    """A statement as one kind of database takes it."""

    def __init__(self, clause: Any, columns: Sequence[str], dialect: Dialect) -> None:
        keys = list(columns) or None
        compiled = clause.compile(dialect=dialect, column_keys=keys, for_executemany=True)  # no key is asked back
        self.text = str(compiled)
        self._order: Sequence[str] = compiled.positiontup if compiled.positional else ()
        ways_in = {name: _way_in(one.type, dialect) for name, one in compiled.binds.items()}
        given = [name for name in compiled.params if compiled.binds[name].required]
        self._inputs = [(name, ways_in[name]) for name in given]
        fixed = {name: value for name, value in compiled.params.items() if name not in given}
        self._fixed = {name: _converted(ways_in[name], value) for name, value in fixed.items()}
        ways = dict(self._inputs)
        self._row = [] if self._fixed else [(name, ways[name]) for name in self._order]
        answers = clause.exported_columns if clause.is_select or compiled.effective_returning else ()
        ways_out = [_way_out(column.type, dialect) for column in answers]
        self._outputs = [(place, convert) for place, convert in enumerate(ways_out) if convert is not None]

    def values(self, given: Mapping[str, object]) -> Any:
        """Return the values in the driver's own form."""
        if self._row:
            return [convert(given[name]) if convert else given[name] for name, convert in self._row]
        named = {name: convert(given[name]) if convert else given[name] for name, convert in self._inputs}
        if self._fixed:
            named.update(self._fixed)
        return [named[name] for name in self._order] if self._order else named

    def read(self, found: Sequence[Row]) -> Sequence[Row]:
        """Return rows of the driver's as our own values."""
        if not self._outputs:
            return found
        read = []
        for row in found:
            cells = list(row)
            for place, convert in self._outputs:
                cells[place] = convert(cells[place])
            read.append(tuple(cells))
        return read


def _way_in(kind: TypeEngine[Any], dialect: Dialect) -> Convert | None:
    """Return what makes a value of ours one of the driver's, without the types that stand around it."""
    if isinstance(kind, Utc):
        return Utc.to_number
    if isinstance(kind, JSON) and dialect.name == "sqlite":
        return json.dumps
    return kind.dialect_impl(dialect).bind_processor(dialect)


def _way_out(kind: TypeEngine[Any], dialect: Dialect) -> Convert | None:
    """Return what makes a value of the driver's one of ours; on SQLite JSON is text, as on no other database."""
    if isinstance(kind, Utc):
        return Utc.from_number
    if isinstance(kind, JSON) and dialect.name == "sqlite":
        return _from_json
    return kind.dialect_impl(dialect).result_processor(dialect, None)


def _from_json(text: str | None) -> Any:
    """Return what a JSON text says; most lists are empty."""
    return [] if text == "[]" else None if text is None else _DECODE(text)[0]


_DECODE = json.JSONDecoder().raw_decode


def _converted(way: Convert | None, value: object) -> Any:
    return way(value) if way else value


@contextmanager
def _told(tx: Connection, text: str) -> Iterator[None]:
    """Raise what SQLAlchemy raises where a statement fails, without its values: bodies and addresses are among them."""
    try:
        yield
    except tx.dialect.loaded_dbapi.Error as cause:
        lost = tx.dialect.is_disconnect(cause, tx.connection.dbapi_connection, None)
        if lost:
            tx.invalidate(cause)
        raise DBAPIError.instance(
            text,
            (),
            cause,
            tx.dialect.loaded_dbapi.Error,
            hide_parameters=True,
            connection_invalidated=lost,
            dialect=tx.dialect,
        ) from cause


class Among(ColumnElement[bool]):
    """Whether a column's value is in the list ``name``, which is given as one value: its length changes no text."""

    inherit_cache = False
    type = Boolean()

    def __init__(self, column: ColumnElement[Any], name: str) -> None:
        self.column = column
        self.name = name

    def self_group(self, against: object = None) -> Among:  # noqa: ARG002 - SQLAlchemy's signature
        """Stand as it is beside other conditions: SQLAlchemy would have it compared with 1, past every index."""
        return self


class _Json(TypeDecorator[Collection[Any]]):
    """A list as one text."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Collection[Any] | None, dialect: Dialect) -> str:  # noqa: ARG002 - SQLAlchemy's signature
        return json.dumps(list(value or ()))


@compiles(Among, "sqlite")
def _in_json(element: Among, compiler: SQLCompiler, **options: Any) -> str:
    listed = func.json_each(bindparam(element.name, type_=_Json())).table_valued("value")
    return compiler.process(element.column.in_(select(listed.c.value)), **options)


@compiles(Among, "postgresql")
def _in_array(element: Among, compiler: SQLCompiler, **options: Any) -> str:
    listed = bindparam(element.name, type_=ARRAY(element.column.type))
    return compiler.process(element.column == any_(listed), **options)
