"""The store: durable by setting and by reading back, one daemon at a time, never a newer database."""

from __future__ import annotations

from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text

from cadenced.errors import DatabaseInUseError, NewerDatabaseError, StoreError
from cadenced.store import migrations
from cadenced.store.database import Database


def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/cadenced.db"


def test_sqlite_runs_wal_with_full_synchronisation(tmp_path: Path) -> None:
    database = Database(url(tmp_path), inline=True)
    database.open()

    def pragmas(tx: object) -> tuple[object, object]:
        run = tx.exec_driver_sql  # type: ignore[attr-defined] # a connection
        return run("PRAGMA journal_mode").scalar(), run("PRAGMA synchronous").scalar()

    assert database.read(pragmas) == ("wal", 2)
    database.close()


def test_a_newer_database_is_refused_untouched(tmp_path: Path) -> None:
    database = Database(url(tmp_path), inline=True)
    database.open()
    database.transact(lambda tx: tx.execute(text("UPDATE alembic_version SET version_num = '9999'")))
    database.close()
    with pytest.raises(NewerDatabaseError, match="newer"):
        Database(url(tmp_path), inline=True).open()


def test_a_second_daemon_on_one_file_is_refused_and_let_in_when_the_first_is_gone(tmp_path: Path) -> None:
    first, second = Database(url(tmp_path)), Database(url(tmp_path))
    first.claim_for_daemon()
    with pytest.raises(DatabaseInUseError, match="another daemon"):
        second.claim_for_daemon()
    first.close()
    second.claim_for_daemon()
    second.close()


def test_a_file_that_is_no_database_is_told_apart(tmp_path: Path) -> None:
    (tmp_path / "cadenced.db").write_bytes(b"this is not a database" * 100)
    with pytest.raises(StoreError, match="cannot be opened"):
        Database(url(tmp_path), inline=True).open()


def test_what_raises_is_rolled_back_as_a_whole(tmp_path: Path) -> None:
    database = Database(url(tmp_path), inline=True)
    database.open()

    def half(tx: object) -> None:
        tx.execute(text("INSERT INTO meta (key, value) VALUES ('a', 'b')"))  # type: ignore[attr-defined] # a connection
        raise ValueError("in the middle")

    with pytest.raises(ValueError, match="middle"):
        database.transact(half)
    assert database.read(lambda tx: tx.execute(text("SELECT count(*) FROM meta")).scalar()) == 0
    database.close()


def test_the_migrations_amount_to_the_tables(tmp_path: Path) -> None:
    database = Database(url(tmp_path), inline=True)
    database.open()

    def differences(tx: object) -> list[object]:
        return compare_metadata(MigrationContext.configure(tx), migrations.tables())  # type: ignore[arg-type] # a connection

    assert database.read(differences) == []
    database.close()


async def test_another_process_is_noticed(tmp_path: Path) -> None:
    daemon, command = Database(url(tmp_path)), Database(url(tmp_path), inline=True)
    daemon.open()
    before = await daemon.run_outside(daemon.version)
    assert await daemon.run_outside(daemon.version) == before
    command.open()
    command.transact(lambda tx: tx.execute(text("INSERT INTO meta (key, value) VALUES ('a', 'b')")))
    assert await daemon.run_outside(daemon.version) != before
    daemon.close()
    command.close()
