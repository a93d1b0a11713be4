"""Who serves which mailbox when workers come, end, die, stop, and when the database's server goes down under them."""

from __future__ import annotations

import collections
import itertools
import json
import signal
import time
from datetime import timedelta
from pathlib import Path

import pytest
from worker_storm import Ground, ground

from cadenced.engine import heartbeat
from cadenced.store import leases
from peers import dovecot, postgres, smtp_sink
from peers.patience import until

pytestmark = [
    *dovecot.needs_dovecot,
    pytest.mark.postgres,
    pytest.mark.skipif(not postgres.available(), reason="PostgreSQL's server programs are not installed"),
    pytest.mark.slow,
]

MOVES_WITHIN = timedelta(seconds=15)
"""In which the mailboxes of a worker that was killed are another's."""


def test_a_lease_and_the_time_between_two_looks_are_shorter_than_what_is_promised() -> None:
    assert leases.SPAN + heartbeat.APART <= MOVES_WITHIN


def all_taken(here: Ground, by: int) -> bool:
    """Whether every mailbox is somebody's, and so many workers have about as many each."""
    counts = collections.Counter(here.leases().values())
    return "" not in counts and len(counts) == by and max(counts.values()) - min(counts.values()) <= 1


def holder(here: Ground, mailbox: str) -> int:
    """Return the index of the worker that has a mailbox, by what it logged last."""
    owner = here.leases()[f"mailbox {mailbox}"]
    return next(n for n, worker in enumerate(here.workers) if f"worker={owner}" in worker.log.read_text())


def mailbox_of(here: Ground, number: int) -> str:
    """Return a mailbox that a worker has."""
    return next(box for box in here.mailboxes if holder(here, box) == number)


def test_mailboxes_are_shared_out_and_move_when_a_worker_ends(tmp_path: Path) -> None:
    with ground(tmp_path / "ground", 4) as here:
        here.add(2)
        until(lambda: all_taken(here, by=2))
        part = here.root / "inbox" / ".one.csv.part"  # dropped, read by one, reported once
        part.write_text("email,first_name\nann@there.example,Ann\nbob@there.example,Bob\n")
        part.rename(here.root / "inbox" / "one.csv")
        until(lambda: len(here.sink.accepted) == 6)
        assert [path.name for path in (here.root / "inbox" / "done").glob("*.report.csv")] == ["one.csv.report.csv"]
        assert here.logs().count("imported file=one.csv") == 1

        ended = here.leases()[f"mailbox {mailbox_of(here, 0)}"]
        here.kill(here.workers[0], signal.SIGTERM)
        assert ended not in here.leases().values()  # no lease has to run out
        until(lambda: all_taken(here, by=1))
        here.start(here.workers[0])
        until(lambda: all_taken(here, by=2))

        killed_at = time.monotonic()
        here.kill(here.workers[1])
        until(lambda: all_taken(here, by=1))
        moved = timedelta(seconds=time.monotonic() - killed_at)
        print(f"\nthe mailboxes of the killed worker moved within {moved.total_seconds():.1f} s")  # noqa: T201 - a figure of the suite
        assert moved <= MOVES_WITHIN
        here.bring_in(["cid", "dan", "eve", "fay"])
        until(lambda: len(here.sink.accepted) == 18)
        assert set(here.accepted().values()) == {1}


def test_a_stopped_worker_loses_its_mailbox_and_sends_nothing_twice(tmp_path: Path) -> None:
    with ground(tmp_path / "ground", 1) as here:
        here.sink.always("data", smtp_sink.Hold(seconds=0.3))
        here.add(2)
        until(lambda: all_taken(here, by=1))
        here.bring_in([f"p{number}" for number in range(12)])
        until(lambda: len(here.sink.accepted) >= 3)
        stopped = here.workers[holder(here, "m1")]
        before = here.leases()
        here.signal(stopped, signal.SIGSTOP)
        until(lambda: "" not in here.leases().values() and here.leases() != before, MOVES_WITHIN.total_seconds())
        until(lambda: len(here.sink.accepted) >= 20)
        here.signal(stopped, signal.SIGCONT)
        until(lambda: "begun anew" in stopped.log.read_text() or here.status(stopped) == 4)
        assert here.ends_with({"sent": 36}), (here.states(), here.logs()[-6000:])
        assert set(here.accepted().values()) == {1}


def test_gap_and_limit_of_a_mailbox_hold_whoever_serves_it(tmp_path: Path) -> None:
    gap, limit = 1.5, 7
    with ground(tmp_path / "ground", 2, gap=f"{gap} s", limit=limit) as here:
        here.add(2)
        until(lambda: all_taken(here, by=2))
        here.bring_in([f"p{number}" for number in range(8)])
        for number in (0, 1, 0):
            until(lambda n=number: len(here.sink.accepted) >= 3 + 3 * n)
            here.kill(here.workers[number], signal.SIGTERM if number else signal.SIGKILL)
            here.start(here.workers[number])
        until(lambda: len(here.sink.accepted) == 2 * limit)
        time.sleep(2 * gap)  # time enough for one more, if the limit did not hold
        assert len(here.sink.accepted) == 2 * limit
        for mailbox in here.mailboxes:
            moments = [one.monotonic for one in here.sink.accepted if one.mail_from.startswith(f"{mailbox}@")]
            assert len(moments) == limit
            armed = here.ask(f"SELECT armed_at FROM touches WHERE mailbox = '{mailbox}' AND armed_at > 0 ORDER BY 1")  # noqa: S608 - our own name
            gaps = [(after - before) / 1_000_000 for (before,), (after,) in itertools.pairwise(armed)]
            assert min(gaps) >= gap, gaps


def test_a_crash_of_the_database_server_doubles_nothing(tmp_path: Path) -> None:
    with ground(tmp_path / "ground", 2, slow=0.1) as here:
        here.add(2)
        until(lambda: all_taken(here, by=2))
        here.bring_in([f"p{number}" for number in range(20)])
        for wanted in (5, 25):
            assert here.comes_to(wanted), here.logs()[-6000:]
            here.database.crash()
            time.sleep(1)
            here.database.start()
        assert here.ends_with({"sent": 60}), (here.states(), here.logs()[-6000:])
        assert set(here.accepted().values()) == {1}
        assert all(status == 4 for worker in here.workers for status in worker.ended_by_itself)
        assert "Traceback" not in here.logs()


def test_status_names_the_worker_of_each_mailbox(tmp_path: Path) -> None:
    with ground(tmp_path / "ground", 2) as here:
        told = json.loads(here.run("status", "--json"))
        assert [box["worker"] for box in told["mailboxes"]] == [None, None]
        assert told["running"] is False
        here.add(1)
        until(lambda: all_taken(here, by=1))
        told = json.loads(here.run("status", "--json"))
        assert told["running"] is True
        assert {box["worker"]["id"] for box in told["mailboxes"]} == set(here.leases().values())
