"""Two processes write to one database: what the one stops, the other must not take up again."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, select

from cadenced.store.database import Database
from cadenced.store.schema import meta
from peers import postgres

ON_POSTGRES = (
    pytest.mark.postgres,
    pytest.mark.skipif(not postgres.available(), reason="PostgreSQL's programs are not installed"),
)


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=ON_POSTGRES)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/one.db"
        return
    with postgres.server() as server:
        yield server.database()


def test_a_daemon_outlasts_the_longest_transaction_of_a_command(tmp_path: Path) -> None:
    daemon = Database(f"sqlite:///{tmp_path}/one.db", inline=True)
    patience = daemon.read(lambda tx: tx.exec_driver_sql("PRAGMA busy_timeout").scalar_one())
    assert patience >= 60_000  # milliseconds; the last step of a million rows takes half a minute
    daemon.close()


def count_up(tx: Connection) -> None:
    found = int(tx.execute(select(meta.c.value).where(meta.c.key == "n")).scalar_one())
    tx.execute(meta.update().where(meta.c.key == "n").values(value=str(found + 1)))


def test_what_one_process_writes_between_anothers_read_and_its_write_is_not_lost(url: str) -> None:
    daemon, command = Database(url, inline=True), Database(url, inline=True)
    daemon.open()
    daemon.transact(lambda tx: tx.execute(meta.insert().values(key="n", value="0")))
    other = threading.Thread(target=lambda: command.transact(count_up))

    def slowly(tx: Connection) -> None:
        found = int(tx.execute(select(meta.c.value).where(meta.c.key == "n")).scalar_one())
        other.start()
        other.join(0.3)  # time enough to overtake, if that were possible
        tx.execute(meta.update().where(meta.c.key == "n").values(value=str(found + 1)))

    daemon.transact(slowly)
    other.join(10)
    assert daemon.read(lambda tx: tx.execute(select(meta.c.value).where(meta.c.key == "n")).scalar_one()) == "2"
    daemon.close()
    command.close()
