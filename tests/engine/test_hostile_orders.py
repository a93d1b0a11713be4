"""Orders of events that lose a prospect, or write to one who has answered: on a real store, without servers."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

import house
import pytest
from house import House
from sqlalchemy import Connection

from cadenced import config as configuration
from cadenced import library, ports
from cadenced.core import events
from cadenced.core.model import State, TouchState
from cadenced.core.planner import Quota
from cadenced.core.sequence import Goto, Sequence, TaskStep
from cadenced.engine import acts, answers, arrivals, desk, doubts, moves, pace, restore, settling
from cadenced.engine.desk import Claimed, Moment
from cadenced.engine.workspace import Workspace, install_key
from cadenced.errors import RefusedError
from cadenced.ports import Fetched
from cadenced.store import mailboxes, outlook, people, schema, tasks, timeline, touches
from cadenced.store.database import Database
from peers import clocks, smtp_sink

START = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
ANN = "ann@there.example"


class Home(House):
    """A house without servers, whose clock is told; ``sends`` plays the sender up to the gate."""

    @property
    def now(self) -> datetime:
        return self.workspace.now()

    def do(self, work: Any) -> Any:
        return self.workspace.database.transact(work)

    def pass_time(self, span: timedelta) -> None:
        self.workspace.clock._now += span  # type: ignore[attr-defined] # the told clock, outside of a loop

    def moment(self, tx: Connection) -> Moment:
        return Moment("julie", self.now, self.now, Quota(), mailboxes.get(tx, "julie").hold)

    def at_desk(self) -> int:
        return self.do(lambda tx: desk.clear(tx, self.workspace, self.moment(tx)))

    def claims(self) -> list[Claimed]:
        self.at_desk()
        return list(self.do(lambda tx: desk.claim_mail(tx, self.workspace, self.moment(tx), 10, ())).claimed)

    def arms(self, claimed: Claimed) -> bool:
        ids = [claimed.touch.id]
        return bool(self.do(lambda tx: touches.arm(tx, ids, self.workspace.boot_id, self.now)))

    def settle(self, claimed: Claimed, answer: ports.Answer) -> None:
        self.do(lambda tx: settling.settle(tx, self.workspace, claimed, answer))

    def sends(self) -> Claimed:
        (claimed,) = self.claims()
        assert self.arms(claimed)
        self.settle(claimed, ports.Accepted("250 ok"))
        return claimed

    def answered(self, email: str, verdict: str) -> None:
        def work(tx: Connection) -> None:
            prospect = people.by_email(tx, email)
            assert prospect is not None
            answers.take(tx, self.workspace, prospect, answers.Taken(verdict))

        self.do(work)

    def absorb(self, raw: bytes, folder: str = "INBOX", uid: int = 1) -> bool:
        arrived = arrivals.Arrived("julie", folder, Fetched(uid, raw, self.now))
        return self.do(lambda tx: arrivals.absorb(tx, self.workspace, arrived))

    def tasks(self) -> list[tasks.OpenTask]:
        return self.read(tasks.open_until)

    def ask(self, email: str = ANN, brief: str = "Shall they be written to?") -> int:
        """Hold an enrolment behind a question, as a colleague's answer does."""
        standing = self.standing(email)

        def work(tx: Connection) -> int:
            task = tasks.NewTask("colleague", brief, self.now, standing.prospect, standing.id)
            task_id = tasks.add(tx, task, self.now)
            moves.move(tx, self.workspace, standing, events.TaskOpened(self.now, "", self.now, f"task {task_id}"))
            return task_id

        return self.do(work)

    def doubt(self) -> touches.Touch:
        """Bring a touch into doubt."""
        (claimed,) = self.claims()
        assert self.arms(claimed)
        self.settle(claimed, ports.Unknown("gone"))
        self.do(lambda tx: doubts.raise_doubt(tx, self.workspace, claimed.touch, "gone"))
        found = self.read(lambda tx: touches.get(tx, claimed.touch.id))
        assert found is not None
        return found


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    os.environ.setdefault("JULIE_PASSWORD", "secret")
    config = configuration.load(house.write(tmp_path, 1, 1))
    database = Database("sqlite:///:memory:", inline=True)
    database.open()
    key = database.transact(lambda tx: install_key(tx, lambda n: b"k" * n))
    database.transact(lambda tx: mailboxes.make_known(tx, ["julie"]))
    known = library.load(library.shelves(config))
    clock = clocks.ToldClock(START)
    yield Home(Workspace(config, known, database, clock, "boot", key, lambda: 0.5), smtp_sink.Sink())
    database.close()


