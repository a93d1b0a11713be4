"""The restore guard with several workers on PostgreSQL: they count in one database, each with a file of its own."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from test_rule_n import Doubting, _open

from cadenced.engine import restore
from cadenced.store import instance, mailboxes
from cadenced.store.database import Database
from cadenced.store.instance import Mark
from peers import postgres

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.skipif(not postgres.available(), reason="PostgreSQL's programs are not installed"),
]
WORKERS, STARTS = 3, 12


@pytest.fixture
def workers(tmp_path: Path) -> Iterator[list[Doubting]]:
    with postgres.server() as server:
        url = server.database()
        opened = []
        for n in range(WORKERS):
            (tmp_path / str(n)).mkdir()
            opened.append(_open(tmp_path / str(n), "server", Database(url, inline=True)))
        yield opened
        for one in opened:
            one.workspace.database.close()


def _restarts(worker: Doubting, path: Path) -> int:
    for n in range(STARTS):
        found = instance.read(path)
        mark = worker.do(lambda tx, found=found: restore.begin(tx, worker.workspace, found))
        instance.write(path, mark)
        sent = worker.do(lambda tx, n=n, mark=mark: restore.count(tx, worker.workspace, n, mark.last_send_seq))
        instance.write(path, sent)
    return sum(range(STARTS))


def _held(worker: Doubting) -> str:
    return worker.read(lambda tx: mailboxes.get(tx, "julie")).hold


def test_workers_that_come_and_go_and_send_hold_nobody_and_an_older_database_holds_all(
    workers: list[Doubting], tmp_path: Path
) -> None:
    paths = [tmp_path / str(n) / "instance.json" for n in range(WORKERS)]
    with ThreadPoolExecutor(WORKERS) as pool:
        sends = sum(pool.map(_restarts, workers, paths))
    first = workers[0]
    assert first.read(instance.counted) == (WORKERS * STARTS, sends)
    assert _held(first) == ""
    first.do(lambda tx: instance.count(tx, 5, sends))  # a dump of long ago is put back
    newest = max((instance.read(path) for path in paths), key=lambda mark: mark.boot_counter if mark else 0)
    assert isinstance(newest, Mark)
    workers[2].do(lambda tx: restore.begin(tx, workers[2].workspace, newest))
    assert _held(first).startswith("an older database was put back")
