"""An import becomes real in slices: short ones, in file order, true at every moment, and never half in the end."""

from __future__ import annotations

import gc
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, nullcontext
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection, event, select, update
from sqlalchemy.exc import IntegrityError

from cadenced.engine.intake_import import File, Job, import_file, run
from cadenced.errors import StoreError
from cadenced.store import audit, import_spool, people
from cadenced.store.audit_findings import Given
from cadenced.store.import_activation import Activation
from cadenced.store.import_session import Session
from cadenced.store.import_spool import Spool, StagedElsewhereError
from cadenced.store.import_turns import BOUND, BUSY_ALONE, LEAST, MOST, REST, WANTED, paced
from cadenced.store.import_undo import undo
from cadenced.store.schema import enrolments, events, import_verdicts, imports, prospects
from intake.folder import NOW, RULES, Inbox, Store, bring, verdicts


def listed(folder: Path, count: int, first: str = "") -> File:
    path = folder / "list.csv"
    path.write_text("email,first_name\n" + first + "".join(f"p{n}@abc{n % 7}.example,P{n}\n" for n in range(count)))
    return File(path, staging=folder / "staged")


@contextmanager
def begun(store: Store, file: File) -> Iterator[tuple[Job, Activation]]:
    """An import at its first slice."""
    with Job(store.database, file, RULES) as job:
        job.begin(NOW)
        while job.stage():
            pass
        job.settle()
        with closing(job.activation(NOW)) as slices:
            assert isinstance(slices, Activation)
            yield job, slices


def test_no_transaction_has_more_rows_than_a_slice_may(store: Store, tmp_path: Path) -> None:
    """Row 48: what is due waits for one slice at most."""
    with begun(store, listed(tmp_path, 3 * LEAST)) as (_, slices):
        came = []
        while not slices.is_over:
            before = slices.reached
            slices.step()
            came.append(slices.reached - before)
        assert sum(came) == 3 * LEAST + 1  # the header is a line
        assert max(came) <= MOST
        assert len(came) > 1


