"""Faults of the process itself: an unread log, no file descriptors, a loop that hangs, stops at any moment."""

from __future__ import annotations

import contextlib
import json
import os
import random
import resource
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from grounds import Ground, entered

from peers import dovecot, warm
from peers.patience import PATIENCE, until
from peers.smtp_sink import Hold, Latch

pytestmark = [*dovecot.needs_dovecot, pytest.mark.slow, pytest.mark.timeout(3600)]

COMMAND = str(Path(sys.executable).parent / "cadenced")
RESTARTS = int(os.environ.get("CADENCED_RESTARTS", "5"))
PEOPLE = tuple(f"p{n}@process.example" for n in range(8))


@pytest.fixture
def ground(tmp_path: Path, server: dovecot.Dovecot, stable: warm.Stable) -> Iterator[Ground]:
    with entered(tmp_path / "ground", server, stable) as one:
        one.enrol(*PEOPLE)
        yield one


def test_a_log_that_nobody_reads_stops_no_mail(ground: Ground) -> None:
    """Row 70, with the installed command: its output is a pipe that is full from the start."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    try:
        while True:
            os.write(writer, bytes(4096))
    except BlockingIOError:
        os.set_blocking(writer, True)
    command = [COMMAND, "-c", str(ground.root / "cadenced.toml"), "run"]
    env = {**os.environ, "JULIE_PASSWORD": "secret"}
    with subprocess.Popen(command, env=env, stdout=writer, stderr=writer) as daemon:
        try:
            until(lambda: len(ground.taken()) == len(PEOPLE))
            daemon.send_signal(signal.SIGTERM)
            assert daemon.wait(PATIENCE) == 0
        finally:
            daemon.kill()
            os.close(reader)
            os.close(writer)
    assert set(ground.taken().values()) == {1}


def test_without_file_descriptors_nothing_is_sent_twice_and_it_goes_on_when_there_are_some(ground: Ground) -> None:
    """Row 63: the daemon may hold or end; either way nothing is lost."""
    run = ground.start()
    until(lambda: "ready" in ground.said())
    soft, hard = resource.prlimit(run.pid, resource.RLIMIT_NOFILE)
    used = len(list(Path(f"/proc/{run.pid}/fd").iterdir()))
    resource.prlimit(run.pid, resource.RLIMIT_NOFILE, (used, hard))
    time.sleep(1.5)
    if run.poll() is None:
        resource.prlimit(run.pid, resource.RLIMIT_NOFILE, (soft, hard))
        time.sleep(1)
        run.kill()
    ground.settle()
    settled(ground)


def is_stopped(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"


def settled(ground: Ground) -> None:
    """See that everybody was written to once, or is in doubt where nobody can know."""
    found = ground.touches()
    taken = ground.taken()
    assert len(found) == len(PEOPLE), ground.said()
    assert set(taken.values()) <= {1}
    for touch in found:
        assert touch["state"] in {"sent", "unknown", "in_doubt"}, (touch, ground.said())
        assert touch["state"] != "sent" or taken[touch["ref"]] == 1


def test_a_loop_that_hangs_does_not_feed_the_watchdog(ground: Ground, tmp_path: Path) -> None:
    """Row 63: the manager would end it; the pulse proves that loop and store move."""
    place = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(place))
        manager.settimeout(PATIENCE)
        run = ground.start(env={"NOTIFY_SOCKET": str(place), "WATCHDOG_USEC": "2000000"})
        told: list[bytes] = []
        while told.count(b"WATCHDOG=1") < 2:
            told.append(manager.recv(4096))
        assert any(b"READY=1" in one for one in told)
        run.signal(signal.SIGSTOP)  # nothing moves any more, whatever the reason
        until(lambda: is_stopped(run.pid))
        manager.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while True:
                manager.recv(4096)
        manager.settimeout(2.0)
        with pytest.raises(TimeoutError):
            manager.recv(4096)
        run.signal(signal.SIGCONT)
        manager.settimeout(PATIENCE)
        assert manager.recv(4096)


STAGES = ("connect", "ehlo", "mail", "rcpt", "data", "dot")


@pytest.mark.parametrize("stage", STAGES)
def test_sigterm_at_any_stage_lets_what_is_on_the_wire_end_and_begins_nothing(ground: Ground, stage: str) -> None:
    """Row 64: drained means drained; the exit status says that all is well."""
    ground.sink.plan(stage, Hold(answer := Latch()))
    run = ground.start()
    until(lambda: ground.sink.holding)
    run.signal(signal.SIGTERM)
    until(lambda: " stopping " in ground.said())
    answer.open()
    assert run.wait() == 0, ground.said()
    states = {touch["state"] for touch in ground.touches()}
    assert states <= {"sent", "planned", "claimed"}, ground.said()
    assert len(ground.taken()) <= 2  # what was armed when the signal came; nothing is armed after it
    ground.settle()
    settled(ground)
    assert set(ground.taken().values()) == {1}
    assert not any(touch["state"] in {"unknown", "in_doubt"} for touch in ground.touches())


def test_restarted_again_and_again_everybody_is_written_to_once(ground: Ground) -> None:
    """Row 64: half of the ends are kill -9."""
    dice = random.Random(64)  # noqa: S311 - a seed that repeats, not a secret
    for _ in range(RESTARTS):
        run = ground.start()
        time.sleep(dice.uniform(0, 1.2))
        run.signal(dice.choice([signal.SIGTERM, signal.SIGKILL]))
        assert run.wait() in {0, 137, 143}, ground.said()
    ground.settle()
    settled(ground)
    assert json.dumps(ground.told("status"))