def without(home: Home, name: str) -> None:
    """Take a sequence away, as somebody does who deletes its file."""
    kept = {key: value for key, value in home.workspace.library.sequences.items() if key != name}
    home.workspace.library = replace(home.workspace.library, sequences=kept)


def edited(home: Home, **changes: Any) -> None:
    """Edit the sequence ``plan`` while people are in it."""
    sequences: dict[str, Sequence] = dict(home.workspace.library.sequences)
    sequences["plan"] = replace(sequences["plan"], **changes)
    home.workspace.library = replace(home.workspace.library, sequences=sequences)


def test_whoever_was_to_follow_into_a_sequence_that_is_gone_comes_to_a_human(home: Home) -> None:
    home.enrol(ANN)
    edited(home, then="nurture", steps=home.workspace.sequence("plan").steps[:1])
    home.sends()
    home.pass_time(timedelta(seconds=5))
    home.at_desk()
    assert home.standing(ANN).state is State.FINISHED
    assert "nurture" in home.tasks()[0].brief


def test_an_enrolment_whose_sequence_is_deleted_while_a_mail_is_on_the_wire_is_not_silently_finished(
    home: Home,
) -> None:
    home.enrol(ANN)
    (claimed,) = home.claims()
    assert home.arms(claimed)
    without(home, "plan")
    home.settle(claimed, ports.Accepted("250 ok"))
    home.at_desk()
    assert home.standing(ANN).state is State.AWAITING_TASK
    assert "gone" in home.tasks()[0].brief


def test_a_text_that_was_sent_under_another_name_is_not_sent_again(home: Home) -> None:
    home.enrol(ANN)
    first = home.sends()
    steps = home.workspace.sequence("plan").steps
    edited(home, steps=tuple(replace(step, id=f"new-{step.id}") for step in steps))
    home.pass_time(timedelta(seconds=5))
    assert home.claims() == []  # the step is gone: a human is asked
    home.do(lambda tx: acts.skip(tx, home.workspace, ANN))
    assert home.claims() == []
    again = [touch.step for touch in home.read(lambda tx: touches.of_prospect(tx, first.touch.prospect))]
    assert again == ["one"]


def test_resume_does_not_close_the_question_whether_a_mail_was_sent(home: Home) -> None:
    home.enrol(ANN)
    touch = home.doubt()
    with pytest.raises(RefusedError, match=f"resolve {touch.id}"):
        home.do(lambda tx: acts.resume(tx, home.workspace, ANN))
    assert [task.kind for task in home.tasks()] == ["doubt"]


def test_a_pause_that_ends_is_held_by_a_question_that_is_still_open(home: Home) -> None:
    home.enrol(ANN)
    task = home.ask()
    home.do(lambda tx: acts.pause(tx, home.workspace, ANN, home.now + timedelta(hours=1)))
    home.pass_time(timedelta(hours=2))
    assert home.claims() == []
    assert home.standing(ANN).state is State.AWAITING_TASK
    home.do(lambda tx: acts.done(tx, home.workspace, task, acts.Result("write")))
    assert len(home.claims()) == 1


def test_a_doubt_that_is_settled_is_held_by_another_question_that_is_still_open(home: Home) -> None:
    home.enrol(ANN)
    touch = home.doubt()
    home.ask()
    home.do(lambda tx: acts.resolve(tx, home.workspace, touch.id, "sent"))
    home.pass_time(timedelta(hours=2))
    assert home.claims() == []
    assert home.standing(ANN).state is State.AWAITING_TASK


def test_a_doubt_that_is_settled_as_sent_is_told_as_sent(home: Home) -> None:
    home.enrol(ANN)
    touch = home.doubt()
    home.do(lambda tx: acts.resolve(tx, home.workspace, touch.id, "sent"))
    told = home.read(lambda tx: timeline.of_prospect(tx, touch.prospect))[-2:]
    assert [(one["event"], one["step"]) for one in told] == [("sent", "one"), ("doubt_settled", "one")]
    assert told[1]["how"] == "sent"