@given(st.integers(LEAST, MOST), st.floats(0, 60))
def test_a_slice_that_took_long_makes_the_next_one_shorter(rows: int, span: float) -> None:
    after = paced(rows, span)
    assert LEAST <= after <= MOST
    if span > BOUND:
        assert after <= max(LEAST, rows // 2 + 1)
    if span < WANTED:
        assert after >= rows


def test_slices_do_not_wait_for_the_disk_and_whatever_comes_after_them_does(lite: Store, tmp_path: Path) -> None:
    """A letter's claim makes the slices before it durable, as one log holds both; no connection stays as it was."""
    pragmas = ("synchronous", "wal_autocheckpoint")

    def settings(tx: Connection) -> list[int]:
        return [tx.exec_driver_sql(f"PRAGMA {name}").scalar_one() for name in pragmas]

    before = lite.database.read(settings)
    with begun(lite, listed(tmp_path, 2 * LEAST)) as (_, slices):
        slices.step()
        assert settings(slices._session._connection) == [1, 0]
        slices._session._connection.rollback()
        while not slices.is_over:
            slices.step()
    assert before == lite.database.read(settings) == [2, 1000]


def test_whoever_waits_for_the_lock_is_left_more_time_than_it_sleeps(lite: Store, tmp_path: Path) -> None:
    """SQLite's busy handler asks every 0.1 s at the latest."""
    with begun(lite, listed(tmp_path, 4 * LEAST)) as (_, slices):
        slices.step()
        slices._turns._held = 0.0
        assert slices.rest() == 0.0
        slices._turns._held, begun_at = BUSY_ALONE, time.monotonic()
        left = slices.rest()
        assert left + time.monotonic() - begun_at >= REST > 0.1
        assert slices.rest() == 0.0


def test_rows_are_put_aside_while_somebody_else_writes(lite: Store, tmp_path: Path) -> None:
    """I21: staging never asks for the writers' lock."""
    file = listed(tmp_path, 3000)
    with Job(lite.database, file, RULES) as job:
        job.begin(NOW)
        with closing(sqlite3.connect(tmp_path / "cadenced.db", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            while job.stage():
                pass
            job.settle()
            other.execute("ROLLBACK")
        assert job.rows == 3000


def test_between_two_slices_the_invariants_hold(store: Store, tmp_path: Path) -> None:
    with begun(store, listed(tmp_path, 3 * LEAST)) as (_, slices):
        while not slices.is_over:
            slices.step()
            found = store.database.read(lambda tx: list(audit.judge(tx, Given(NOW))))
            assert [law.law.name for law in found if law.is_broken] == []
            row = store.all(select(imports))[0]
            assert row.state == ("activating")
            assert sum(row.counts.values()) == store.count(prospects) == store.count(enrolments)


def test_people_stand_in_the_order_of_the_file(store: Store, tmp_path: Path) -> None:
    import_file(store.database, listed(tmp_path, 2 * LEAST), RULES, NOW)
    emails = [row.email for row in store.all(select(prospects.c.email).order_by(prospects.c.id))]
    assert emails == [f"p{n}@abc{n % 7}.example" for n in range(2 * LEAST)]


def test_who_is_suppressed_between_two_slices_is_not_enrolled(store: Store, tmp_path: Path) -> None:
    with begun(store, listed(tmp_path, 3 * LEAST)) as (job, slices):
        slices.step()
        last = f"p{3 * LEAST - 1}@abc{(3 * LEAST - 1) % 7}.example"
        store.database.transact(lambda tx: people.suppress(tx, last, "asked", NOW))
        while not slices.is_over:
            slices.step()
        assert job.finish(NOW).counts["suppressed"] == 1
    assert last not in store.emails()


def test_two_processes_with_the_same_bytes_enrol_nobody_twice(store: Store, tmp_path: Path) -> None:
    """Row 45: the same list brought in twice at one time."""
    file = listed(tmp_path, 4 * LEAST)
    other = File(file.path, staging=tmp_path / "elsewhere")
    with begun(store, file) as (one, first), begun(store, other) as (_, second):
        while not (first.is_over and second.is_over):
            for slices in (first, second):
                if not slices.is_over:
                    slices.step()
        assert one.finish(NOW).counts["enrolled"] == 4 * LEAST
    assert store.count(prospects) == store.count(enrolments) == 4 * LEAST
    assert store.count(events) == 8 * LEAST


def test_rows_that_one_process_has_in_hand_no_other_takes(tmp_path: Path) -> None:
    path = import_spool.place(tmp_path, "digest", "")
    with closing(Spool(path)), pytest.raises(StagedElsewhereError):
        Spool(path)
    Spool(path).close()


def test_rows_that_were_not_made_durable_are_read_again_after_a_power_cut(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = listed(tmp_path, 9000)
    with Job(store.database, file, RULES) as job:
        job.begin(NOW)
        assert job.stage()
    monkeypatch.setattr(import_spool, "_RUNNING", tmp_path / "another-boot")
    (tmp_path / "another-boot").write_text("another\n")
    with Job(store.database, file, RULES) as job:
        job.begin(NOW)
        assert job._spool.count() == 0
        run(job, NOW, print)
        assert job.finish(NOW).counts["enrolled"] == 9000


def test_a_disk_that_is_full_while_rows_are_put_aside_costs_nothing(store: Store, tmp_path: Path) -> None:
    """Row 19: the import stops, with everything as it was, and goes on once there is room."""
    file = listed(tmp_path, 9000)
    with Job(store.database, file, RULES) as job:
        job.begin(NOW)
        job._spool._connection.execute("PRAGMA max_page_count = 40")
        with pytest.raises(OSError, match="full"):
            list(iter(job.stage, False))
    assert store.count(prospects) == 0
    assert import_file(store.database, file, RULES, NOW).counts["enrolled"] == 9000


def test_a_spool_that_is_damaged_is_read_again(store: Store, tmp_path: Path) -> None:
    file = listed(tmp_path, 300)
    with Job(store.database, file, RULES) as job:
        job.begin(NOW)
        path = job._spool.path
        job.stage()
    path.write_bytes(b"torn" * 5000)
    assert import_file(store.database, file, RULES, NOW).counts["enrolled"] == 300


def test_other_rules_read_again_what_was_only_put_aside(store: Store, tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_text("email\na@abc.example\n")
    file = File(tmp_path / "list.csv", staging=tmp_path / "staged")
    with Job(store.database, file, RULES) as job:
        job.begin(NOW)
        while job.stage():
            pass
        job.settle()
    other = type(RULES)(RULES.mailboxes, RULES.sequences, RULES.place, default_sequence="nurture")
    import_file(store.database, file, other, NOW)
    assert [row.sequence for row in store.all(select(enrolments))] == ["nurture"]


def test_a_report_that_was_not_written_is_written_by_the_next_run(store: Store, tmp_path: Path) -> None:
    file = listed(tmp_path, 30, first="p1@abc1.example,P1\nbroken,x\n")
    with Job(store.database, file, RULES) as job:
        run(job, NOW, print)
        job.finish(NOW)
    with Job(store.database, file, RULES) as job:
        run(job, NOW, print)
        counts = job.finish(NOW).counts
        found = [line.verdict for line in job.report(0)]
    assert counts == {"enrolled": 30, "updated": 0, "unchanged": 1, "suppressed": 0, "rejected": 1}
    assert {verdict: found.count(verdict) for verdict in set(found)} == {"enrolled": 30, "unchanged": 1, "rejected": 1}


async def test_what_the_database_refuses_in_the_middle_is_taken_back(inbox: Inbox) -> None:
    seen = iter(range(100))

    def refuse(_c: object, _cur: object, statement: str, *_: object) -> None:
        if statement.startswith("INSERT INTO prospects") and next(seen) > 0:
            raise IntegrityError(statement, {}, Exception("refused"))

    engine = inbox.store.database._engine
    event.listen(engine, "before_cursor_execute", refuse)
    rows = "".join(f"p{n}@abc.example\n" for n in range(3 * LEAST))
    report = await inbox.take("list.csv", "email\n" + rows)
    event.remove(engine, "before_cursor_execute", refuse)
    assert "the database refuses" in report[0]["reason"]
    assert [inbox.store.count(table) for table in (prospects, enrolments, events, import_verdicts)] == [0, 0, 0, 0]
    assert set(verdicts(await inbox.take("list.csv", "email\n" + rows))) == {"enrolled"}


def test_an_undo_that_was_stopped_is_ended_by_the_next_one(store: Store, tmp_path: Path) -> None:
    result = bring(store, tmp_path, listed(tmp_path, 2500).path.read_text())
    store.run(update(imports).values(state="undoing"))
    done = undo(store.database, result.id, NOW)
    assert (done.enrolments, done.prospects) == (2500, 2500)
    assert [row.state for row in store.all(select(imports))] == ["undone"]


def test_an_import_that_cannot_begin_leaves_no_connection_behind_that_waits_for_no_disk(
    store: Store, tmp_path: Path
) -> None:
    """What such a connection commits, an arm among it, a power cut would take away."""
    how = "PRAGMA synchronous" if store.database.is_sqlite else "SHOW synchronous_commit"

    def durability() -> object:
        return store.database.transact(lambda tx: tx.exec_driver_sql(how).scalar_one())

    before = durability()
    broken = Spool(tmp_path / "broken.db")
    broken.path.unlink()
    broken.path.mkdir()  # no database can be attached there
    with pytest.raises(sqlite3.Error) if store.database.is_sqlite else nullcontext():
        Session(store.database, broken).close()
    broken.close()
    assert durability() == before


def test_an_import_that_is_dropped_leaves_no_such_connection_behind_either(store: Store, tmp_path: Path) -> None:
    """Whoever waits for its beginning may be cancelled."""
    how = "PRAGMA synchronous" if store.database.is_sqlite else "SHOW synchronous_commit"
    spool = Spool(tmp_path / "whole.db")
    dropped = Session(store.database, spool)
    del dropped
    gc.collect()
    found = store.database.transact(lambda tx: tx.exec_driver_sql(how).scalar_one())
    assert found in {2, "on"}
    spool.close()


@pytest.mark.parametrize("lost", ["between two slices", "before the end is noted"])
def test_what_a_crash_of_the_server_takes_away_comes_again(store: Store, tmp_path: Path, lost: str) -> None:
    """PostgreSQL may lose the last commits that waited for no disk, and be back before anybody has noticed."""
    with begun(store, listed(tmp_path, 3 * LEAST)) as (job, slices):
        slices.step()
        kept = slices.reached
        slices.step()
        while lost == "before the end is noted" and not slices.is_over:
            slices.step()
        store.run(update(imports).values(reached=kept))
        if lost == "before the end is noted":
            with pytest.raises(StoreError, match="they come again"):
                job.finish(NOW)
        slices.step()
        while not slices.is_over:
            slices.step()
        assert store.count(prospects) == 3 * LEAST
        assert store.all(select(imports.c.reached, imports.c.state)) == [(slices.reached, "activating")]
