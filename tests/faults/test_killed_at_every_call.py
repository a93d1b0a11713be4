"""kill -9 between any two system calls of a send: one acceptance, or a doubt that everybody can see (I1, I3, I7).

The calls are those to the database's files and to network sockets; every fourth point also tears the call in two.
``CADENCED_SYSCALL_KILLS`` is the number of points for each course, or ``all``.
"""

from __future__ import annotations

import os
import random
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from grounds import Ground, entered

from peers import dovecot, postgres, shim, smtp_sink, warm
from peers.patience import until
from peers.smtp_sink import Accepted, Say

pytestmark = [*dovecot.needs_dovecot, *shim.needs_shim, pytest.mark.slow, pytest.mark.timeout(14_400)]

BRIEF = {"arm_ttl": "1 s", "quiet": "2 s"}
POINTS = os.environ.get("CADENCED_SYSCALL_KILLS", "1")
DOUBT = {"unknown", "in_doubt"}


@dataclass
class Course:
    """One way a send can go, and what may be left of it after the kill."""

    name: str
    people: tuple[str, ...] = ("ann@first.example",)
    settings: dict[str, object] = field(default_factory=dict)
    is_second: bool = False
    script: Callable[[smtp_sink.Sink], None] = lambda _sink: None
    is_proved: bool = False
    """Whether a server's own copy proves what was taken: no doubt may be left then."""


def files_the_copy(server: dovecot.Dovecot, place: list[str]) -> Callable[[Accepted], None]:
    """Return what a mail server does with a copy to ourselves: it lies in the inbox."""

    def deliver(message: Accepted) -> None:
        if "julie@abc.example" in message.recipients:
            server.deliver(message.raw, user=place[-1])

    return deliver


COURSES = (
    Course("first"),
    Course("second", is_second=True),
    Course("postponed", script=lambda sink: sink.plan("dot", Say("450 4.2.0 later"))),
    Course("several", people=tuple(f"p{n}@many.example" for n in range(5)), settings={"connections": 3}),
    Course("copied", settings={"sent_copy": "self"}, is_proved=True),
    Course("copied second", settings={"sent_copy": "self"}, is_proved=True, is_second=True),
)


@pytest.fixture(params=COURSES, ids=lambda course: course.name)
def prepared(
    request: pytest.FixtureRequest, tmp_path: Path, server: dovecot.Dovecot, stable: warm.Stable
) -> Iterator[tuple[Course, Ground, list[str]]]:
    """Bring a workspace to directly before the send in question."""
    course: Course = request.param
    place = ["julie"]
    with entered(tmp_path / "base", server, stable, **BRIEF, **course.settings) as base:
        base.sink.on_accept = files_the_copy(server, place)
        base.enrol(*course.people)
        if course.is_second:
            assert base.idle() == 0, base.said()
            base.hurry()
        yield course, base, place


def test_a_kill_between_any_two_calls_sends_nothing_twice_and_loses_nothing_in_silence(
    prepared: tuple[Course, Ground, list[str]], tmp_path: Path
) -> None:
    course, base, place = prepared
    total = calls_of(course, base, place, tmp_path / "counted")
    wanted = range(1, total + 1) if POINTS == "all" else spread(total, int(POINTS))
    ends: dict[str, int] = {}
    for number in wanted:
        end = outlived(course, base, place, tmp_path / f"at{number}", number)
        ends[end] = ends.get(end, 0) + 1
    print(f"{course.name}: {len(wanted)} of {total} points: {ends}")  # noqa: T201 - the figure that is asked for


RESCUED = (
    "lambda tx, boot: tx.execute(update(touches).values(state='planned').where(touches.c.state == 'armed')).rowcount"
)
"""What a queue of jobs does after a crash: it takes up again whatever was under way."""


def test_a_daemon_that_took_up_again_what_was_on_the_wire_would_be_caught(
    tmp_path: Path, server: dovecot.Dovecot, stable: warm.Stable
) -> None:
    for is_naive in (False, True):
        with entered(tmp_path / str(is_naive), server, stable) as ground:
            ground.enrol("ann@twice.example")
            assert ground.idle(order=shim.order("p", 1, ground.root)) == 137
            until(lambda ground=ground: not ground.sink.open)
            assert ground.taken()
            patches = {"cadenced.store.touches:recover": RESCUED} if is_naive else {}
            ground.idle(patches=patches)
            assert list(ground.taken().values()) == [2 if is_naive else 1]


