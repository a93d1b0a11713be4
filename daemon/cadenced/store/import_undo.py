"""An import taken back: what came by it goes, unless something was sent or somebody has worked with it since."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from sqlalchemy import (
    JSON,
    ColumnElement,
    Connection,
    Table,
    and_,
    case,
    delete,
    exists,
    func,
    literal,
    or_,
    select,
    update,
)

from cadenced.core.model import TouchState
from cadenced.errors import RefusedError
from cadenced.store import imports, rests
from cadenced.store.database import Database
from cadenced.store.import_turns import REST, Turns
from cadenced.store.schema import Utc, enrolments, events, inbound, prospects, tasks, touches
from cadenced.store.schema import imports as table

_BY_ITSELF = ("imported", "enrolled", "unenrolled")
_SHOWN = 50
_UNDER_WAY = "is under way; take it back once it has ended"
_GIVEN_UP = "was given up before anybody came by it"
_NOT_NOW = {"undone": "was taken back already", "given_up": _GIVEN_UP, "staging": _UNDER_WAY, "activating": _UNDER_WAY}


@dataclass(frozen=True, slots=True)
class Undone:
    """What was taken back, and what stays: ``stays`` counts by reason, ``examples`` names some (address, reason)."""

    enrolments: int
    prospects: int
    stays: Mapping[str, int]
    examples: tuple[tuple[str, str], ...] = ()


def undo(database: Database, import_id: int, now: datetime, *, is_broken: bool = False) -> Undone:
    """Take back the enrolments and prospects of an import; RefusedError where there is nothing to take back.

    What the import told of people who were known before stays as it is. Slice by slice with rests, as an import comes
    in, so it wants a thread of its own; an undo that was killed is ended by the next one. ``is_broken``: the import is
    under way, and cannot come to its end.
    """
    database.transact(lambda tx: _begin(tx, import_id, is_broken=is_broken))
    mine = enrolments.c.import_id == import_id
    stays, examples = database.read(lambda tx: _what_stays(tx, mine))
    gone = _sliced(database, enrolments, import_id, partial(_take_back_enrolments, import_id=import_id, now=now))
    people = _sliced(database, prospects, import_id, _take_back_prospects)
    while database.transact(lambda tx: imports.drop_verdicts(tx, import_id)):
        pass
    ended = update(table).where(table.c.id == import_id).values(state="undone", reached=0)
    database.transact(lambda tx: tx.execute(ended))
    return Undone(gone, people, stays, examples)


def _begin(tx: Connection, import_id: int, *, is_broken: bool) -> None:
    found = imports.get(tx, import_id)
    if found is None:
        raise RefusedError(f"there is no import {import_id}")
    if found.state not in {"active", "undoing", *(("staging", "activating") if is_broken else ())}:
        raise RefusedError(f"import {import_id} {_NOT_NOW.get(found.state, f'is {found.state}')}")
    tx.execute(update(table).where(table.c.id == import_id).values(state="undoing"))


def _sliced(
    database: Database, what: Table, import_id: int, work: Callable[[Connection, ColumnElement[bool]], int]
) -> int:
    """Do ``work`` on the rows of an import, some at a time; return how many went."""
    gone, after, turns = 0, 0, Turns(database)
    while ids := database.read(partial(_some, what=what, import_id=import_id, after=after, limit=turns.rows)):
        here = and_(what.c.import_id == import_id, what.c.id > after, what.c.id <= ids[-1])
        begun = time.monotonic()
        gone += database.transact(_bound(work, here))
        turns.took(time.monotonic() - begun)
        after = ids[-1]
        rests.rest(REST if turns.is_over() else 0.0)
    return gone


def _bound(
    work: Callable[[Connection, ColumnElement[bool]], int], here: ColumnElement[bool]
) -> Callable[[Connection], int]:
    return lambda tx: work(tx, here)


def _some(tx: Connection, what: Table, import_id: int, after: int, limit: int) -> Sequence[int]:
    query = select(what.c.id).where(what.c.import_id == import_id, what.c.id > after).order_by(what.c.id)
    return tx.execute(query.limit(limit)).scalars().all()


def _reason() -> ColumnElement[str]:
    """Return why an enrolment cannot be taken back, ``""`` where it can."""
    enrolment = enrolments.c.id
    quiet = (TouchState.PLANNED.value, TouchState.CANCELLED.value)
    touched = and_(touches.c.enrolment_id == enrolment, or_(touches.c.state.not_in(quiet), touches.c.attempts > 0))
    done = and_(tasks.c.enrolment_id == enrolment, tasks.c.done_at.is_not(None))
    return case(
        (exists().where(touched), "something was sent, or is on its way"),
        (exists().where(inbound.c.prospect_id == enrolments.c.prospect_id), "mail came from them"),
        (exists().where(done), "a task was done"),
        (enrolments.c.state.in_(("halted", "finished")), "it is over already"),
        else_="",
    )


def _what_stays(tx: Connection, mine: ColumnElement[bool]) -> tuple[dict[str, int], tuple[tuple[str, str], ...]]:
    reason = _reason().label("reason")
    held = select(prospects.c.email, reason).join_from(
        enrolments, prospects, prospects.c.id == enrolments.c.prospect_id
    )
    stays = held.where(mine, _reason() != "").subquery()
    counted = select(stays.c.reason, func.count()).group_by(stays.c.reason)
    shown = select(stays.c.email, stays.c.reason).order_by(stays.c.email).limit(_SHOWN)
    counts = {why: int(count) for why, count in tx.execute(counted)}
    return counts, tuple((email, why) for email, why in tx.execute(shown))


def _take_back_enrolments(tx: Connection, here: ColumnElement[bool], import_id: int, now: datetime) -> int:
    gone = and_(here, _reason() == "")
    ids = select(enrolments.c.id).where(gone)
    data = literal({"import": import_id}, JSON)
    told = select(literal(now, Utc), enrolments.c.prospect_id, enrolments.c.id, literal("unenrolled"), data)
    names = ["at", "prospect_id", "enrolment_id", "event", "data"]
    tx.execute(events.insert().from_select(names, told.where(gone)))
    tx.execute(delete(tasks).where(tasks.c.enrolment_id.in_(ids), tasks.c.done_at.is_(None)))
    tx.execute(delete(touches).where(touches.c.enrolment_id.in_(ids)))  # planned, never sent
    return int(tx.execute(delete(enrolments).where(gone)).rowcount)


def _take_back_prospects(tx: Connection, here: ColumnElement[bool]) -> int:
    """Erase people who came by this import and whom nothing else holds on to, with their timeline."""
    holders = (enrolments.c.prospect_id, touches.c.prospect_id, tasks.c.prospect_id, inbound.c.prospect_id)
    held = (exists().where(column == prospects.c.id) for column in holders)
    noted = exists().where(events.c.prospect_id == prospects.c.id, events.c.event.not_in(_BY_ITSELF))
    gone = and_(here, ~noted, *(~one for one in held))
    tx.execute(delete(events).where(events.c.prospect_id.in_(select(prospects.c.id).where(gone))))
    return int(tx.execute(delete(prospects).where(gone)).rowcount)
