"""One database, one writer: transactions are plain functions of a connection, run one after the other.

The daemon runs them in a single thread (aiosqlite costs ten times as much a query, LIBRARIES.md); the command line
and the rehearsal run them in place. SQLite runs WAL with synchronous=FULL, and both are read back: anything less
sends twice after a power cut (RELIABILITY 0.3).
"""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, TypeVar

import sqlalchemy
from sqlalchemy import Connection, Engine, PoolProxiedConnection, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DatabaseError, DBAPIError, OperationalError

from cadenced.errors import DatabaseAwayError, DatabaseInUseError, NewerDatabaseError, StoreError
from cadenced.store import migrations
from cadenced.store.standby import OneLine

T = TypeVar("T")
_PRAGMAS = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 120_000}
"""``busy_timeout`` (ms) outlasts the longest transaction of a command, an import of a million rows: the daemon waits
for it in its store thread, where giving up would end it with mail on the wire."""


_WRITER = 0x63616465
"""The advisory lock that whoever writes to a PostgreSQL database holds until the commit."""

_DURABLE = (
    "SELECT set_config('synchronous_commit', 'on', false)"
    " WHERE current_setting('synchronous_commit') IN ('off', 'local')"
)

ALTERED = "altered"
"""A mark in the ``info`` of a connection that works by other settings: nobody else ever gets it."""

_SESSION = {
    "idle_in_transaction_session_timeout": 20_000,
    "tcp_keepalives_idle": 5,
    "tcp_keepalives_interval": 2,
    "tcp_keepalives_count": 3,
}
"""For every session on PostgreSQL (ms, s): no dead host and no stopped process keeps the writers' lock for long."""
_LOCKS = Path("/proc/locks")
_LOG_END = "SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn"


