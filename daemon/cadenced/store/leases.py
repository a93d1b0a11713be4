"""Who works on what where several daemons share a PostgreSQL database: a row for each worker, a row for each lease.

A worker lives as long as it renews its row; a lease is its owner's as long as the owner lives. So one small update
renews all leases of a worker. Every moment here is the database's own clock: no two hosts need to agree
(RELIABILITY 2.2). On SQLite there is one daemon, and nothing of this is asked.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Row,
    Select,
    cast,
    delete,
    exists,
    func,
    literal,
    select,
    type_coerce,
    update,
)

from cadenced.store.schema import Utc, leases, workers

SPAN = timedelta(seconds=10)
"""For so long a worker lives after it was last heard of."""

RENEW = timedelta(seconds=2)
"""How often a worker is heard of."""

_MAILBOX = "mailbox "


@dataclass(frozen=True, slots=True)
class Worker:
    """One process of ``cadenced run``; ``boot`` is drawn anew at each start."""

    boot: str
    host: str
    pid: int
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Lease:
    """Who has had what since when; without an owner that lives it is ``free``, since then."""

    name: str
    owner: str
    since: datetime | None
    free: bool


def of_mailbox(name: str) -> str:
    """Return the name of a mailbox's lease."""
    return f"{_MAILBOX}{name}"


def clock() -> ColumnElement[datetime]:
    """Return the database's clock at this very statement: a transaction may have waited since it began."""
    return type_coerce(_microseconds(), Utc)


def read_clock(tx: Connection) -> datetime:
    """Return what the database's clock says."""
    return tx.execute(select(clock())).scalar_one()


def _microseconds(ahead: timedelta = timedelta()) -> ColumnElement[int]:
    seconds = func.extract("epoch", func.clock_timestamp()) + ahead.total_seconds()
    return cast(seconds * 1_000_000, BigInteger)


def _living() -> Select[tuple[str]]:
    return select(workers.c.boot).where(workers.c.until > clock())


def register(tx: Connection, worker: Worker, span: timedelta = SPAN) -> datetime:
    """Let a worker live (again); returns the database's clock. It holds nothing until it has taken it."""
    facts = {"host": worker.host, "pid": worker.pid, "since": clock(), "until": _ahead(span)}
    from sqlalchemy.dialects.postgresql import insert  # noqa: PLC0415 - on SQLite nobody asks

    statement = insert(workers).values(boot=worker.boot, **facts)
    tx.execute(update(leases).where(leases.c.owner == worker.boot).values(owner="", since=clock()))
    tx.execute(statement.on_conflict_do_update(index_elements=["boot"], set_=facts))
    return read_clock(tx)


def _ahead(span: timedelta) -> ColumnElement[datetime]:
    return type_coerce(_microseconds(span), Utc)


def renew(tx: Connection, boot: str, span: timedelta = SPAN) -> datetime | None:
    """Live on; returns the database's clock, None when the time was up: then others may have all that was held."""
    alive = (workers.c.boot == boot) & (workers.c.until > clock())
    return tx.execute(update(workers).where(alive).values(until=_ahead(span)).returning(clock())).scalar()


def living(tx: Connection) -> list[Worker]:
    """Return the workers that live, in the order in which they came."""
    query = select(workers).where(workers.c.until > clock()).order_by(workers.c.since, workers.c.boot)
    return [Worker(row.boot, row.host, row.pid, row.since, row.until) for row in tx.execute(query)]


def standing(tx: Connection) -> Mapping[str, Lease]:
    """Return every lease by its name."""
    alive = func.coalesce(workers.c.until > clock(), literal(value=False)).label("alive")
    query = select(leases, workers.c.until, alive).outerjoin(workers, workers.c.boot == leases.c.owner)
    return {row.name: _lease(row) for row in tx.execute(query)}


def _lease(row: Row[Any]) -> Lease:
    since = row.since if row.alive or row.until is None else row.until
    return Lease(row.name, row.owner, since, not row.alive)


@dataclass(frozen=True, slots=True)
class Tenant:
    """The worker that serves a mailbox, and since when."""

    id: str
    host: str
    pid: int
    since: datetime | None


def tenants(tx: Connection) -> Mapping[str, Tenant]:
    """Return who serves which mailbox now, by the mailbox's name; what is missing nobody serves."""
    lives = {one.boot: one for one in living(tx)}
    held = {name.removeprefix(_MAILBOX): one for name, one in standing(tx).items() if name.startswith(_MAILBOX)}
    return {
        name: Tenant(one.owner, lives[one.owner].host, lives[one.owner].pid, one.since)
        for name, one in held.items()
        if one.owner in lives
    }


def make_known(tx: Connection, names: Iterable[str]) -> None:
    """Make sure that each of these can be taken."""
    from sqlalchemy.dialects.postgresql import insert  # noqa: PLC0415 - as above

    rows = [{"name": name, "owner": "", "since": clock()} for name in names]
    for row in rows:
        tx.execute(insert(leases).values(row).on_conflict_do_nothing())


def take(tx: Connection, names: Collection[str], boot: str) -> set[str]:
    """Take what is free among these, for a worker that lives; returns what it got. Of two takers one is first."""
    alive = exists().where(workers.c.boot == boot, workers.c.until > clock())
    free = leases.c.owner.not_in(_living())
    statement = update(leases).where(leases.c.name.in_(names), free, alive)
    values = {"owner": boot, "epoch": leases.c.epoch + 1, "since": clock()}
    return set(tx.execute(statement.values(values).returning(leases.c.name)).scalars())


def release(tx: Connection, names: Collection[str], boot: str) -> int:
    """Give back what is held of these; returns how many."""
    mine = leases.c.name.in_(names) & (leases.c.owner == boot)
    return tx.execute(update(leases).where(mine).values(owner="", since=clock())).rowcount


def leave(tx: Connection, boot: str) -> None:
    """End in order: everything is free at once."""
    tx.execute(update(leases).where(leases.c.owner == boot).values(owner="", since=clock()))
    tx.execute(delete(workers).where(workers.c.boot == boot))


def bury(tx: Connection, after: timedelta = timedelta(hours=1)) -> int:
    """Forget workers that have been dead for long; returns how many."""
    return tx.execute(delete(workers).where(workers.c.until < _ahead(-after))).rowcount


def held(
    tx: Connection, boot: str | ColumnElement[str], mailbox: ColumnElement[str]
) -> tuple[ColumnElement[bool], ...]:
    """Return the condition that ``mailbox`` is this worker's at this moment; on SQLite it always is."""
    if tx.dialect.name == "sqlite":
        return ()
    lease = (leases.c.name == literal(_MAILBOX).concat(mailbox)) & (leases.c.owner == boot)
    return (exists().where(lease, workers.c.boot == leases.c.owner, workers.c.until > clock()),)
