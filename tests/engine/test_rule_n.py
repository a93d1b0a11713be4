"""When the absence of a copy counts as proof (rule N), and when it does not: a real store, a told clock."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import house
import pytest
from test_hostile_orders import ANN, START, Home

from cadenced import config as configuration
from cadenced import library, ports
from cadenced.core.model import State, TouchState
from cadenced.engine import acts, doubts, evidence
from cadenced.engine.resolver import Resolver
from cadenced.engine.workspace import Workspace, install_key
from cadenced.errors import RefusedError, WireError
from cadenced.store import copies, mailboxes, schema, tasks, timeline, touches
from cadenced.store.database import Database
from cadenced.store.touches import Touch
from peers import clocks, smtp_sink

SENDS = 3
QUIET, LAG = timedelta(minutes=15), timedelta(minutes=10)


class Folders:
    """Where copies lie; ``down`` makes every question fail."""

    def __init__(self) -> None:
        self.lying: dict[int, str] = {}
        self.asked: list[tuple[int, ...]] = []
        self.down = False

    async def find_copies(self, wanted: Iterable[Touch]) -> Mapping[int, str]:
        self.asked.append(tuple(one.id for one in wanted))
        if self.down:
            raise WireError("nobody answers")
        return {one.id: self.lying[one.id] for one in wanted if one.id in self.lying}


class Doubting(Home):
    """A house in which a touch hangs in doubt, and the resolver that looks into it."""

    folders: Folders
    resolver: Resolver

    def sends_with_copy(self, email: str, after: timedelta | None = timedelta(seconds=1)) -> Touch:
        self.enrol(email)
        touch = self.sends().touch
        self.pass_time(timedelta(seconds=2))
        if after is not None:
            self.folders.lying[touch.id] = "Sent"
            self.do(lambda tx: copies.note(tx, _fresh(tx, touch), "", self.now + after, None))
        return touch

    def hangs(self, email: str = ANN) -> Touch:
        self.enrol(email)
        (claimed,) = self.claims()
        assert self.arms(claimed)
        self.settle(claimed, ports.Unknown("gone"))
        return claimed.touch

    def passes(self, span: timedelta, *, wall_only: bool = False) -> None:
        self.pass_time(span)
        if not wall_only:
            self.workspace.clock._monotonic += span.total_seconds()  # type: ignore[attr-defined] # the told clock

    def looks(self) -> timedelta:
        return asyncio.run(self.resolver.tick())

    def state(self, touch: Touch) -> TouchState:
        found = self.read(lambda tx: touches.get(tx, touch.id))
        return TouchState(found.state)

    def evidence(self, touch: Touch) -> str:
        return str(self.read(lambda tx: touches.get(tx, touch.id)).evidence)


def _fresh(tx: Any, touch: Touch) -> Touch:
    found = touches.get(tx, touch.id)
    assert found is not None
    return found


def _open(root: Path, copies_are: str, database: Database) -> Doubting:
    os.environ.setdefault("JULIE_PASSWORD", "secret")
    path = house.write(root, 1, 1, f'sent_copy = "{copies_are}"')
    safety = f'quiet = "15 min"\nsent_lag = "10 min"\ncalibration = {SENDS}'
    path.write_text(path.read_text().replace('quiet = "1 s"', safety))
    plan = root / "sequences" / "plan.yaml"
    plan.write_text(plan.read_text().replace("after: 1 s", "after: 40 days"))
    config = configuration.load(path)
    database.open()
    key = database.transact(lambda tx: install_key(tx, lambda n: b"k" * n))
    database.transact(lambda tx: mailboxes.make_known(tx, ["julie"]))
    known = library.load(library.shelves(config))
    space = Workspace(config, known, database, clocks.ToldClock(START), "boot", key, lambda: 0.5)
    home = Doubting(space, smtp_sink.Sink())
    home.folders = Folders()
    home.resolver = Resolver(space, {"julie": home.folders})
    return home


@pytest.fixture
def copies_are() -> str:
    return "server"


@pytest.fixture
def home(tmp_path: Path, copies_are: str) -> Iterator[Doubting]:
    home = _open(tmp_path, copies_are, Database("sqlite:///:memory:", inline=True))
    yield home
    home.workspace.database.close()


def calibrated(home: Doubting, sends: int = SENDS, lag: timedelta = timedelta(seconds=1)) -> list[Touch]:
    return [home.sends_with_copy(f"p{n}@there.example", lag) for n in range(sends)]


@pytest.mark.parametrize("copies_are", ["server", "self"])
def test_what_two_searches_far_apart_do_not_find_leaves_again_with_the_same_bytes(home: Doubting) -> None:
    calibrated(home)
    touch = home.hangs()
    home.passes(QUIET)
    assert home.looks() <= LAG
    assert home.state(touch) is TouchState.UNKNOWN
    home.passes(LAG)
    home.looks()
    assert home.state(touch) is TouchState.PLANNED
    told = home.evidence(touch)
    assert told.startswith("proved to be absent: two searches of every folder, 600 s apart")
    assert "3 mails sent before it, in Sent" in told
    events = home.read(lambda tx: timeline.of_prospect(tx, touch.prospect))
    assert [one["how"] for one in events if one["event"] == "doubt_settled"] == ["not sent"]
    (again,) = [one for one in home.claims() if one.touch.id == touch.id]
    assert (again.message.raw, again.message.message_id) == (touch.raw, touch.message_id)


def test_every_search_finds_what_is_known_to_be_sent_before_it_looks_for_the_touch(home: Doubting) -> None:
    known = calibrated(home)
    touch = home.hangs()
    for span in (QUIET, LAG):
        home.passes(span)
        home.looks()
    newest_first = tuple(one.id for one in reversed(known))
    assert home.folders.asked == [newest_first, (touch.id,)] * 2


def test_one_search_is_not_enough_however_late(home: Doubting) -> None:
    calibrated(home)
    touch = home.hangs()
    home.passes(timedelta(days=1))
    home.looks()
    assert home.state(touch) is TouchState.UNKNOWN
    home.passes(LAG - timedelta(seconds=1))
    home.looks()
    assert home.state(touch) is TouchState.UNKNOWN


def test_a_wall_clock_that_jumps_brings_nothing_forward(home: Doubting) -> None:
    calibrated(home)
    touch = home.hangs()
    home.passes(QUIET)
    home.looks()
    home.passes(timedelta(days=2), wall_only=True)
    home.looks()
    assert home.state(touch) is TouchState.UNKNOWN


def test_while_the_clock_is_not_trusted_nothing_is_judged(home: Doubting) -> None:
    touch = home.hangs()
    home.workspace.unsteady = lambda: "it jumps"
    home.passes(timedelta(days=2))
    home.looks()
    assert home.state(touch) is TouchState.UNKNOWN
    assert home.folders.asked == []


def test_a_copy_that_comes_between_the_searches_proves_that_it_was_sent(home: Doubting) -> None:
    calibrated(home)
    touch = home.hangs()
    home.passes(QUIET)
    home.looks()
    home.folders.lying[touch.id] = "Archive"
    home.passes(LAG)
    home.looks()
    assert home.state(touch) is TouchState.SENT
    assert "a copy lies in the folder Archive" in home.evidence(touch)


def test_slow_copies_are_waited_for_ten_times_as_long(home: Doubting) -> None:
    calibrated(home, lag=timedelta(minutes=5) - timedelta(seconds=2))
    touch = home.hangs()
    home.passes(QUIET + timedelta(minutes=30))
    home.looks()
    home.passes(timedelta(minutes=49))
    home.looks()
    assert home.state(touch) is TouchState.UNKNOWN
    home.passes(timedelta(minutes=2))
    home.looks()
    assert home.state(touch) is TouchState.PLANNED


def _asked(home: Doubting, touch: Touch) -> str:
    """Return why a human is asked."""
    assert home.state(touch) is TouchState.IN_DOUBT
    (task,) = [one for one in home.read(tasks.open_until) if one.kind == "doubt"]
    assert home.standing(ANN).state is State.AWAITING_TASK
    return str(task.brief)


def test_too_few_sends_to_compare_with_leave_it_to_a_human(home: Doubting) -> None:
    calibrated(home, SENDS - 1)
    touch = home.hangs()
    home.passes(QUIET)
    home.looks()
    assert "only 2 of 3 mails are known" in _asked(home, touch)


def test_one_send_without_a_copy_and_absence_proves_nothing(home: Doubting) -> None:
    home.sends_with_copy("lost@there.example", None)
    calibrated(home)
    touch = home.hangs()
    home.passes(QUIET)
    home.looks()
    assert "1 of 4 mails that were surely sent cannot be found either" in _asked(home, touch)


def test_a_copy_that_was_not_read_yet_is_looked_for_like_the_others(home: Doubting) -> None:
    unread = home.sends_with_copy("unread@there.example", None)
    home.folders.lying[unread.id] = "Sent"
    calibrated(home)
    touch = home.hangs()
    for span in (QUIET, LAG):
        home.passes(span)
        home.looks()
    assert home.state(touch) is TouchState.PLANNED


def test_where_many_have_no_copy_none_is_looked_for(home: Doubting) -> None:
    for n in range(SENDS + 1):
        home.sends_with_copy(f"lost{n}@there.example", None)
    touch = home.hangs()
    home.passes(QUIET)
    home.looks()
    assert "of the last 4 mails 4 have no copy" in _asked(home, touch)
    assert home.folders.asked[0] == ()


def test_where_earlier_mail_is_not_found_either_absence_proves_nothing(home: Doubting) -> None:
    del home.folders.lying[calibrated(home)[0].id]  # somebody has tidied up
    touch = home.hangs()
    home.passes(QUIET)
    home.looks()
    assert "1 of 3 mails that were surely sent cannot be found either" in _asked(home, touch)


@pytest.mark.parametrize("copies_are", ["append", "none", "auto"])
def test_where_no_server_files_copies_nothing_is_ever_sent_again_by_itself(home: Doubting) -> None:
    calibrated(home)
    touch = home.hangs()
    home.passes(QUIET)
    home.looks()
    assert "no server files a copy" in _asked(home, touch)


@pytest.mark.parametrize("copies_are", ["auto"])
def test_auto_is_what_a_probe_of_these_very_servers_has_found_out(home: Doubting) -> None:
    box = home.workspace.mailbox("julie")
    for servers, wanted in (("elsewhere", "auto"), ("127.0.0.1:1 julie@127.0.0.1:1", "server")):
        home.do(lambda tx, s=servers: copies.note_probe(tx, copies.Probe("julie", home.now, "server", {"servers": s})))
        home.looks()
        assert home.workspace.sent_copy(box) == wanted


def test_an_answer_that_refers_to_it_proves_that_it_was_sent(home: Doubting) -> None:
    calibrated(home)
    touch = home.hangs()
    row = {"mailbox": "julie", "digest": "d", "folder": "INBOX", "uid": 1, "seen_at": home.now, "verdict": "unrelated"}
    home.do(
        lambda tx: tx.execute(
            schema.inbound.insert().values(prospect_id=touch.prospect, touch_id=touch.id, evidence=[], **row)
        )
    )
    home.passes(QUIET)
    home.looks()
    assert home.state(touch) is TouchState.SENT


def test_who_was_stopped_meanwhile_gets_nothing_again(home: Doubting) -> None:
    calibrated(home)
    touch = home.hangs()
    home.passes(QUIET)
    home.looks()
    home.do(lambda tx: acts.halt(tx, home.workspace, ANN))
    home.passes(LAG)
    home.looks()
    assert home.state(touch) is TouchState.CANCELLED


def test_it_is_planned_again_once_then_a_human_is_asked(home: Doubting) -> None:
    calibrated(home)
    touch = home.hangs()
    for span in (QUIET, LAG):
        home.passes(span)
        home.looks()
    home.passes(timedelta(minutes=2))
    (again,) = [one for one in home.claims() if one.touch.id == touch.id]
    assert home.arms(again)
    home.settle(again, ports.Unknown("gone again"))
    home.passes(QUIET)
    home.looks()
    assert "sent a second time for that already" in _asked(home, touch)


def test_a_mailbox_that_cannot_be_searched_is_waited_for_and_then_a_human_is_asked(home: Doubting) -> None:
    calibrated(home)
    touch = home.hangs()
    home.folders.down = True
    home.passes(QUIET)
    assert home.looks() <= timedelta(seconds=30)
    assert home.state(touch) is TouchState.UNKNOWN
    home.passes(LAG)
    home.looks()
    assert "cannot be searched: nobody answers" in _asked(home, touch)


@pytest.mark.parametrize("copies_are", ["self"])
def test_a_copy_that_was_refused_is_not_missed_when_it_is_not_there(home: Doubting) -> None:
    calibrated(home)
    home.enrol(ANN)
    (claimed,) = home.claims()
    home.do(lambda tx: copies.note_without(tx, claimed.touch.id))
    assert home.arms(claimed)
    home.settle(claimed, ports.Unknown("gone"))
    home.passes(QUIET)
    home.looks()
    assert "the server refused the copy to ourselves" in _asked(home, claimed.touch)


def test_before_it_is_quiet_nothing_is_looked_for(home: Doubting) -> None:
    calibrated(home)
    home.hangs()
    home.passes(QUIET - timedelta(seconds=1))
    assert home.looks() == timedelta(seconds=1)
    assert home.folders.asked == []


@pytest.mark.parametrize("said", ["sent", "resend", "skip"])
def test_what_a_human_has_settled_meanwhile_stands(home: Doubting, said: str) -> None:
    calibrated(home)
    touch = home.hangs()
    home.passes(QUIET)
    home.looks()
    judged = home.read(lambda tx: touches.get(tx, touch.id))
    home.do(lambda tx: acts.resolve(tx, home.workspace, touch.id, said))
    home.passes(LAG)
    for judgement in (evidence.NotSent("absent"), evidence.Unproven("unclear")):
        asyncio.run(home.resolver._settle(judged, judgement))
    wanted = {"sent": TouchState.SENT, "resend": TouchState.PLANNED, "skip": TouchState.SKIPPED}
    assert home.state(touch) is wanted[said]
    assert home.evidence(touch).startswith("a human says")


def test_a_copy_found_too_late_does_not_touch_what_is_on_the_wire_again(home: Doubting) -> None:
    calibrated(home)
    touch = home.hangs()
    judged = home.read(lambda tx: touches.get(tx, touch.id))
    home.do(lambda tx: acts.resolve(tx, home.workspace, touch.id, "resend"))
    home.passes(timedelta(minutes=2))
    (again,) = [one for one in home.claims() if one.touch.id == touch.id]
    assert home.arms(again)
    for judgement in (evidence.Sent("a copy"), evidence.NotSent("absent"), evidence.Unproven("unclear")):
        asyncio.run(home.resolver._settle(judged, judgement))
    assert home.state(touch) is TouchState.ARMED


RACES = int(os.environ.get("CADENCED_RESOLVE_RACES", "100"))


def test_of_a_human_and_the_resolver_exactly_one_wins(tmp_path: Path) -> None:
    home = _open(tmp_path, "server", Database(f"sqlite:///{tmp_path}/races.db", inline=True))
    won: dict[str, int] = {"human": 0, "resolver": 0}
    touch = home.hangs()
    begun = home.read(lambda tx: tx.execute(schema.enrolments.select()).one())
    for _ in range(RACES):
        judged = home.read(lambda tx: touches.get(tx, touch.id))
        winners = _race(home, judged)
        assert len(winners) == 1
        won[winners[0]] += 1
        wanted = TouchState.SKIPPED if winners[0] == "human" else TouchState.PLANNED
        assert home.state(touch) is wanted
        home.do(lambda tx: tx.execute(schema.touches.update().values(state="unknown", evidence="")))
        home.do(lambda tx: tx.execute(schema.enrolments.update().values(**begun._mapping)))
    home.workspace.database.close()
    assert sum(won.values()) == RACES


def _race(home: Doubting, judged: Touch) -> list[str]:
    winners: list[str] = []
    gun = threading.Barrier(2)

    def human() -> None:
        gun.wait()
        try:
            home.do(lambda tx: acts.resolve(tx, home.workspace, judged.id, "skip"))
            winners.append("human")
        except RefusedError:
            return

    def resolver() -> None:
        gun.wait()
        if home.do(lambda tx: doubts.plan_again(tx, home.workspace, judged, "absent")):
            winners.append("resolver")

    threads = [threading.Thread(target=run) for run in (human, resolver)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return winners
