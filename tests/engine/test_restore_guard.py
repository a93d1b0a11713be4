"""The restore guard: what gives an older database away, what is held, and how a human goes on."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from test_hostile_orders import ANN, START, Home
from test_rule_n import Doubting, _open

from cadenced.core.model import TouchState
from cadenced.engine import restore
from cadenced.engine.restore import Guard
from cadenced.store import inbox, instance, mailboxes, schema, tasks, touches
from cadenced.store.database import Database
from cadenced.store.inbox import Position
from cadenced.store.instance import Mark


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    opened = _open(tmp_path, "server", Database("sqlite:///:memory:", inline=True))
    yield opened
    opened.workspace.database.close()


def starts(home: Home, found: Mark | None) -> Mark:
    return home.do(lambda tx: restore.begin(tx, home.workspace, found))


def hold(home: Home) -> str:
    return home.read(lambda tx: mailboxes.get(tx, "julie")).hold


def waiting(home: Home) -> Any:
    return home.read(instance.restored)


def test_start_after_start_the_file_and_the_database_count_alike(home: Home) -> None:
    mark = starts(home, None)
    for count in (2, 3):
        mark = starts(home, mark)
        assert mark.boot_counter == count
    assert (hold(home), waiting(home)) == ("", None)


def test_a_file_that_knows_of_more_starts_holds_every_mailbox(home: Home) -> None:
    later = replace(starts(home, None), boot_counter=9)
    starts(home, later)
    assert hold(home).startswith("an older database was put back: instance.json knows of 9 starts, the database of 1")
    (task,) = [one for one in home.read(tasks.open_until) if one.kind == "restored"]
    assert "Look, then: cadenced release --restored" in task.brief
    home.enrol(ANN)
    assert home.claims() == []


def test_a_file_that_knows_of_more_mails_holds_though_the_starts_agree(home: Home) -> None:
    mark = starts(home, None)
    starts(home, replace(mark, last_send_seq=50))
    assert "50 mails, the database of 0" in hold(home)


def test_a_file_of_another_database_holds(home: Home) -> None:
    starts(home, replace(starts(home, None), install_id="another"))
    assert "belongs to another database" in hold(home)


def test_what_was_held_once_is_counted_on_from_there_and_stays_held_until_released(home: Home) -> None:
    mark = starts(home, replace(starts(home, None), boot_counter=9, last_send_seq=70))
    assert (mark.boot_counter, mark.last_send_seq) == (10, 70)
    starts(home, mark)
    assert waiting(home)
    home.do(lambda tx: restore.release(tx, home.workspace))
    starts(home, replace(mark, boot_counter=11))
    assert (hold(home), waiting(home)) == ("", None)
    assert not [one for one in home.read(tasks.open_until) if one.kind == "restored"]


def test_a_hold_from_before_stands_again_after_the_release(home: Home) -> None:
    home.do(lambda tx: mailboxes.hold(tx, "julie", "refused by policy", home.now))
    starts(home, replace(starts(home, None), boot_counter=9))
    assert hold(home).startswith("an older database")
    home.do(lambda tx: restore.release(tx, home.workspace, "julie"))
    assert hold(home) == "refused by policy"


def test_every_folder_is_read_again_from_months_back(home: Home) -> None:
    home.do(lambda tx: inbox.place(tx, "julie", Position("INBOX", 7, 4711)))
    starts(home, replace(starts(home, None), boot_counter=9))
    assert home.read(lambda tx: inbox.places(tx, "julie"))["INBOX"] == Position("INBOX", 0, 0)


def test_a_mailbox_never_read_before_is_read_from_months_back_too(home: Home) -> None:
    starts(home, replace(starts(home, None), boot_counter=9))
    assert home.read(lambda tx: inbox.places(tx, "julie"))  # else it would begin at the end


def test_a_copy_of_ours_that_stands_in_no_row_holds_and_is_written_down_as_sent_at_its_time(home: Home) -> None:
    begun = home.enrol(ANN)
    claimed = home.sends()
    sent_at = home.now
    home.do(lambda tx: tx.execute(schema.touches.delete()))
    home.do(lambda tx: tx.execute(schema.enrolments.update().values(step="one", done=[], due_at=sent_at)))
    home.pass_time(timedelta(days=3))
    home.absorb(claimed.message.raw, folder="Sent")
    assert waiting(home).found == 1
    (touch,) = home.read(lambda tx: touches.of_prospect(tx, begun.prospect))
    assert (touch.state, touch.message_id, touch.ref) == (TouchState.SENT, claimed.touch.message_id, claimed.touch.ref)
    assert touch.sent_at == sent_at
    standing = home.standing(ANN)
    assert (standing.step, standing.anchor) == ("two", sent_at)
    home.absorb(claimed.message.raw, folder="Archive", uid=2)
    assert waiting(home).found == 1


def test_a_copy_tells_by_where_it_was_filed_when_its_mail_left_and_not_by_when_it_was_written(home: Home) -> None:
    begun = home.enrol(ANN)
    claimed = home.sends()
    written_at = home.now
    home.do(lambda tx: tx.execute(schema.touches.delete()))
    home.do(lambda tx: tx.execute(schema.enrolments.update().values(step="one", done=[], due_at=written_at)))
    home.pass_time(timedelta(hours=2))
    left_at = home.now
    home.absorb(claimed.message.raw, folder="Sent")
    (touch,) = home.read(lambda tx: touches.of_prospect(tx, begun.prospect))
    assert touch.sent_at == left_at
    assert home.standing(ANN).anchor == left_at


def test_a_copy_of_somebody_not_imported_yet_keeps_the_mail_from_leaving_later(home: Home) -> None:
    home.enrol(ANN)
    (claimed,) = home.claims()
    for table in (schema.touches, schema.events, schema.enrolments, schema.prospects):
        home.do(lambda tx, table=table: tx.execute(table.delete()))
    home.absorb(claimed.message.raw, folder="Sent")
    home.do(lambda tx: restore.release(tx, home.workspace))
    home.enrol(ANN)
    assert home.claims() == []
    assert home.standing(ANN).step == "two"


def test_mail_of_another_installation_in_the_same_mailbox_holds_nobody(home: Home) -> None:
    home.enrol(ANN)
    (claimed,) = home.claims()
    home.do(lambda tx: tx.execute(schema.touches.delete()))
    home.workspace.install_key = b"j" * 32
    home.absorb(claimed.message.raw, folder="Sent")
    assert (hold(home), waiting(home)) == ("", None)


def test_a_clone_that_sends_from_the_same_mailbox_stops_the_other(home: Home, tmp_path: Path) -> None:
    (tmp_path / "clone").mkdir()
    clone = _open(tmp_path / "clone", "server", Database("sqlite:///:memory:", inline=True))
    home.enrol(ANN)
    clone.enrol(ANN)
    assert home.workspace.install_key == clone.workspace.install_key
    home.absorb(clone.sends().message.raw, folder="Sent")
    assert "a copy in Sent shows a mail that the database knows nothing of" in hold(home)
    assert home.claims() == []
    clone.workspace.database.close()


def test_the_file_follows_the_sends_and_never_runs_ahead_of_the_database(home: Doubting, tmp_path: Path) -> None:
    path = tmp_path / "instance.json"
    guard = Guard(home.workspace, path)
    asyncio.run(guard.begin())
    written = []
    for sends in (1, 49, 50, 51, 100):
        home.workspace.sends = sends
        asyncio.run(guard.tick())
        mark = instance.read(path)
        assert mark is not None
        assert mark.last_send_seq == home.read(instance.counted)[1]
        written.append(mark.last_send_seq)
    assert written == [0, 0, 50, 50, 100]
    asyncio.run(guard.close(1.0))
    assert json.loads(path.read_text())["last_send_seq"] == 100


def test_a_database_replaced_while_the_daemon_runs_is_noticed(home: Doubting, tmp_path: Path) -> None:
    guard = Guard(home.workspace, tmp_path / "instance.json")
    asyncio.run(guard.begin())
    home.workspace.sends = 60
    asyncio.run(guard.tick())
    home.do(lambda tx: instance.count(tx, 1, 10))
    home.workspace.sends = 120
    asyncio.run(guard.tick())
    assert "60 mails were counted a moment ago, and the database knows of 10" in hold(home)


@pytest.mark.parametrize("content", ["", "{}", "[1]", '{"install_id": 1}', "\x00\x00"])
def test_a_file_that_makes_no_sense_is_no_file(tmp_path: Path, content: str) -> None:
    (tmp_path / "instance.json").write_text(content)
    assert instance.read(tmp_path / "instance.json") is None


def test_each_database_of_a_folder_has_its_own_file(tmp_path: Path) -> None:
    state = tmp_path / "state"
    assert instance.place(f"sqlite:///{tmp_path}/cadenced.db", state) == tmp_path / "instance.json"
    assert instance.place(f"sqlite:///{tmp_path}/other.db", state) == tmp_path / "instance.other.db.json"
    assert instance.place("postgresql://julie@db/cadenced", state) == state / "instance.json"
    assert instance.place("postgresql://julie@db/sales", state) == state / "instance.sales.json"


@pytest.mark.parametrize("came_to_the_file", [False, True])
def test_only_a_file_that_there_was_can_be_missing(tmp_path: Path, came_to_the_file: bool) -> None:
    """A first start may be killed between its commit and its file: nothing was sent then, and nothing is held."""
    without = _open(tmp_path, "none", Database("sqlite:///:memory:", inline=True))
    path = tmp_path / "instance.json"
    if came_to_the_file:
        asyncio.run(Guard(without.workspace, path).begin())
        path.unlink()
    else:
        starts(without, None)
    asyncio.run(Guard(without.workspace, path).begin())
    assert bool(hold(without)) is came_to_the_file
    without.workspace.database.close()


def test_a_database_that_notes_nothing_of_its_file_misses_it(tmp_path: Path) -> None:
    """A backup may be older than this note, and than the first mail that was sent after it."""
    without = _open(tmp_path, "none", Database("sqlite:///:memory:", inline=True))
    without.do(lambda tx: instance.count(tx, 1, 0))
    starts(without, None)
    assert "instance.json is missing" in hold(without)
    without.workspace.database.close()


def test_a_database_that_has_sent_misses_its_file_whatever_it_notes(tmp_path: Path) -> None:
    without = _open(tmp_path, "none", Database("sqlite:///:memory:", inline=True))
    starts(without, None)
    without.enrol(ANN)
    without.sends()
    starts(without, None)
    assert "instance.json is missing" in hold(without)
    without.workspace.database.close()


def test_a_second_worker_without_a_file_of_its_own_holds_nobody(home: Home) -> None:
    first = starts(home, None)
    starts(home, None)
    third = starts(home, first)
    assert (third.boot_counter, hold(home)) == (3, "")


def test_a_long_absence_is_noted_and_a_late_follow_up_asked_about(home: Home) -> None:
    mark = starts(home, None)
    home.enrol(ANN)
    home.sends()
    home.pass_time(timedelta(days=60))
    starts(home, replace(mark, wall=home.now.isoformat()))
    assert home.read(restore.away) is None
    starts(home, mark)
    home.workspace.away = home.read(restore.away)
    assert home.workspace.away is not None
    assert home.workspace.away.since == START
    assert home.claims() == []
    (task,) = home.read(tasks.open_until)
    assert task.brief.startswith("Does the mail of step two still fit? It was due on 2027-01-02")
