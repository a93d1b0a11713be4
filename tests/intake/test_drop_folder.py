"""The drop folder: only files at rest are taken, whole and once; nothing that lies there hangs or is lost."""

from __future__ import annotations

import csv
import errno
import logging
import os
import socket
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import event, update
from sqlalchemy.exc import IntegrityError

from cadenced.engine import intake_spool as spool
from cadenced.store.schema import enrolments, import_verdicts, prospects
from intake.folder import RULES, Inbox, verdicts

ROWS = "email,first_name\na@abc.example,A\nb@abc.example,B\n"


async def test_a_dropped_file_is_imported_and_put_away_with_its_report(inbox: Inbox) -> None:
    report = await inbox.take("list.csv", ROWS + "broken,\n")
    assert report == [
        {"line": "2", "email": "a@abc.example", "verdict": "enrolled", "reason": ""},
        {"line": "3", "email": "b@abc.example", "verdict": "enrolled", "reason": ""},
        {"line": "4", "email": "broken", "verdict": "rejected", "reason": "email: not an address: there is no @ in it"},
    ]
    assert inbox.names("done") == ["list.csv", "list.csv.report.csv"]
    assert (inbox.folder / "done" / "list.csv").read_text() == ROWS + "broken,\n"
    assert inbox.spooled() == []
    assert inbox.store.count(import_verdicts) == 0
    assert inbox.intake.idle


async def test_a_file_in_a_sequences_folder_goes_into_that_sequence(inbox: Inbox) -> None:
    await inbox.take("nurture/list.csv", "email\na@abc.example\n")
    assert [row.sequence for row in inbox.store.all(enrolments.select())] == ["nurture"]
    assert inbox.names("nurture") == []


async def test_a_folder_of_no_sequence_costs_its_rows_and_gets_a_hint(inbox: Inbox) -> None:
    report = await inbox.take("nurtur/list.csv", "email\na@abc.example\n")
    assert 'did you mean "nurture"' in report[0]["reason"]
    assert inbox.names("failed") == ["list.csv", "list.csv.report.csv"]


async def test_a_file_must_be_still_before_it_is_taken(inbox: Inbox) -> None:
    path = inbox.drop("list.csv", "email\n")
    for n in range(10):
        with path.open("a") as stream:
            stream.write(f"p{n}@abc.example\n")
        await inbox.settle(1.5)
        assert inbox.store.count(import_verdicts) == 0
        assert path.exists()
        assert not inbox.intake.idle
    await inbox.settle(3)
    assert inbox.store.count(prospects) == 10


async def test_a_file_that_somebody_writes_waits_however_long_they_pause(inbox: Inbox) -> None:
    path = inbox.folder / "list.csv"
    with path.open("w") as stream:
        stream.write("email\na@abc.example\n")
        stream.flush()
        if not spool.written(path):
            pytest.skip("this file system has no leases")
        await inbox.settle(120)
        assert path.exists()
        stream.write("b@abc.example\n")
    await inbox.settle(3)
    assert inbox.store.count(prospects) == 2


async def test_a_last_line_without_end_waits_and_then_does_not_count(inbox: Inbox) -> None:
    inbox.drop("list.csv", "email\na@abc.example\nbob@example.co")
    await inbox.settle(5)
    assert (inbox.folder / "list.csv").exists()
    await inbox.settle(60)
    report = inbox.report("list.csv")
    assert verdicts(report) == ["enrolled", "rejected"]
    assert "cut" in report[1]["reason"]
    assert inbox.store.emails() == ["a@abc.example"]


async def test_once_the_last_line_is_ended_it_counts(inbox: Inbox) -> None:
    await inbox.take("list.csv", "email\na@abc.example\nbob@example.co")
    report = await inbox.take("again.csv", "email\na@abc.example\nbob@example.com\n")
    assert verdicts(report) == ["unchanged", "enrolled"]


async def test_the_same_bytes_again_are_a_no_op_that_says_so(inbox: Inbox) -> None:
    await inbox.take("list.csv", ROWS)
    before = inbox.store.tables()
    report = await inbox.take("renamed.csv", ROWS)
    assert verdicts(report) == ["unchanged", "unchanged"]
    assert "already" in report[0]["reason"]
    assert inbox.store.tables() == before