class Database:
    """The store. ``inline`` runs transactions in the caller's thread: for commands and for the rehearsal.

    ``heard`` counts what other processes tell while ``is_listening`` (``store/bell.py``).
    """

    def __init__(self, url: str, *, inline: bool = False) -> None:
        self.url = url
        self.is_sqlite = make_url(url).get_backend_name() == "sqlite"
        self._engine = _engine(url)
        self._line = OneLine()
        if not self.is_sqlite:
            event.listen(self._engine, "connect", self._line)
        self._thread = None if inline else ThreadPoolExecutor(1, thread_name_prefix="store")
        self._aside: ThreadPoolExecutor | None = None
        self._tells_others = inline and not self.is_sqlite
        self.is_listening = False
        self.heard = 0
        self._lock: IO[str] | None = None
        self._watch: PoolProxiedConnection | None = None

    def open(self) -> None:
        """Bring the tables up to date; NewerDatabaseError (nothing touched) or StoreError when that cannot be."""
        try:
            with self._engine.connect() as connection:
                found = migrations.current(connection)
        except (OperationalError, DatabaseError) as cause:
            kind = StoreError if self.is_sqlite or _is_told(cause) else DatabaseAwayError
            raise kind(f"the database {self.shown} cannot be opened: {_plain(cause)}") from cause
        if found == migrations.HEAD:
            return
        if found is not None and found not in migrations.KNOWN:
            raise NewerDatabaseError(
                f"the database {self.shown} was written by a newer cadenced (version {found});"
                " install that version, or restore a backup from before the upgrade"
            )
        migrations.upgrade(self._engine)

    def claim_for_daemon(self) -> None:
        """Make sure that no second daemon works on this SQLite file; DatabaseInUseError when one does."""
        path = make_url(self.url).database
        if not self.is_sqlite or path in (None, "", ":memory:"):
            return  # on PostgreSQL workers share what is to be done, by leases
        self._lock = Path(f"{path}.lock").open("a")  # noqa: SIM115 - held open for the life of the daemon
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as cause:
            self._lock.close()
            raise DatabaseInUseError(f"another daemon works on {self.shown}; stop it first") from cause

    def is_shared(self) -> bool:
        """Whether a daemon works on this SQLite file. Its lock knows no queue: who takes it often must leave gaps."""
        path = make_url(self.url).database
        if not self.is_sqlite or path in (None, "", ":memory:"):
            return False
        try:
            mark = f":{Path(f'{path}.lock').stat().st_ino} "
            return any("FLOCK" in line and mark in line for line in _LOCKS.read_text("ascii").splitlines())
        except OSError:
            return False

    @property
    def line(self) -> int:
        """The line of PostgreSQL's log that this process works on (``store/standby.py``), 0 on SQLite."""
        return self._line.number

    @property
    def shown(self) -> str:
        """The URL without its password."""
        return make_url(self.url).render_as_string(hide_password=True)

    def transact(self, work: Callable[[Connection], T]) -> T:
        """Run ``work`` in one transaction, here and now; what it raises rolls everything back.

        StoreError when the database itself fails: a full disk, a lock that is never given back, a lost server.
        """
        with self._told("written"), self._engine.begin() as connection:
            return self._do(connection, work)

    def connect(self) -> Connection:
        """Return a connection of the caller's own, for temporary tables; the caller closes it."""
        return self._engine.connect()

    def transact_on(self, connection: Connection, work: Callable[[Connection], T]) -> T:
        """Run ``work`` in one transaction on a connection that the caller keeps; StoreError as above."""
        with self._told("written"), connection.begin():
            return self._do(connection, work)

    def _do(self, connection: Connection, work: Callable[[Connection], T]) -> T:
        result = work(connection)
        if self._tells_others:  # a command's; workers tell by themselves (engine/neighbours.py)
            connection.exec_driver_sql("NOTIFY cadenced_work")
        return result

    def read(self, work: Callable[[Connection], T]) -> T:
        """Run ``work`` on one consistent view without keeping writers out; StoreError as above."""
        with self._told("read"), self._unqueued() as connection, connection.begin():
            return work(connection)

    def _unqueued(self) -> Connection:
        return self._engine.connect().execution_options(reading=True)

    @contextmanager
    def _told(self, how: str) -> Iterator[None]:
        """Raise StoreError where the database itself fails; a wrong statement or value stays what it is."""
        try:
            yield
        except DBAPIError as cause:
            if not isinstance(cause, OperationalError) and not cause.connection_invalidated:
                raise
            raise StoreError(f"the database {self.shown} cannot be {how}: {_plain(cause)}") from cause

    async def run(self, work: Callable[[Connection], T]) -> T:
        """Run ``work`` in one transaction without blocking the event loop; committed and durable when it returns."""
        if self._thread is None:
            return self.transact(work)
        return await asyncio.get_running_loop().run_in_executor(self._thread, self.transact, work)

    async def aside(self, work: Callable[[Connection], T]) -> T:
        """Run a short ``work`` past the queue of writers, in a thread of its own: for leases, which must not wait.

        PostgreSQL alone; and only for rows that nobody reads before writing them.
        """
        if self._aside is None:
            self._aside = ThreadPoolExecutor(1, thread_name_prefix="leases")
        return await asyncio.get_running_loop().run_in_executor(self._aside, self.read, work)

    async def glance(self, work: Callable[[Connection], T]) -> T:
        """Read one consistent view without blocking the event loop, and without keeping writers out."""
        return await self.run_outside(lambda: self.read(work))

    async def run_outside(self, work: Callable[[], T]) -> T:
        """Run something that is no transaction in the store's own thread."""
        if self._thread is None:
            return work()
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    def version(self) -> int:
        """Return a number that changes when another process commits.

        On PostgreSQL what was heard of others is counted; while nobody listens, it is the end of its log, as bytes.
        """
        if self.is_listening:
            return self.heard
        if not self.is_sqlite:
            return self.read(lambda tx: int(tx.exec_driver_sql(_LOG_END).scalar_one()))
        if self._watch is None:  # the number is counted for each connection by itself
            self._watch = self._engine.raw_connection()
        cursor = self._watch.cursor()
        cursor.execute("PRAGMA data_version")
        (number,) = cursor.fetchone() or (0,)
        return int(number)

    def arguments(self) -> Mapping[str, Any]:
        """Return what psycopg needs to connect to this database."""
        return self._engine.dialect.create_connect_args(self._engine.url)[1]

    def damage(self) -> str:
        """Return what is wrong with a SQLite file, empty where it is sound."""
        if not self.is_sqlite:
            return ""
        found = self.read(lambda tx: str(tx.exec_driver_sql("PRAGMA quick_check(1)").scalar_one()))
        return "" if found == "ok" else found

    def scour(self) -> None:
        """Let no file beside a SQLite database keep what was erased in it; PostgreSQL has its own vacuum."""
        if self.is_sqlite:
            with self._engine.connect() as connection:
                connection.connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def close(self) -> None:
        """Finish what is under way and let go of the file."""
        for thread in (self._thread, self._aside):
            if thread is not None:
                thread.shutdown(wait=True)
        if self._watch is not None:
            self._watch.close()
            self._watch = None
        self._engine.dispose()
        if self._lock is not None:
            self._lock.close()
            self._lock = None


