"""An import taken back: what came by it goes, what was sent, answered or worked on stays and is named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from cadenced.errors import RefusedError
from cadenced.store.import_turns import LEAST, Turns
from cadenced.store.import_undo import Undone, undo
from cadenced.store.schema import enrolments, events, imports, inbound, prospects, tasks, touches
from intake.folder import NOW, Store, bring


def taken_back(store: Store, import_id: int) -> Undone:
    return undo(store.database, import_id, NOW)


def touch(store: Store, email: str, state: str, **more: Any) -> None:
    life = store.all(
        select(enrolments).join(prospects, prospects.c.id == enrolments.c.prospect_id).where(prospects.c.email == email)
    )[0]
    row = {
        "prospect_id": life.prospect_id, "enrolment_id": life.id, "sequence": life.sequence, "step": "recap",
        "generation": 1, "mailbox": "julie", "recipient": email, "state": state, "message_id": email, "ref": email[:40],
        "root_id": email, "planned_at": NOW, **more,
    }  # fmt: skip
    store.run(insert(touches).values(row))


def test_what_came_by_an_import_goes_with_it(store: Store, tmp_path: Path) -> None:
    result = bring(store, tmp_path, "email\na@abc.example\nb@abc.example\n")
    done = taken_back(store, result.id)
    assert (done.enrolments, done.prospects, done.stays) == (2, 2, {})
    assert [store.count(table) for table in (prospects, enrolments, events)] == [0, 0, 0]
    assert [row.state for row in store.all(select(imports))] == ["undone"]


@pytest.mark.parametrize("state", ["claimed", "armed", "sent", "rejected", "unknown", "in_doubt"])
def test_who_was_written_to_stays(store: Store, tmp_path: Path, state: str) -> None:
    result = bring(store, tmp_path, "email\na@abc.example\nb@abc.example\n")
    touch(store, "a@abc.example", state)
    done = taken_back(store, result.id)
    assert (done.enrolments, done.prospects) == (1, 1)
    assert done.stays == {"something was sent, or is on its way": 1}
    assert done.examples[0][0] == "a@abc.example"
    assert store.emails() == ["a@abc.example"]
    assert store.count(enrolments) == 1


def test_what_was_only_planned_goes(store: Store, tmp_path: Path) -> None:
    result = bring(store, tmp_path, "email\na@abc.example\n")
    touch(store, "a@abc.example", "planned")
    assert taken_back(store, result.id).prospects == 1
    assert store.count(touches) == 0


def test_what_was_tried_before_stays(store: Store, tmp_path: Path) -> None:
    result = bring(store, tmp_path, "email\na@abc.example\n")
    touch(store, "a@abc.example", "planned", attempts=1)
    assert taken_back(store, result.id).prospects == 0


def test_who_has_answered_stays(store: Store, tmp_path: Path) -> None:
    result = bring(store, tmp_path, "email\na@abc.example\n")
    who = store.prospect("a@abc.example").id
    row = {"mailbox": "julie", "digest": "x", "folder": "INBOX", "uid": 1, "seen_at": NOW, "verdict": "reply.question"}
    store.run(insert(inbound).values(prospect_id=who, evidence=[], **row))
    assert taken_back(store, result.id).stays == {"mail came from them": 1}


def test_an_open_task_goes_and_a_done_one_stays(store: Store, tmp_path: Path) -> None:
    result = bring(store, tmp_path, "email\na@abc.example\nb@abc.example\n")
    lives = store.all(select(enrolments).order_by(enrolments.c.id))
    for life, done_at in zip(lives, (None, NOW), strict=True):
        row = {"kind": "call", "facts": {}, "opened_at": NOW, "due_at": NOW, "done_at": done_at}
        store.run(insert(tasks).values(prospect_id=life.prospect_id, enrolment_id=life.id, **row))
    done = taken_back(store, result.id)
    assert (done.enrolments, done.stays) == (1, {"a task was done": 1})
    assert store.emails() == ["b@abc.example"]
    assert store.count(tasks) == 1


def test_a_person_with_a_note_stays_without_the_enrolment(store: Store, tmp_path: Path) -> None:
    result = bring(store, tmp_path, "email\na@abc.example\n")
    who = store.prospect("a@abc.example").id
    store.run(insert(events).values(at=NOW, prospect_id=who, event="noted", data={}))
    done = taken_back(store, result.id)
    assert (done.enrolments, done.prospects) == (1, 0)
    assert store.timeline("a@abc.example") == ["imported", "enrolled", "noted", "unenrolled"]


def test_a_person_of_an_earlier_import_stays(store: Store, tmp_path: Path) -> None:
    bring(store, tmp_path, "email\na@abc.example\n")
    store.run(update(enrolments).values(state="halted", due_at=None))
    second = bring(store, tmp_path, "email\na@abc.example\nb@abc.example\n", "nurture")
    done = taken_back(store, second.id)
    assert (done.enrolments, done.prospects) == (2, 1)
    assert store.emails() == ["a@abc.example"]


def test_a_person_that_a_later_import_holds_on_to_stays(store: Store, tmp_path: Path) -> None:
    first = bring(store, tmp_path, "email\na@abc.example\n")
    store.run(update(enrolments).values(state="halted", due_at=None))
    bring(store, tmp_path, "email\na@abc.example\n", "nurture")
    done = taken_back(store, first.id)
    assert (done.enrolments, done.prospects, done.stays) == (0, 0, {"it is over already": 1})


def test_the_same_file_comes_in_again_after_an_undo(store: Store, tmp_path: Path) -> None:
    content = "email\na@abc.example\n"
    first = bring(store, tmp_path, content)
    taken_back(store, first.id)
    again = bring(store, tmp_path, content)
    assert (again.id, again.counts["enrolled"]) == (first.id, 1)


def test_what_is_not_there_cannot_be_taken_back(store: Store, tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match="no import 99"):
        taken_back(store, 99)
    result = bring(store, tmp_path, "email\na@abc.example\n")
    taken_back(store, result.id)
    with pytest.raises(RefusedError, match="taken back already"):
        taken_back(store, result.id)


def test_an_undo_gives_way_as_an_import_does(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    result = bring(store, tmp_path, "email\n" + "".join(f"p{n}@abc.example\n" for n in range(3 * LEAST)))
    slices: list[float] = []
    monkeypatch.setattr(Turns, "took", lambda _, span: slices.append(span))
    assert taken_back(store, result.id).prospects == 3 * LEAST
    assert len(slices) == 6