def test_a_skip_past_a_mail_that_cannot_be_made_goes_on(home: Home) -> None:
    home.enrol(ANN)
    home.do(lambda tx: tx.execute(schema.prospects.update().values(fields={})))  # no first name
    assert home.claims() == []
    assert [task.kind for task in home.tasks()] == ["template"]
    home.do(lambda tx: acts.skip(tx, home.workspace, ANN))
    assert (home.standing(ANN).state, home.standing(ANN).step) == (State.ACTIVE, "two")
    assert home.tasks() == []


def test_an_answer_between_claim_and_arm_wins(home: Home) -> None:
    home.enrol(ANN)
    (claimed,) = home.claims()
    home.answered(ANN, "reply.question")
    assert not home.arms(claimed)
    home.settle(claimed, ports.Deferred("the gate stayed shut", "gate"))
    touch = home.read(lambda tx: touches.get(tx, claimed.touch.id))
    assert touch is not None
    assert touch.state is TouchState.CANCELLED


def test_a_suppression_of_a_variant_between_claim_and_arm_wins(home: Home) -> None:
    home.enrol("ann+news@there.example")
    (claimed,) = home.claims()
    home.do(lambda tx: people.suppress(tx, "ann+other@there.example", "opted out elsewhere", home.now))
    assert not home.arms(claimed)


def test_a_skip_while_the_mail_is_on_the_wire_neither_repeats_nor_loses_a_step(home: Home) -> None:
    home.enrol(ANN)
    (claimed,) = home.claims()
    assert home.arms(claimed)
    home.do(lambda tx: acts.skip(tx, home.workspace, ANN))
    home.settle(claimed, ports.Accepted("250 ok"))
    home.pass_time(timedelta(seconds=5))
    assert [one.touch.step for one in home.claims()] == ["two"]


def test_a_resend_after_an_answer_sends_nothing(home: Home) -> None:
    home.enrol(ANN)
    touch = home.doubt()
    home.answered(ANN, "reply.interested")
    home.do(lambda tx: acts.resolve(tx, home.workspace, touch.id, "resend"))
    home.pass_time(timedelta(days=30))
    assert home.claims() == []
    assert home.standing(ANN).state is State.HALTED


def test_an_enrolment_that_is_erased_while_its_mail_is_on_the_wire_ends_no_daemon(home: Home) -> None:
    home.enrol(ANN)
    (claimed,) = home.claims()
    home.do(lambda tx: tx.execute(schema.touches.delete()))
    home.do(lambda tx: tx.execute(schema.enrolments.delete()))
    for answer in (ports.Deferred("450", "rcpt"), ports.Unknown("gone"), ports.Refused(550, "no", "rcpt")):
        home.settle(claimed, answer)


def test_waking_someone_whose_zone_is_gone_ends_no_daemon(home: Home) -> None:
    home.enrol(ANN)
    home.do(lambda tx: acts.pause(tx, home.workspace, ANN, home.now + timedelta(hours=1)))
    window = replace(home.workspace.sequence("plan").window, always=False)
    edited(home, window=window)
    home.do(lambda tx: tx.execute(schema.enrolments.update().values(timezone="Moon/Crater")))
    home.pass_time(timedelta(hours=2))
    home.at_desk()
    assert home.standing(ANN).state is State.AWAITING_TASK
    assert "Moon/Crater" in home.tasks()[0].brief


def test_a_call_to_someone_whose_zone_is_gone_is_a_task_all_the_same(home: Home) -> None:
    home.enrol(ANN)
    call = TaskStep("call", kind="call", brief="Call.", hours=(time(9), time(10)))
    edited(home, steps=(call,))
    changed = {"timezone": "Moon/Crater", "step": "call", "lane": "desk"}
    home.do(lambda tx: tx.execute(schema.enrolments.update().values(changed)))
    home.at_desk()
    assert [task.kind for task in home.tasks()] == ["call"]