async def test_no_name_is_ever_overwritten(inbox: Inbox) -> None:
    for n in range(3):
        inbox.drop("list.csv", f"email\np{n}@abc.example\n")
        await inbox.settle(3)
    assert inbox.names("done") == [
        "list-2.csv", "list-2.csv.report.csv", "list-3.csv", "list-3.csv.report.csv", "list.csv", "list.csv.report.csv",
    ]  # fmt: skip
    assert (inbox.folder / "done" / "list-2.csv").read_text() == "email\np1@abc.example\n"


@pytest.mark.parametrize("name", [".list.csv", "list.csv.tmp", "list.csv.part", "~$list.csv", "notes.md", "list"])
async def test_what_is_hidden_or_not_finished_or_something_else_is_left_alone(inbox: Inbox, name: str) -> None:
    inbox.drop(name, ROWS)
    await inbox.settle(100)
    assert (inbox.folder / name).exists()
    assert inbox.intake.idle


async def test_no_link_pipe_or_folder_is_followed(
    inbox: Inbox, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_text(ROWS)
    (inbox.folder / "link.csv").symlink_to(secret)
    os.mkfifo(inbox.folder / "pipe.csv")
    (inbox.folder / "folder.csv").mkdir()
    (inbox.folder / "away").symlink_to(tmp_path, target_is_directory=True)
    os.link(secret, inbox.folder / "hard.csv")
    with socket.socket(socket.AF_UNIX) as peer:
        peer.bind(str(inbox.folder / "sock.csv"))
    with caplog.at_level(logging.WARNING):
        await inbox.settle(100)
        await inbox.settle(100)
    assert inbox.store.count(prospects) == 0
    assert secret.read_text() == ROWS
    assert [r.message for r in caplog.records] == ["file left alone"]


async def test_a_file_whose_folder_does_not_let_it_go_is_told_of_and_keeps_nobody_waiting(
    inbox: Inbox, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    rename = Path.rename

    def kept(self: Path, target: Path) -> Path:  # as in a folder that is not ours to write to, also for root
        if self.parent.name == "nurture":
            raise PermissionError(errno.EACCES, "Permission denied")
        return rename(self, target)

    with monkeypatch.context() as patched, caplog.at_level(logging.WARNING):
        patched.setattr(Path, "rename", kept)
        path = inbox.drop("nurture/kept.csv", ROWS)
        inbox.drop("list.csv", "email\nc@abc.example\n")
        await inbox.settle(30)
        assert inbox.store.emails() == ["c@abc.example"]
        assert inbox.intake.idle
    assert path.exists()
    assert [(r.message, r.__dict__["file"]) for r in caplog.records] == [("file left alone", "kept.csv")]
    assert "Permission denied" in caplog.records[0].__dict__["reason"]
    assert inbox.spooled() == []
    await inbox.settle(5)
    assert inbox.store.emails() == ["a@abc.example", "b@abc.example", "c@abc.example"]


async def test_a_file_swapped_for_a_link_after_the_look_is_not_read(inbox: Inbox, tmp_path: Path) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_text(ROWS)
    path = inbox.drop("list.csv", ROWS)
    found = next(spool.scan(inbox.folder))
    path.unlink()
    path.symlink_to(secret)
    assert spool.claim(inbox.folder, found) is None
    assert path.is_symlink()
    assert inbox.spooled() == []


async def test_a_file_replaced_after_the_look_is_looked_at_again(inbox: Inbox) -> None:
    path = inbox.drop("list.csv", ROWS)
    found = next(spool.scan(inbox.folder))
    other = inbox.drop(".other", "email\nc@abc.example\n")
    other.replace(path)
    assert spool.claim(inbox.folder, found) is None
    await inbox.settle(3)
    assert inbox.store.emails() == ["c@abc.example"]


async def test_what_is_written_after_the_copy_is_imported_by_itself(inbox: Inbox) -> None:
    inbox.drop("list.csv", "email\na@abc.example\n")
    claimed = spool.claim(inbox.folder, next(spool.scan(inbox.folder)))
    assert claimed
    spool.copy(claimed)
    with claimed.original.open("a") as late:
        late.write("b@abc.example\n")
    await inbox.settle(3)
    await inbox.settle(3)
    assert inbox.store.emails() == ["a@abc.example", "b@abc.example"]
    assert (inbox.folder / "done" / "list.csv").read_text() == "email\na@abc.example\n"


async def test_an_end_while_a_file_that_was_written_to_is_put_away_loses_neither(
    inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    inbox.drop("list.csv", "email\na@abc.example\n")
    claimed = spool.claim(inbox.folder, next(spool.scan(inbox.folder)))
    assert claimed
    spool.copy(claimed)
    with claimed.original.open("a") as late:
        late.write("b@abc.example\n")
    put_back = spool._put_back

    def end_there(folder: Path, taken: spool.Claimed) -> None:
        put_back(folder, taken)
        raise OSError("the machine stands still")

    monkeypatch.setattr(spool, "_put_back", end_there)
    await inbox.work()
    monkeypatch.undo()
    assert inbox.names("done") == ["list.csv.report.csv"]
    inbox.fresh()
    await inbox.settle(3)
    assert inbox.store.emails() == ["a@abc.example", "b@abc.example"]
    assert (inbox.folder / "done" / "list.csv").read_text() == "email\na@abc.example\n"
    assert inbox.names("done") == ["list-2.csv", "list-2.csv.report.csv", "list.csv", "list.csv.report.csv"]


async def test_an_excel_workbook_comes_back_with_a_cure(inbox: Inbox) -> None:
    report = await inbox.take("list.xlsx", b"PK\x03\x04" + b"\x00" * 50)
    assert "Excel" in report[0]["reason"]
    assert inbox.names("failed") == ["list.xlsx", "list.xlsx.report.csv"]


async def test_a_file_without_addresses_fails_whole_and_the_next_one_is_taken(inbox: Inbox) -> None:
    inbox.drop("a.csv", "first_name\nBob\n")
    inbox.drop("b.csv", ROWS)
    await inbox.settle(3)
    assert "no column email" in inbox.report("a.csv")[0]["reason"]
    assert inbox.names("done") == ["b.csv", "b.csv.report.csv"]


async def test_a_report_is_not_a_list(inbox: Inbox) -> None:
    await inbox.take("list.csv", ROWS)
    content = (inbox.folder / "done" / "list.csv.report.csv").read_bytes()
    report = await inbox.take("list.csv.report.csv", content)
    assert "report of an import" in report[0]["reason"]


async def test_a_formula_in_a_cell_is_inert_in_the_report_and_itself_in_the_store(inbox: Inbox) -> None:
    content = 'email,company\n"=HYPERLINK(""http://evil.example"")",x\n-1+1@abc.example,"=1+1"\n'
    report = await inbox.take("list.csv", content)
    assert report[0]["email"].startswith("'=")
    assert report[1]["email"] == "'-1+1@abc.example"
    assert inbox.store.prospect("-1+1@abc.example").fields["company"] == "=1+1"
    raw = (inbox.folder / "done" / "list.csv.report.csv").read_text(encoding="utf-8")
    assert all(cell[:1] not in set("=+-@") for row in csv.reader(raw.splitlines()) for cell in row)


async def test_ten_thousand_files_are_looked_at_without_a_hang(inbox: Inbox) -> None:
    for n in range(10_000):
        (inbox.folder / f"x{n}.csv.part").touch()
    inbox.drop("list.csv", ROWS)
    await inbox.settle(3)
    assert inbox.store.count(prospects) == 2


async def test_an_unreadable_file_is_told_once_and_keeps_nobody_waiting(
    inbox: Inbox, caplog: pytest.LogCaptureFixture
) -> None:
    if os.getuid() == 0:
        pytest.skip("root reads everything")
    inbox.drop("list.csv", ROWS).chmod(0)
    inbox.drop("other.csv", ROWS)
    await inbox.settle(3)
    await inbox.settle(3)
    assert inbox.store.count(prospects) == 2
    assert [r.message for r in caplog.records if r.levelno == logging.WARNING] == ["file left alone"]


@pytest.mark.parametrize("steps", range(12))
async def test_after_a_restart_at_any_step_the_end_is_the_same(inbox: Inbox, steps: int) -> None:
    rows = "".join(f"p{n}@abc.example\n" for n in range(2500))
    inbox.drop("list.csv", "email\n" + rows + "broken\n")
    await inbox.work()
    await inbox.clock.advance(3)
    for _ in range(steps):
        await inbox.intake.tick()
    await inbox.intake.close()
    inbox.fresh()
    await inbox.settle(3)
    assert (inbox.store.count(prospects), inbox.store.count(enrolments)) == (2500, 2500)
    assert inbox.names("done") == ["list.csv", "list.csv.report.csv"]
    assert verdicts(inbox.report("list.csv")) == ["enrolled"] * 2500 + ["rejected"]
    assert inbox.spooled() == []
    assert inbox.store.count(import_verdicts) == 0


async def test_a_fault_of_the_disk_stops_the_import_and_it_goes_on_later(
    inbox: Inbox, caplog: pytest.LogCaptureFixture
) -> None:
    inbox.drop("list.csv", ROWS)
    (inbox.folder / "done").write_text("a file where the folder should be")
    await inbox.settle(3)
    assert [r.message for r in caplog.records] == ["import stopped"]
    (inbox.folder / "done").unlink()
    await inbox.settle(3)
    assert verdicts(inbox.report("list.csv")) == ["enrolled", "enrolled"]


async def test_no_whole_address_is_logged(inbox: Inbox, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        await inbox.take("list.csv", ROWS + "broken@,\n")
        await inbox.take("bad.csv", "bob@abc.example,Bob\n")
    assert not any("abc.example" in repr(record.__dict__) for record in caplog.records)


async def test_new_rules_hold_for_the_next_file(inbox: Inbox) -> None:
    await inbox.take("list.csv", ROWS)
    inbox.store.run(update(enrolments).values(state="halted", due_at=None))
    inbox.rules = replace(RULES, default_sequence="nurture")
    assert verdicts(await inbox.take("list.csv2.csv", ROWS + "\n")) == ["enrolled", "enrolled"]


@pytest.mark.parametrize("name", [".spool", "done"])
async def test_our_own_folders_are_never_links(
    inbox: Inbox, tmp_path: Path, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "elsewhere").mkdir()
    (inbox.folder / name).symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    inbox.drop("list.csv", ROWS)
    await inbox.settle(3)
    assert [r.message for r in caplog.records] == ["import stopped"]
    assert list((tmp_path / "elsewhere").iterdir()) == []


async def test_a_file_that_the_database_refuses_is_put_away_and_the_next_is_taken(inbox: Inbox) -> None:
    def refuse(_c: object, _cur: object, statement: str, *_: object) -> None:
        if statement.startswith("INSERT INTO prospects"):
            raise IntegrityError(statement, {}, Exception("refused"))

    engine = inbox.store.database._engine
    event.listen(engine, "before_cursor_execute", refuse)
    report = await inbox.take("list.csv", ROWS)
    event.remove(engine, "before_cursor_execute", refuse)
    assert "the database refuses" in report[0]["reason"]
    assert verdicts(await inbox.take("other.csv", ROWS + "\n")) == ["enrolled", "enrolled"]


async def test_an_end_between_putting_away_and_tidying_leaves_nothing_behind(inbox: Inbox) -> None:
    inbox.drop("list.csv", "email\n" + "".join(f"p{n % 20}@abc.example\n" for n in range(40)))
    await inbox.work()
    await inbox.clock.advance(3)
    while not (inbox.folder / "done" / "list.csv").exists():
        await inbox.intake.tick()
    await inbox.intake.close()
    assert inbox.store.count(import_verdicts) == 20
    inbox.fresh()
    await inbox.work()
    assert inbox.store.count(import_verdicts) == 0
    assert inbox.spooled() == []
    assert verdicts(inbox.report("list.csv")) == ["enrolled"] * 20 + ["unchanged"] * 20


async def test_a_folder_that_is_gone_when_the_import_is_taken_up_again_is_made_anew(inbox: Inbox) -> None:
    folder = inbox.folder / ".spool" / "000001"
    folder.mkdir(parents=True)
    (folder / "list.csv").write_text(ROWS)
    (folder / "target").write_text("done/list.csv")
    inbox.fresh()
    await inbox.settle()
    assert verdicts(inbox.report("list.csv")) == ["enrolled", "enrolled"]
    assert inbox.names("done") == ["list.csv", "list.csv.report.csv"]
    assert inbox.spooled() == []
