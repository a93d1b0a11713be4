"""What becomes of rows: nobody enrolled twice, nothing lost that is known, all or nothing. On both databases."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, time
from pathlib import Path

import pytest
from sqlalchemy import event, select, update

from cadenced.core.pacing import Window
from cadenced.core.sequence import EmailStep, Sequence
from cadenced.engine.intake_import import File, Job, import_file, run
from cadenced.errors import RefusedError
from cadenced.store import people
from cadenced.store.schema import accounts, enrolments, events, import_verdicts, imports, prospects
from intake.folder import NOW, RULES, Store, bring

HEADER = "email,first_name,company,country,account_role,sequence\n"


def test_a_row_becomes_a_prospect_with_an_enrolment_and_a_timeline(store: Store, tmp_path: Path) -> None:
    result = bring(store, tmp_path, HEADER + "Bob@ABC.example,Bob,ABC SA,DE,,nurture\n")
    assert result.counts == {"enrolled": 1, "updated": 0, "unchanged": 0, "suppressed": 0, "rejected": 0}
    bob = store.prospect("bob@abc.example")
    assert (bob.mailbox, bob.timezone, bob.country, bob.fields["first_name"]) == ("julie", "Europe/Berlin", "DE", "Bob")
    life = store.all(select(enrolments))[0]
    assert (life.sequence, life.state, life.step, life.lane, life.generation) == (
        "nurture",
        "active",
        "article",
        "mail",
        1,
    )
    assert life.due_at == datetime(2026, 11, 30, 7, 30, tzinfo=UTC)  # Saturday is five days on; Monday half past eight
    assert (life.timezone, life.country, life.account_id) == ("Europe/Berlin", "DE", bob.account_id)
    assert store.timeline("bob@abc.example") == ["imported", "enrolled"]
    assert [row.name for row in store.all(select(accounts))] == ["ABC SA"]
    assert store.count(import_verdicts) == 0


def test_rows_in_are_verdicts_out(store: Store, tmp_path: Path) -> None:
    store.database.transact(lambda tx: people.suppress(tx, "no@abc.example", "asked", NOW))
    rows = "a@abc.example\nbroken\na@abc.example\nno@abc.example\nb@abc.example\n"
    counts = bring(store, tmp_path, "email\n" + rows).counts
    assert counts == {"enrolled": 2, "updated": 0, "unchanged": 1, "suppressed": 1, "rejected": 1}


def test_the_same_file_again_changes_nothing(store: Store, tmp_path: Path) -> None:
    content = HEADER + "a@abc.example,A,ABC,,,\nb@abc.example,B,ABC,,,\n"
    bring(store, tmp_path, content)
    before = store.tables()
    again = bring(store, tmp_path, content)
    assert (again.counts["unchanged"], again.counts["enrolled"]) == (2, 0)
    assert "imported on" in again.notes[0]
    assert store.tables() == before


def test_the_same_rows_in_another_order_enrol_nobody_twice(store: Store, tmp_path: Path) -> None:
    bring(store, tmp_path, "email,first_name\na@abc.example,A\nb@abc.example,B\n")
    before = store.tables()
    again = bring(store, tmp_path, "email,first_name\nb@abc.example,B\na@abc.example,A\n")
    assert again.counts["unchanged"] == 2
    assert store.tables() == before


@pytest.mark.parametrize(
    "variant",
    ["BOB@ABC.EXAMPLE", " bob@abc.example ", "bob+fair@abc.example", "Bob <bob@abc.example>", "mailto:bob@abc.example"],
)
def test_variants_of_an_address_are_one_person(store: Store, tmp_path: Path, variant: str) -> None:
    bring(store, tmp_path, f"email\nbob@abc.example\n{variant}\n")
    assert store.count(enrolments) == 1
    bring(store, tmp_path, f"email,phone\n{variant},1\n")
    bring(store, tmp_path, f"email,phone\n{variant},2\n")
    assert (store.count(enrolments), store.count(prospects)) == (1, 1)


def test_the_plain_form_finds_whoever_came_with_a_tag(store: Store, tmp_path: Path) -> None:
    bring(store, tmp_path, "email\nbob+fair@abc.example\nb.o.b@gmail.com\n")
    counts = bring(store, tmp_path, "email\nbob@abc.example\nbob@gmail.com\nbob+two@abc.example\n").counts
    assert counts["enrolled"] == 0
    assert store.emails() == ["b.o.b@gmail.com", "bob+fair@abc.example"]


@pytest.mark.parametrize("stored", ["bob@abc.example", "bob+news@abc.example"])
@pytest.mark.parametrize("dropped", ["bob@abc.example", "bob+fair@abc.example", "BOB@abc.example"])
def test_a_suppressed_person_is_never_enrolled_under_any_variant(
    store: Store, tmp_path: Path, stored: str, dropped: str
) -> None:
    store.database.transact(lambda tx: people.suppress(tx, stored, "asked", NOW))
    assert bring(store, tmp_path, f"email\n{dropped}\n").counts["suppressed"] == 1
    assert (store.count(prospects), store.count(enrolments)) == (0, 0)


def test_new_values_are_taken_over_and_empty_cells_take_nothing_away(store: Store, tmp_path: Path) -> None:
    bring(store, tmp_path, "email,first_name,phone,country\nbob@abc.example,Bob,1,FR\n")
    result = bring(store, tmp_path, "email,first_name,phone,city,country\nbob@abc.example,,2,Lyon,DE\n")
    assert result.counts["updated"] == 1
    bob = store.prospect("bob@abc.example")
    assert {name: bob.fields[name] for name in ("first_name", "phone", "city")} == {
        "first_name": "Bob",
        "phone": "2",
        "city": "Lyon",
    }
    assert store.all(select(enrolments.c.country))[0].country == "DE"
    assert store.timeline("bob@abc.example") == ["imported", "enrolled", "imported"]
    changed = store.all(select(events.c.data).order_by(events.c.id.desc()).limit(1))[0].data["changed"]
    assert changed == ["city", "country", "phone", "timezone"]


def test_of_two_rows_of_one_person_the_first_counts(store: Store, tmp_path: Path) -> None:
    bring(store, tmp_path, "email,first_name\nbob@abc.example,Bob\nbob@abc.example,Robert\n")
    assert store.prospect("bob@abc.example").fields["first_name"] == "Bob"


def test_the_first_row_that_names_a_sequence_counts_where_some_name_none(store: Store, tmp_path: Path) -> None:
    rules = replace(RULES, default_sequence="")
    counts = bring(store, tmp_path, "email,sequence\nbob@abc.example,\nbob@abc.example,proposal\n", rules=rules).counts
    assert (counts["enrolled"], counts["unchanged"]) == (1, 1)


def test_nobody_is_in_two_sequences_at_a_time(store: Store, tmp_path: Path) -> None:
    bring(store, tmp_path, "email\nbob@abc.example\n")
    assert bring(store, tmp_path, "email\nbob@abc.example\n", "nurture").counts["unchanged"] == 1
    assert store.count(enrolments) == 1
    store.run(update(enrolments).values(state="halted", due_at=None))
    assert bring(store, tmp_path, "email\nbob@abc.example\n", "nurture").counts["enrolled"] == 1
    assert store.count(enrolments) == 2


@pytest.mark.parametrize("state", ["active", "paused", "awaiting_task", "halted", "finished"])
def test_nobody_comes_into_a_sequence_a_second_time(store: Store, tmp_path: Path, state: str) -> None:
    bring(store, tmp_path, "email\nbob@abc.example\n")
    due = NOW if state in {"active", "paused", "awaiting_task"} else None
    store.run(update(enrolments).values(state=state, due_at=due))
    assert bring(store, tmp_path, "email,phone\nbob@abc.example,1\n").counts["updated"] == 1
    assert [row.state for row in store.all(select(enrolments.c.state))] == [state]


def test_a_new_person_without_a_sequence_is_rejected_with_a_cure(store: Store, tmp_path: Path) -> None:
    result = bring(store, tmp_path, "email\nbob@abc.example\n", rules=replace(RULES, default_sequence=""))
    assert result.counts["rejected"] == 1
    assert "column sequence" in result.rejected[0].reason
    assert store.count(prospects) == 0


def test_rows_rejected_for_a_sequence_fare_better_once_it_exists(store: Store, tmp_path: Path) -> None:
    content = "email,sequence\na@abc.example,launch\nb@abc.example,proposal\n"
    assert bring(store, tmp_path, content).counts["rejected"] == 1
    launch = Sequence("launch", (EmailStep("hello", template="hello"),))
    rules = replace(RULES, sequences={**RULES.sequences, "launch": launch})
    counts = bring(store, tmp_path, content, rules=rules).counts
    assert (counts["enrolled"], counts["unchanged"]) == (1, 1)


def test_a_window_that_never_opens_costs_its_rows_not_the_file(store: Store, tmp_path: Path) -> None:
    never = Window(days=frozenset({0}), opens=time(9), closes=time(9))
    shut = Sequence("shut", (EmailStep("hello", template="hello"),), window=never)
    rules = replace(RULES, sequences={**RULES.sequences, "shut": shut})
    counts = bring(store, tmp_path, "email,sequence\na@abc.example,shut\nb@abc.example,proposal\n", rules=rules).counts
    assert (counts["enrolled"], counts["rejected"]) == (1, 1)
    assert store.emails() == ["b@abc.example"]


def test_new_people_go_to_the_mailbox_with_the_fewest_and_stay_there(store: Store, tmp_path: Path) -> None:
    rules = replace(RULES, mailboxes=("julie", "marc"))
    bring(store, tmp_path, "email,mailbox\na@abc.example,julie\nb@abc.example,julie\nc@abc.example,\n", rules=rules)
    bring(store, tmp_path, "email,mailbox\nd@abc.example,\na@abc.example,marc\n", rules=rules)
    rows = store.all(select(prospects.c.email, prospects.c.mailbox).order_by(prospects.c.email))
    assert [row.mailbox for row in rows] == ["julie", "julie", "marc", "marc"]


def test_colleagues_share_an_account_and_the_primary_is_planned_apart(store: Store, tmp_path: Path) -> None:
    rows = "p@abc.example,P,ABC SA,,primary,committee\no@abc.example,O,abc,,,committee\n"
    bring(store, tmp_path, HEADER + rows)
    lives = store.all(select(enrolments).order_by(enrolments.c.id))
    assert [(life.step, life.lane, life.role) for life in lives] == [("call", "desk", "primary"), ("intro", "mail", "")]
    assert lives[0].account_id == lives[1].account_id is not None


def test_the_stage_is_the_rows_else_the_sequences(store: Store, tmp_path: Path) -> None:
    bring(store, tmp_path, "email,stage\na@abc.example,Won Back\nb@abc.example,\n")
    assert [store.prospect(f"{who}@abc.example").stage for who in "ab"] == ["won_back", "proposal"]


class FaultError(Exception):
    """Something that nobody foresaw."""


def failing(store: Store, begins: str, after: int = 0) -> Callable[[], None]:
    """Have a statement fail once it was carried out so many times; return what heals it."""
    seen = iter(range(10_000))

    def fail(_c: object, _cur: object, statement: str, *_: object) -> None:
        if statement.startswith(begins) and next(seen) >= after:
            raise FaultError

    engine = store.database._engine
    event.listen(engine, "before_cursor_execute", fail)
    return lambda: event.remove(engine, "before_cursor_execute", fail)


def test_a_fault_in_a_slice_leaves_nothing_of_it_behind(store: Store, tmp_path: Path) -> None:
    heal = failing(store, "INSERT INTO events")
    with pytest.raises(FaultError):
        bring(store, tmp_path, "email\na@abc.example\nb@abc.example\n")
    heal()
    assert (store.count(prospects), store.count(enrolments), store.count(accounts)) == (0, 0, 0)
    assert bring(store, tmp_path, "email\na@abc.example\nb@abc.example\n").counts["enrolled"] == 2


@pytest.mark.parametrize("folder", ["staged", None])
def test_an_import_stopped_between_two_slices_goes_on_to_its_end(
    store: Store, tmp_path: Path, folder: str | None
) -> None:
    path = tmp_path / "list.csv"
    rows = "".join(f"p{n % 2900}@abc.example\n" for n in range(3000))
    path.write_text("email\nbroken\n" + rows)
    file = File(path, staging=tmp_path / folder if folder else None)
    heal = failing(store, "INSERT INTO prospects", after=2)
    with pytest.raises(FaultError):
        import_file(store.database, file, RULES, NOW)
    heal()
    assert 0 < store.count(prospects) < 2900
    assert store.count(prospects) == store.count(enrolments)
    assert [row.state for row in store.all(select(imports))] == ["activating"]
    counts = import_file(store.database, file, RULES, NOW).counts
    assert counts == {"enrolled": 2900, "updated": 0, "unchanged": 100, "suppressed": 0, "rejected": 1}
    assert (store.count(prospects), store.count(enrolments), store.count(events)) == (2900, 2900, 5800)


def test_staging_goes_on_where_it_was_left(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text("email\n" + "".join(f"p{n}@abc.example\n" for n in range(20_000)))
    file = File(path, staging=tmp_path / "staged")
    with Job(store.database, file, RULES) as job:
        job.begin(NOW)
        assert job.stage()
    with Job(store.database, file, RULES) as job:
        run(job, NOW, print)
        assert job.finish(NOW).counts["enrolled"] == 20_000
    assert store.count(imports) == 1


def test_a_header_without_rows_is_refused(store: Store, tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match="no row below"):
        bring(store, tmp_path, "email,first_name\n\n")


def test_without_a_mailbox_nothing_is_imported(store: Store, tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match="no mailbox"):
        bring(store, tmp_path, "email\na@abc.example\n", rules=replace(RULES, mailboxes=()))


@pytest.mark.parametrize(
    ("row", "verdict"),
    [
        ("bob@abc.example,Bob,ABC,DE,,", "unchanged"),
        ("bob@abc.example,Bob,,,,", "unchanged"),
        ("bob@abc.example,Robert,ABC,DE,,", "updated"),
        ("bob@abc.example,Bob,ABC,FR,,", "updated"),
        ("bob@abc.example,Bob,ABC,DE,primary,", "updated"),
        ("bob@abc.example,Bob,XYZ,DE,,", "updated"),
    ],
)
def test_a_row_is_unchanged_only_when_it_tells_nothing_new(
    store: Store, tmp_path: Path, row: str, verdict: str
) -> None:
    bring(store, tmp_path, HEADER + "bob@abc.example,Bob,ABC,DE,,\n")
    (tmp_path / "again.csv").write_text(HEADER + row + "\n\n")
    with Job(store.database, File(tmp_path / "again.csv"), RULES) as job:
        run(job, NOW, print)
        found = job.report(0)
    assert [(line.verdict, line.reason) for line in found] == [(verdict, "is in proposal already (active)")]


def test_the_latest_generation_says_how_it_stands(store: Store, tmp_path: Path) -> None:
    bring(store, tmp_path, "email\nbob@abc.example\n")
    life = dict(store.all(select(enrolments))[0]._mapping)
    store.run(update(enrolments).values(state="finished", due_at=None))
    del life["id"]
    store.run(enrolments.insert().values({**life, "generation": 2, "state": "paused"}))
    (tmp_path / "again.csv").write_text("email\nbob@abc.example\n\n")
    with Job(store.database, File(tmp_path / "again.csv"), RULES) as job:
        run(job, NOW, print)
        assert job.finish(NOW).counts["unchanged"] == 1
        assert job.report(0)[0].reason == "is in proposal already (paused)"


def test_a_row_below_a_refused_row_of_the_same_person_is_refused_for_the_same_reason(
    store: Store, tmp_path: Path
) -> None:
    path = tmp_path / "list.csv"
    rows = "a@abc.example,A,,,,\na+x@abc.example,A,,,,\nb@abc.example,B,,,,\nb@abc.example,B,,,,nurture\n"
    path.write_text(HEADER + rows, encoding="utf-8")
    rules = replace(RULES, default_sequence="")
    with Job(store.database, File(path, path.name), rules) as job:
        run(job, NOW, print)
        found = job.report(0)
    assert [row.verdict for row in found] == ["rejected", "rejected", "unchanged", "enrolled"]
    assert found[0].reason == found[1].reason
    assert found[0].reason.startswith("no sequence")
    assert found[2].reason == "the same person as in line 5; the first row counts"


def test_backslashes_tabs_and_line_breaks_come_in_as_they_are(store: Store, tmp_path: Path) -> None:
    """What has a meaning of its own where rows come in by COPY has none in a value."""
    notes = 'one\\n two\\\\N\ttab\nline "quoted" \\.'
    cell = notes.replace('"', '""')
    bring(store, tmp_path, f'email,company,notes\na@abc.example,A\\B\\N,"{cell}"\nb\\c@abc.example,\\.,x\n')
    found = store.prospect("a@abc.example")
    assert found.fields == {"company": "A\\B\\N", "notes": notes}
    assert store.count(prospects) == 1