def test_a_domain_that_is_a_pattern_finds_nobody(home: Home) -> None:
    home.enrol(ANN)
    assert home.read(lambda tx: people.of_domain(tx, "%")) == []
    assert [one.email for one in home.read(lambda tx: people.of_domain(tx, "there.example"))] == [ANN]


def test_a_mail_that_was_sent_to_someone_whose_zone_is_gone_is_known_as_sent(home: Home) -> None:
    home.enrol(ANN)
    (claimed,) = home.claims()
    assert home.arms(claimed)
    edited(home, window=replace(home.workspace.sequence("plan").window, always=False))
    home.do(lambda tx: tx.execute(schema.enrolments.update().values(timezone="Moon/Crater")))
    home.settle(claimed, ports.Accepted("250 ok"))
    standing = home.standing(ANN)
    assert (standing.state, standing.done) == (State.AWAITING_TASK, ("one",))


MAIL = b"From: %s\r\nTo: julie@abc.example\r\nSubject: x\r\nMessage-ID: <%d@x>\r\n\r\nhello\r\n"


class TrapError(Exception):
    """A fault of our own that nobody foresaw."""


def test_a_mail_that_leads_to_a_fault_of_ours_holds_its_author_and_is_not_read_again(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fault(*_: object) -> None:
        raise TrapError

    home.enrol(ANN)
    monkeypatch.setattr(arrivals.verdict, "judge", fault)
    home.absorb(MAIL % (ANN.encode(), 1))
    assert home.standing(ANN).state is State.AWAITING_TASK
    assert "TrapError" in home.tasks()[0].brief
    home.absorb(MAIL % (ANN.encode(), 1))
    assert len(home.tasks()) == 1


def test_a_mail_that_cannot_be_read_and_names_only_our_touch_holds_its_prospect(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fault(*_: object) -> None:
        raise TrapError

    home.enrol(ANN)
    touch = home.sends().touch
    monkeypatch.setattr(arrivals.verdict, "judge", fault)
    home.absorb(b"From: other@else.example\r\nIn-Reply-To: " + touch.message_id.encode() + b"\r\n\r\nyes\r\n")
    assert home.standing(ANN).state is State.AWAITING_TASK


def test_a_copy_in_sent_proves_a_touch_that_a_backup_knows_as_planned(home: Home) -> None:
    home.enrol(ANN)
    (claimed,) = home.claims()
    home.settle(claimed, ports.Deferred("450 later", "rcpt"))  # as the backup has it
    home.absorb(claimed.message.raw, folder="Sent")
    home.pass_time(timedelta(hours=1))
    assert [one.touch.step for one in home.claims()] == ["two"]


def test_a_copy_in_sent_proves_a_touch_that_a_backup_knows_nothing_of(home: Home) -> None:
    begun = home.enrol(ANN)
    (claimed,) = home.claims()
    home.do(lambda tx: tx.execute(schema.touches.delete()))  # as the backup has it: never reserved
    home.absorb(claimed.message.raw, folder="Sent")
    home.pass_time(timedelta(seconds=1))
    assert home.claims() == []
    touch = home.read(lambda tx: touches.of_prospect(tx, begun.prospect))[0]
    assert (touch.step, touch.state, touch.message_id) == ("one", TouchState.SENT, claimed.touch.message_id)
    home.pass_time(timedelta(seconds=5))
    assert home.claims() == []  # until a human has looked
    assert home.do(lambda tx: restore.release(tx, home.workspace))
    home.pass_time(timedelta(minutes=2))
    assert [one.touch.step for one in home.claims()] == ["two"]


def test_an_old_mail_written_by_hand_delays_nothing(home: Home) -> None:
    home.enrol(ANN)
    home.sends()
    due_at = home.standing(ANN).due_at
    home.pass_time(timedelta(seconds=0.5))
    old = b"From: julie@abc.example\r\nTo: ann@there.example\r\nSubject: x\r\nMessage-ID: <old@x>\r\n"
    home.absorb(old + b"Date: Thu, 01 Oct 2026 09:00:00 +0000\r\n\r\nhello\r\n", folder="Sent")
    assert home.standing(ANN).due_at == due_at


def test_what_was_halted_keeps_its_distance_from_a_mail_written_by_hand(home: Home) -> None:
    home.enrol(ANN)
    home.sends()
    home.answered(ANN, "reply.question")
    assert home.standing(ANN).state is State.HALTED
    home.pass_time(timedelta(days=3))
    own = b"From: julie@abc.example\r\nTo: ann@there.example\r\nSubject: x\r\nMessage-ID: <own@x>\r\n"
    home.absorb(own + f"Date: {home.now:%a, %d %b %Y %H:%M:%S} +0000\r\n\r\nhello\r\n".encode(), folder="Sent")
    standing = home.standing(ANN)
    assert standing.state is State.HALTED
    assert standing.anchor == home.now.replace(microsecond=0)


def test_a_touch_in_doubt_counts_for_the_daily_limit_and_for_the_gap(home: Home) -> None:
    home.enrol(ANN)
    box = replace(home.workspace.config.mailboxes[0], daily_limit=1, min_gap=timedelta(seconds=90))
    home.doubt()
    assert home.read(lambda tx: pace.left_today(tx, box, home.now, "UTC")) == 0
    box = replace(box, daily_limit=0)
    assert home.read(lambda tx: pace.quota(tx, box, home.now, "UTC")).until == home.now + timedelta(seconds=90)


def test_a_send_that_a_wrong_clock_dated_ahead_does_not_hold_the_mailbox_for_ever(home: Home) -> None:
    home.enrol(ANN)
    home.pass_time(timedelta(days=400))
    home.sends()
    home.pass_time(-timedelta(days=400))
    box = replace(home.workspace.config.mailboxes[0], min_gap=timedelta(seconds=90))
    assert home.read(lambda tx: pace.quota(tx, box, home.now, "UTC")).until is None


def test_after_a_long_downtime_what_is_overdue_keeps_the_gap_and_the_window(home: Home) -> None:
    names = [f"p{n}@there.example" for n in range(4)]
    for name in names:
        home.enrol(name)
    home.pass_time(timedelta(days=5, hours=14))  # Saturday, 23:00
    config = home.workspace.config
    box = replace(config.mailboxes[0], min_gap=timedelta(seconds=90))
    office = replace(home.workspace.sequence("plan").window, always=False)
    edited(home, window=office)
    assert home.claims() == []
    monday = home.standing(names[0]).due_at
    assert monday is not None
    assert monday.astimezone(UTC).isoformat().startswith("2026-11-30T07:30")  # Monday, 8:30 in Paris
    home.pass_time(monday - home.now)
    sent_at = []
    for _ in range(600):
        quota = home.read(lambda tx: pace.quota(tx, box, home.now, "Europe/Paris"))
        moment = replace(home.read(home.moment), quota=quota)
        slots = 0 if quota.until else 1
        batch = home.do(lambda tx, m=moment, s=slots: desk.claim_mail(tx, home.workspace, m, s, ()))
        for claimed in batch.claimed:
            assert home.arms(claimed)
            home.settle(claimed, ports.Accepted("250 ok"))
            sent_at.append(home.now)
        home.pass_time(timedelta(seconds=1))
    gaps = [after - before for before, after in itertools.pairwise(sent_at)]
    assert len(sent_at) >= 4
    assert min(gaps) >= timedelta(seconds=90)


def test_enrolments_whose_mailbox_is_gone_are_counted_by_its_name(home: Home) -> None:
    home.enrol(ANN)
    assert home.read(lambda tx: outlook.elsewhere(tx, ["julie"])) == {}
    assert home.read(lambda tx: outlook.elsewhere(tx, ["paul"])) == {"julie": 1}


def test_an_answer_with_goto_is_not_held_by_the_task_of_the_step_it_leaves(home: Home) -> None:
    home.enrol(ANN)
    edited(home, on={"reply": Goto("three")})
    standing = home.standing(ANN)
    step = standing.step

    def call(tx: Connection) -> None:
        task = tasks.NewTask("call", "Call.", home.now, standing.prospect, standing.id, step=step)
        tasks.add(tx, task, home.now)
        moves.move(tx, home.workspace, standing, events.TaskOpened(home.now, step, home.now, "task"))

    home.do(call)
    home.answered(ANN, "reply.question")
    assert (home.standing(ANN).state, home.standing(ANN).step) == (State.ACTIVE, "three")
