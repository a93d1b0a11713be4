"""PostgreSQL as it may be set up: commits that are not waited for, and a standby that may lag behind."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from cadenced.store import standby
from cadenced.store.database import Database
from peers import postgres
from peers.patience import until

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.skipif(not postgres.available(), reason="PostgreSQL's programs are not installed"),
]


@pytest.fixture(scope="module")
def server() -> Iterator[postgres.Server]:
    with postgres.server() as one:
        yield one


@pytest.mark.parametrize(
    ("usual", "ours"), [("off", "on"), ("local", "on"), ("on", "on"), ("remote_apply", "remote_apply")]
)
def test_a_commit_is_durable_whatever_is_usual_on_the_server(server: postgres.Server, usual: str, ours: str) -> None:
    url = server.database()
    with psycopg.connect(url, autocommit=True) as there:
        there.execute(f"ALTER ROLE cadenced SET synchronous_commit = {usual}".encode())
    database = Database(url, inline=True)
    database.open()
    assert database.read(lambda tx: tx.exec_driver_sql("SHOW synchronous_commit").scalar()) == ours
    database.close()


def test_a_standby_that_nobody_waits_for_is_seen(server: postgres.Server, tmp_path: Path) -> None:
    url = server.database()
    database = Database(url, inline=True)
    database.open()
    assert database.read(standby.lagging) == 0
    program = postgres.program("pg_receivewal")
    assert program is not None
    line = [program, "-h", str(server.folder), "-U", "cadenced", "-D", str(tmp_path)]  # follows as a standby does
    with subprocess.Popen(line, stderr=subprocess.DEVNULL) as follower, psycopg.connect(url, autocommit=True) as there:
        until(lambda: database.read(standby.lagging) == 1)
        there.execute(b"ALTER SYSTEM SET synchronous_standby_names = '*'")
        there.execute(b"SELECT pg_reload_conf()")
        until(lambda: database.read(standby.lagging) == 0)
        there.execute(b"ALTER SYSTEM RESET synchronous_standby_names")
        there.execute(b"SELECT pg_reload_conf()")
        follower.kill()
    database.close()


def test_a_server_that_does_not_tell_its_line_is_worked_with(
    server: postgres.Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(standby, "_LINE", "SELECT a_function_that_it_has_not()")
    database = Database(server.database(), inline=True)
    database.open()
    assert database.line == 0
    assert database.read(lambda tx: tx.exec_driver_sql("SELECT 1").scalar()) == 1
    database.close()