@pytest.mark.postgres
@pytest.mark.skipif(not postgres.available(), reason="PostgreSQL's server programs are not installed")
def test_on_postgresql_too_a_kill_between_any_two_calls_sends_nothing_twice(
    tmp_path: Path, server: dovecot.Dovecot, stable: warm.Stable
) -> None:
    """What is said to the database counts as a call as well: the kill falls between any two statements of a send."""
    course, place = COURSES[0], ["julie"]
    with (
        postgres.server(on_loopback=True) as store,
        entered(tmp_path / "base", server, stable, store, **BRIEF) as base,
    ):
        base.enrol(*course.people)
        total = calls_of(course, base, place, tmp_path / "counted")
        wanted = range(1, total + 1) if POINTS == "all" else spread(total, int(POINTS))
        ends = Counter(outlived(course, base, place, tmp_path / f"at{number}", number) for number in wanted)
    print(f"on PostgreSQL: {len(wanted)} of {total} points: {dict(ends)}")  # noqa: T201 - the figure that is asked for


def calls_of(course: Course, base: Ground, place: list[str], root: Path) -> int:
    """Return how many calls a run makes that is not killed."""
    place.append(f"p{len(place)}")
    ground = base.copy(root, place[-1])
    course.script(ground.sink)
    assert ground.idle(order=shim.order("c", 0, root, root / "count")) == 0, ground.said()
    return int((root / "count").read_text())


def spread(total: int, count: int) -> list[int]:
    """Return points over all of a run, other ones for each number of calls, always the same for the same."""
    dice = random.Random(total)  # noqa: S311 - a seed that repeats, not a secret
    return sorted(dice.sample(range(1, total + 1), min(count, total)))


def outlived(course: Course, base: Ground, place: list[str], root: Path, number: int) -> str:
    """Kill a run before its call ``number``, let others follow, and judge what came of it."""
    place.append(f"p{len(place)}")
    ground = base.copy(root, place[-1])
    ground.sink.once.clear()
    course.script(ground.sink)
    mode = "h" if number % 4 == 0 else "k"
    status = ground.idle(order=shim.order(mode, number, root))
    assert status in {0, 137}, ground.said()
    until(lambda: not ground.sink.open)  # the server has read whatever was said
    follow(course, ground)
    end = judged(course, ground, number)
    shutil.rmtree(root)
    return end


def follow(course: Course, ground: Ground) -> None:
    """Let a daemon run after the kill until it has nothing more to say about these touches."""
    run = ground.start()
    ended = {"sent", "in_doubt"} if course.is_proved else {"sent", *DOUBT}
    step = "two" if course.is_second else "one"

    def has_said_all() -> bool:
        states = [touch["state"] for touch in ground.touches() if touch["step"] == step]
        if "planned" in states:
            ground.hurry_what_waits()
        return len(states) == len(course.people) and ended.issuperset(states)

    until(lambda: has_said_all() or run.poll() is not None, pause=0.1)
    run.kill()


def judged(course: Course, ground: Ground, number: int) -> str:
    """Compare what the server took with what the database says; returns a word for the statistics."""
    taken = ground.taken()
    step = "two" if course.is_second else "one"
    found = [touch for touch in ground.touches() if touch["step"] == step]
    where = f"{course.name}, call {number}: {taken} {found}\n{ground.said()}"
    assert len(found) == len(course.people), where
    assert set(taken.values()) <= {1}, f"TWICE: {where}"
    assert set(taken) <= {touch["ref"] for touch in found}, where
    doubts = [touch for touch in found if touch["state"] in DOUBT]
    for touch in found:
        assert touch["state"] in DOUBT | {"sent"}, where
        assert touch["state"] in DOUBT or taken[touch["ref"]] == 1, f"LOST: {where}"
        assert not (course.is_proved and touch["state"] in DOUBT and taken[touch["ref"]]), f"NOT PROVED: {where}"
    if not doubts:
        return "sent"
    if number % 7 == 0:
        assert ground.told("status")["in_doubt"] == len(doubts), where
    return "in doubt, taken" if any(taken[touch["ref"]] for touch in doubts) else "in doubt, not taken"
