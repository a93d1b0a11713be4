"""What one process commits on PostgreSQL another one hears of at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress

import pytest
from sqlalchemy import text

from cadenced.store import bell
from cadenced.store.bell import Bell
from cadenced.store.database import Database
from peers import postgres
from peers.patience import comes as until

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.skipif(not postgres.available(), reason="PostgreSQL's programs are not installed"),
]


@pytest.fixture(scope="module")
def server() -> Iterator[postgres.Server]:
    with postgres.server() as one:
        yield one


@pytest.fixture
def url(server: postgres.Server) -> str:
    found = server.database()
    database = Database(found, inline=True)
    database.open()
    database.close()
    return found


@asynccontextmanager
async def listening(url: str, origin: str = "me") -> AsyncIterator[tuple[Database, list[str]]]:
    """Listen, and note what is heard; the rings of the beginning are taken out."""
    database, heard = Database(url), list[str]()
    calls: dict[str, Callable[[], None]] = {
        channel: (lambda channel=channel: heard.append(channel)) for channel in (bell.WORK, bell.LEASES)
    }
    task = asyncio.create_task(Bell(database, origin, calls).listen())
    await until(lambda: database.is_listening and len(heard) == 2)
    heard.clear()
    try:
        yield database, heard
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        database.close()


async def test_what_a_command_commits_is_heard_of(url: str) -> None:
    async with listening(url) as (database, heard):
        before = database.version()
        command = Database(url, inline=True)
        await asyncio.to_thread(command.transact, lambda tx: tx.execute(text("DELETE FROM meta WHERE key = 'none'")))
        await until(lambda: heard == [bell.WORK])
        assert database.version() != before
        command.close()


async def test_what_is_rolled_back_is_not_told(url: str) -> None:
    async with listening(url) as (database, heard):

        def fail(tx: object) -> None:
            bell.ring(tx, bell.WORK, "other")  # type: ignore[arg-type] # a connection
            raise RuntimeError("in the middle")

        with pytest.raises(RuntimeError, match="middle"):
            await database.run(fail)
        await database.run(lambda tx: bell.ring(tx, bell.LEASES, "other"))
        await until(lambda: heard)
        assert heard == [bell.LEASES]


async def test_nobody_is_woken_by_their_own_ring(url: str) -> None:
    async with listening(url) as (database, heard):
        await database.run(lambda tx: bell.ring(tx, bell.WORK, "me"))
        await database.run(lambda tx: bell.ring(tx, bell.WORK, "other"))
        await until(lambda: heard)
        assert heard == [bell.WORK]


async def test_a_lost_connection_is_made_anew_and_counts_as_a_ring(url: str) -> None:
    async with listening(url) as (database, heard):
        kill = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'"
        await database.run(lambda tx: list(tx.execute(text(kill))))
        await until(lambda: len(heard) == 2)
        await until(lambda: database.is_listening)
        await database.run(lambda tx: bell.ring(tx, bell.WORK, "other"))
        await until(lambda: len(heard) == 3)
