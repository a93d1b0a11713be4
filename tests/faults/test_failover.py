"""A PostgreSQL server dies and its standby takes over, while a daemon sends (row 17, I4, I24).

Where every commit had waited for the standby nothing is missing, and the daemon goes on at the other server. A standby
that nobody waited for may have forgotten what was armed last: then nothing leaves until a human has looked.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from grounds import Ground, entered

from cadenced.errors import StoreError
from cadenced.store.database import Database
from peers import dovecot, postgres, smtp_sink, warm
from peers.patience import until

pytestmark = [
    *dovecot.needs_dovecot,
    pytest.mark.postgres,
    pytest.mark.skipif(not postgres.available(), reason="PostgreSQL's server programs are not installed"),
    pytest.mark.slow,
]

SEVERAL = tuple(f"p{number}@failover.example" for number in range(8))
BROKEN = 4
"""The exit status of a daemon whose database has failed; a service manager starts it again."""


@contextmanager
def pair(root: Path, server: dovecot.Dovecot, stable: warm.Stable) -> Iterator[tuple[Ground, postgres.Server]]:
    """Have a ground on a pair of servers, of which the second follows the first."""
    with postgres.server(on_loopback=True) as first, postgres.follower(first) as second:
        name = first.database().rpartition("/")[2]
        hosts = f"host=127.0.0.1,127.0.0.1&port={first.port},{second.port}&target_session_attrs=read-write"
        url = f"postgresql://cadenced@/{name}?{hosts}"
        with entered(root, server, stable, database=url) as ground:
            ground.url, ground.store = url, first
            yield ground, second


def has_all(first: postgres.Server) -> bool:
    """Whether the standby has what the first server has."""
    rows = first.ask("SELECT replay_lsn >= pg_current_wal_lsn() FROM pg_stat_replication")
    return bool(rows) and rows[0][0] is True


def wait_for_standby(first: postgres.Server) -> None:
    """Have each commit wait for the standby from now on."""
    first.ask("ALTER SYSTEM SET synchronous_standby_names = '*'", "SELECT pg_reload_conf()")
    until(lambda: first.ask("SELECT sync_state FROM pg_stat_replication") == [("sync",)])


def goes_on(ground: Ground, run: warm.Run) -> warm.Run:
    """Return a daemon that runs on what there is now: one that has ended is started again."""
    before = ground.said().count(" ready ")
    if run.poll() is None:
        ground.drop("late@failover.example", name="late.csv")  # whoever sleeps touches the database
    until(lambda: run.poll() is not None)
    assert run.status == BROKEN, ground.said()
    again = ground.start()
    until(lambda: ground.said().count(" ready ") > before)
    return again


def test_a_standby_that_every_commit_waited_for_takes_over_and_the_daemon_goes_on(
    tmp_path: Path, server: dovecot.Dovecot, stable: warm.Stable
) -> None:
    with pair(tmp_path / "ground", server, stable) as (ground, second):
        assert ground.store is not None
        wait_for_standby(ground.store)
        ground.enrol(*SEVERAL)
        standby = f"postgresql://cadenced@127.0.0.1:{second.port}/postgres"
        with pytest.raises(StoreError, match="only follows"):
            Database(standby, inline=True).open()
        known = Database(ground.url, inline=True)
        known.open()
        ground.sink.always("dot", smtp_sink.Hold(answer := smtp_sink.Latch()))
        run = ground.start()
        until(lambda: ground.sink.holding)  # one is on the wire, armed at both servers
        ground.store.kill()
        second.promote()
        answer.open()
        with pytest.raises(StoreError, match="another server has taken the database over"):
            known.transact(lambda tx: tx.exec_driver_sql("SELECT 1"))
        known.close()
        run = goes_on(ground, run)
        until(lambda: "nothing is missing" in ground.said())
        until(lambda: len(ground.taken()) >= len(SEVERAL))
        run.signal(15)
        assert run.wait() == 0, ground.said()
        assert set(ground.taken().values()) == {1}
        assert ground.told("status")["restored"] is None
        states = {touch["recipient"]: touch["state"] for touch in ground.touches()}
        assert all(states[person] in {"sent", "unknown", "in_doubt"} for person in SEVERAL), states
        assert list(states.values()).count("sent") >= len(SEVERAL) - 1  # at the most the one on the wire is in doubt


@pytest.mark.parametrize("is_running", [True, False], ids=["beneath a daemon", "before a start"])
def test_a_standby_that_nobody_waited_for_takes_over_and_nothing_leaves_until_a_human_has_looked(
    tmp_path: Path, server: dovecot.Dovecot, stable: warm.Stable, is_running: bool
) -> None:
    never = {"cadenced.engine.restore:EVERY": "1e9"}  # the file beside it is as old as the standby
    with pair(tmp_path / "ground", server, stable) as (ground, second):
        assert ground.store is not None
        ground.enrol("ann@failover.example", "bob@failover.example")
        ground.sink.plan("rcpt", smtp_sink.Hold(turn := smtp_sink.Latch()))
        run = ground.start(patches=never)
        until(lambda: ground.sink.holding)
        until(lambda: has_all(ground.store))
        second.crash()
        turn.open()
        until(lambda: len(ground.taken()) == 2)
        until(lambda: [touch["state"] for touch in ground.touches()] == ["sent", "sent"])
        if not is_running:
            run.kill()
        ground.store.kill()
        second.start()
        second.promote()
        assert {touch["state"] for touch in ground.touches()} & {"planned", "claimed"}  # it would send them again
        run = goes_on(ground, run) if is_running else ground.start()
        until(lambda: "nothing is sent" in ground.said())
        run.signal(15)
        assert run.wait() == 0, ground.said()
        told = json.dumps(ground.told("status"))
        assert "another server has taken it over" in told
        assert list(ground.taken().values()) == [1, 1]
        release = ground.start("release", "--restored")  # the hold was all that kept them: nobody has looked
        assert release.wait() == 0, release.said()
        assert ground.idle() == 0, ground.said()
        assert list(ground.taken().values()) == [2, 2]
