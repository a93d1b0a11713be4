"""What a command that was killed has left: known again by its next run, swept away where none comes."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from cadenced.engine import intake_spool
from cadenced.engine.intake_import import File, Job, import_file, run
from cadenced.engine.intake_left import PATIENCE
from cadenced.store.import_spool import Spool
from cadenced.store.schema import import_verdicts, imports, prospects
from intake.folder import NOW, RULES, Inbox

ROWS = "email\na@abc.example\nb@abc.example\na@abc.example\n"


class Killed(BaseException):
    """A process that is at its end."""


def listed(inbox: Inbox, name: str = "list.csv") -> File:
    path = inbox.folder.parent / name
    path.write_text(ROWS)
    return File(path, staging=intake_spool.by_hand(inbox.folder))


def told(inbox: Inbox, file: File, name: str = "list.csv.report.csv") -> Path:
    """Import a file and write its report, up to the point at which its rows go."""
    with Job(inbox.store.database, file, RULES) as job:
        run(job, NOW, print)
        job.finish(NOW)
        place = job.tell(lambda: inbox.folder.parent / name)
        job.drop_verdicts()
        return place


def waiting(inbox: Inbox) -> list[str]:
    return sorted(
        path.suffix for path in (inbox.folder / ".spool" / ".by-hand").glob("*") if path.suffix != ".db-journal"
    )


@pytest.mark.parametrize("notes", [1, 2])
def test_a_run_killed_beside_its_report_does_not_write_another(
    inbox: Inbox, monkeypatch: pytest.MonkeyPatch, notes: int
) -> None:
    """Killed once the report's place was noted (1), or once it stood there (2)."""
    file, left = listed(inbox), [notes]
    note = Spool.note

    def noted(spool: Spool, facts: dict[str, object]) -> None:
        if "report" in facts:
            left[0] -= 1
            if not left[0] and notes == 2:
                raise Killed
        note(spool, facts)
        if not left[0]:
            raise Killed

    monkeypatch.setattr(Spool, "note", noted)
    with pytest.raises(Killed):
        told(inbox, file)
    monkeypatch.undo()
    place = told(inbox, file, "list.csv.report.csv" if notes == 1 else "list-2.csv.report.csv")
    assert place.name == "list.csv.report.csv"
    assert sorted(path.name for path in inbox.folder.parent.glob("*list*")) == ["list.csv", "list.csv.report.csv"]
    assert place.read_text("utf-8").count("enrolled") == 2


def test_a_report_never_takes_the_place_of_what_came_there_meanwhile(inbox: Inbox) -> None:
    (inbox.folder.parent / "list.csv.report.csv").write_text("mine")
    names = iter(["list.csv.report.csv", "list-2.csv.report.csv"])
    with Job(inbox.store.database, listed(inbox), RULES) as job:
        run(job, NOW, print)
        job.finish(NOW)
        place = job.tell(lambda: inbox.folder.parent / next(names))
    assert place.name == "list-2.csv.report.csv"
    assert (inbox.folder.parent / "list.csv.report.csv").read_text() == "mine"
    assert not list(inbox.folder.parent.glob(".*.part"))


def test_the_same_rows_by_another_file_have_a_report_of_their_own(inbox: Inbox) -> None:
    told(inbox, listed(inbox))
    place = told(inbox, listed(inbox, "copy.csv"), "copy.csv.report.csv")
    assert place.name == "copy.csv.report.csv"
    assert place.read_text("utf-8").count("unchanged") == 3


async def aged(inbox: Inbox, span: timedelta = PATIENCE + timedelta(minutes=1)) -> None:
    """Let a day go by, and the daemon work."""
    then = (NOW - span).timestamp()
    for path in (inbox.folder / ".spool" / ".by-hand").glob("*"):
        os.utime(path, (then, then))
    await inbox.work()
    await inbox.work()


async def test_what_a_killed_command_had_told_is_swept_away_after_a_day(inbox: Inbox) -> None:
    told(inbox, listed(inbox))
    await aged(inbox, PATIENCE - timedelta(minutes=1))
    assert waiting(inbox) == [".db", ".lock"]
    await aged(inbox)
    assert waiting(inbox) == []
    assert inbox.names("done") == []


async def test_a_killed_commands_report_that_nobody_asked_for_again_is_written_after_a_day(inbox: Inbox) -> None:
    with Job(inbox.store.database, listed(inbox), RULES) as job:
        run(job, NOW, print)
        job.finish(NOW)
    await aged(inbox)
    assert waiting(inbox) == []
    assert len(inbox.report("list.csv")) == 3
    assert inbox.store.count(import_verdicts) == 0


async def test_rows_that_were_only_put_aside_are_swept_away_after_a_day(inbox: Inbox) -> None:
    with Job(inbox.store.database, listed(inbox), RULES) as job:
        job.begin(NOW)
        job.stage()
    (inbox.folder / ".spool" / ".by-hand" / "orphan.lock").touch()
    await aged(inbox, PATIENCE - timedelta(minutes=1))
    assert waiting(inbox) == [".db", ".lock", ".lock"]
    await aged(inbox)
    assert waiting(inbox) == []
    assert inbox.store.count(prospects) == 0
    assert [row.state for row in inbox.store.all(select(imports))] == ["given_up"]


async def test_a_list_whose_rows_were_swept_away_comes_in_whole_when_it_comes_again(inbox: Inbox) -> None:
    file = listed(inbox)
    with Job(inbox.store.database, file, RULES) as job:
        job.begin(NOW)
        job.stage()
    await aged(inbox)
    assert import_file(inbox.store.database, file, RULES, NOW).counts["enrolled"] == 2
    assert [row.state for row in inbox.store.all(select(imports))] == ["active"]


async def test_another_look_that_was_swept_away_leaves_what_came_before(inbox: Inbox) -> None:
    file = listed(inbox)
    assert import_file(inbox.store.database, file, RULES, NOW).counts["enrolled"] == 2
    with Job(inbox.store.database, file, RULES) as job:
        assert job.begin(NOW).phase == "staging"
        job.stage()
    await aged(inbox)
    assert [row.state for row in inbox.store.all(select(imports))] == ["active"]
    assert import_file(inbox.store.database, file, RULES, NOW).counts["unchanged"] == 3


async def test_rows_in_the_hands_of_a_command_are_not_swept_away(inbox: Inbox) -> None:
    with Job(inbox.store.database, listed(inbox), RULES) as job:
        job.begin(NOW)
        await aged(inbox)
        assert waiting(inbox) == [".db", ".lock"]
        run(job, NOW, print)
        assert job.finish(NOW).counts["enrolled"] == 2