def _engine(url: str) -> Engine:
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        memory = parsed.database in (None, "", ":memory:")
        pool = sqlalchemy.pool.StaticPool if memory else sqlalchemy.pool.QueuePool
        engine = sqlalchemy.create_engine(parsed, poolclass=pool, connect_args={"check_same_thread": False})
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        event.listen(engine, "checkin", _let_go_if_altered)
        return engine
    if parsed.drivername in {"postgresql", "postgres"}:
        parsed = parsed.set(drivername="postgresql+psycopg")
    engine = sqlalchemy.create_engine(parsed, pool_pre_ping=True, isolation_level="READ COMMITTED")
    event.listen(engine, "connect", _prepare_postgres)
    event.listen(engine, "begin", _begin_postgres)
    event.listen(engine, "checkin", _let_go_if_altered)
    return engine


def _prepare_sqlite(raw: object, _record: object) -> None:
    raw.isolation_level = None  # type: ignore[attr-defined] # the driver's connection: we say BEGIN ourselves
    cursor = raw.cursor()  # type: ignore[attr-defined] # the driver's connection
    in_memory = not cursor.execute("PRAGMA database_list").fetchone()[2]
    for name, wanted in _PRAGMAS.items():
        cursor.execute(f"PRAGMA {name} = {wanted}")
        found = cursor.execute(f"PRAGMA {name}").fetchone()[0]
        if found != wanted and not (in_memory and name == "journal_mode"):
            raise StoreError(f"SQLite keeps {name} = {found} where {wanted} is needed; is this a network file system?")
    cursor.close()


def _prepare_postgres(raw: object, _record: object) -> None:
    """Have the server end a session whose process stands still, or whose host is gone: it may hold the lock.

    And have every commit on the disk when it returns, whatever is usual there; who asks for more has more.
    """
    cursor = raw.cursor()  # type: ignore[attr-defined] # the driver's connection
    for name, wanted in _SESSION.items():
        cursor.execute(f"SET SESSION {name} = {wanted}")
    cursor.execute(_DURABLE)
    cursor.close()
    raw.commit()  # type: ignore[attr-defined] # the driver's connection


def _begin_sqlite(connection: Connection) -> None:
    reading = connection.get_execution_options().get("reading")
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")


def _begin_postgres(connection: Connection) -> None:
    """Let writers pass one at a time, as SQLite does: a halt between another's read and its write would be lost."""
    if not connection.get_execution_options().get("reading"):
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_WRITER})")


def _let_go_if_altered(_raw: object, record: PoolProxiedConnection) -> None:
    """End a connection that comes back with other settings: an arm on it might not be durable."""
    if record.info.get(ALTERED):
        record.invalidate()


def _is_told(cause: BaseException) -> bool:
    """Whether a server answered, and said no for good: a wrong password, a database that is not there."""
    said = str(cause)
    return "FATAL" in said and not any(
        word in said for word in ("starting up", "shutting down", "recovery", "too many")
    )


def _plain(cause: BaseException) -> str:
    origin = getattr(cause, "orig", None)
    return str(origin or cause).strip().splitlines()[0]


def beside(url: str) -> Path | None:
    """Return the folder that a SQLite file lies in, None for other databases."""
    path = make_url(url).database
    if make_url(url).get_backend_name() != "sqlite" or not path or path == ":memory:":
        return None
    return Path(os.fspath(path)).resolve().parent
