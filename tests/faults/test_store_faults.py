"""A disk that is full, fails or lies, and a database that somebody else holds (rows 18 to 21): no send on a guess."""

from __future__ import annotations

import shutil
import signal
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from grounds import Ground, entered

from peers import dovecot, shim, warm
from peers.patience import until
from peers.smtp_sink import Hold, Latch

pytestmark = [*dovecot.needs_dovecot, *shim.needs_shim, pytest.mark.slow]

PEOPLE = tuple(f"p{n}@disk.example" for n in range(6))


@pytest.fixture
def ground(tmp_path: Path, server: dovecot.Dovecot, stable: warm.Stable) -> Iterator[Ground]:
    with entered(tmp_path / "ground", server, stable, arm_ttl="1 s", quiet="2 s") as one:
        one.enrol(*PEOPLE)
        yield one


def nothing_twice_and_nobody_forgotten(ground: Ground) -> None:
    """Run on a sound machine until all is settled, and compare with what the server took."""
    ground.settle()
    time.sleep(2)  # what is in doubt is not looked at before
    ground.settle()
    taken, found = ground.taken(), ground.touches()
    assert set(taken.values()) <= {1}, ground.said()
    assert {touch["recipient"] for touch in found} == set(PEOPLE)
    for touch in found:
        assert touch["state"] in {"sent", "unknown", "in_doubt"}, ground.said()
        assert touch["state"] != "sent" or taken[touch["ref"]] == 1


@pytest.mark.parametrize("number", [4, 9])
def test_a_disk_that_cannot_synchronise_ends_the_daemon_and_is_never_asked_twice(ground: Ground, number: int) -> None:
    status = ground.idle(order=shim.order("e", number, ground.root))
    assert status not in {0, 137}, ground.said()
    assert "disk I/O error" in ground.said()
    nothing_twice_and_nobody_forgotten(ground)


@pytest.mark.parametrize("number", [60])
def test_a_disk_that_is_full_ends_the_daemon_with_one_line(ground: Ground, number: int) -> None:
    log = ground.root.parent / "log of the full disk"
    status = ground.start("run", "--until-idle", order=shim.order("n", number, ground.root), log=log).wait()
    said = log.read_text()
    assert status == 4, said
    assert "full" in said
    nothing_twice_and_nobody_forgotten(ground)


@contextmanager
def small_disk(place: Path, megabytes: int) -> Iterator[Path]:
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "none", str(place)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("a small disk cannot be mounted here")
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", str(place)], check=False)


def test_a_disk_that_fills_up_while_mail_leaves_costs_no_second_mail(
    tmp_path: Path, server: dovecot.Dovecot, stable: warm.Stable
) -> None:
    with small_disk(tmp_path / "disk", 3) as disk, entered(disk / "ground", server, stable) as ground:
        ground.enrol(*PEOPLE)
        ballast = disk / "ballast"
        log = tmp_path / "log"
        ballast.write_bytes(bytes(shutil.disk_usage(disk).free - 98_304))
        status = ground.start("run", "--until-idle", log=log).wait()
        assert status == 4, log.read_text()
        assert "full" in log.read_text()
        ballast.unlink()
        nothing_twice_and_nobody_forgotten(ground)


def test_a_damaged_page_is_noticed_and_nothing_is_sent(ground: Ground) -> None:
    path = ground.root / "cadenced.db"
    with closing(sqlite3.connect(path)) as store:
        store.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        (page,) = store.execute("SELECT rootpage FROM sqlite_master WHERE name = 'enrolments'").fetchone()
        (size,) = store.execute("PRAGMA page_size").fetchone()
    raw = bytearray(path.read_bytes())
    raw[(page - 1) * size : page * size] = b"\xa5" * size
    path.write_bytes(raw)
    status = ground.idle()
    assert status != 0
    assert "malformed" in ground.said() or "damaged" in ground.said()
    assert not ground.taken()


def test_a_database_that_is_held_delays_and_loses_nothing(ground: Ground) -> None:
    ground.sink.plan("dot", Hold(answer := Latch()))
    run = ground.start("run", "--until-idle")
    until(lambda: any(touch["state"] == "armed" for touch in ground.touches()))
    with closing(sqlite3.connect(ground.root / "cadenced.db", timeout=30, isolation_level=None)) as holder:
        holder.execute("BEGIN IMMEDIATE")
        answer.open()
        time.sleep(3)  # a minute, scaled: the daemon waits for two
        (armed,) = holder.execute("SELECT count(*) FROM touches WHERE armed_at IS NOT NULL").fetchone()
        assert len(ground.taken()) <= armed <= 2  # nothing is armed while nobody may write
        holder.execute("ROLLBACK")
    assert run.wait() == 0, ground.said()
    nothing_twice_and_nobody_forgotten(ground)


@pytest.mark.parametrize("hangs_up", [False, True], ids=["in time", "never"])
def test_a_machine_that_sleeps_with_a_payload_in_its_hand_writes_it_in_time_or_never(
    tmp_path: Path, server: dovecot.Dovecot, stable: warm.Stable, hangs_up: bool
) -> None:
    """Row 14, at its worst: stopped behind the last look at the deadline. A server does not wait for long."""
    with entered(tmp_path / "ground", server, stable) as ground:
        ground.enrol(PEOPLE[0])
        run = ground.start("run", "--until-idle", order=shim.order("z", 1, ground.root))
        until(lambda: is_stopped(run.pid))
        if hangs_up:
            ground.sink.hang_up()
            until(lambda: not ground.sink.open)
        run.signal(signal.SIGCONT)
        assert run.wait() == 0, ground.said()
        assert len(ground.taken()) == (0 if hangs_up else 1)
        (touch,) = ground.touches()
        assert touch["state"] in ({"unknown", "in_doubt"} if hangs_up else {"sent"}), ground.said()


def is_stopped(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"
