"""A very long list becomes real piece by piece, each in the order of its addresses: same people, same report."""

from __future__ import annotations

import random
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import select

from cadenced.engine.intake_import import File, Job, import_file, run
from cadenced.store import import_spool, people
from cadenced.store.import_turns import LEAST
from cadenced.store.imports import Verdict
from cadenced.store.schema import enrolments, prospects
from intake.folder import NOW, RULES, Store, bring

PIECE = 700
ROWS = 3 * LEAST


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lists are very long from seven hundred lines on."""
    monkeypatch.setattr(import_spool, "PIECE", PIECE)


def listed(folder: Path, count: int = ROWS) -> File:
    names = [f"p{n:05}@abc{n % 7}.example,P{n}" for n in range(count)]
    random.Random(7).shuffle(names)  # noqa: S311 - the same order every time
    names[3], names[-2] = "broken,x", names[1]
    (folder / "list.csv").write_text("email,first_name\n" + "\n".join(names) + "\n")
    return File(folder / "list.csv", staging=folder / "staged")


def told(store: Store, file: File) -> list[Verdict]:
    """Import a list; return its report."""
    found: list[Verdict] = []
    with Job(store.database, file, RULES) as job:
        run(job, NOW, print)
        job.finish(NOW)
        while page := job.report(found[-1].line if found else 0):
            found += page
        job.tidy()
    return found


def begun(store: Store) -> list[str]:
    """The addresses in the order in which they are enrolled."""
    query = select(prospects.c.email).join(enrolments, enrolments.c.prospect_id == prospects.c.id)
    return [row.email for row in store.all(query.order_by(enrolments.c.id))]


def addresses(file: File) -> list[str]:
    """The addresses in the order of the file."""
    lines = file.path.read_text().splitlines()[1:]
    found = [line.partition(",")[0] for line in lines]
    return [one for n, one in enumerate(found) if "@" in one and one not in found[:n]]


def test_a_list_of_one_piece_begins_in_its_own_order(store: Store, tmp_path: Path, short: None) -> None:
    file = listed(tmp_path, PIECE - 1)
    told(store, file)
    assert begun(store) == addresses(file)


def test_a_longer_list_begins_piece_by_piece_in_the_order_of_addresses(
    store: Store, tmp_path: Path, short: None
) -> None:
    file = listed(tmp_path)
    told(store, file)
    lines = [line.partition(",")[0] for line in ["", *file.path.read_text().splitlines()]]
    pieces = [sorted(filter(None, lines[at + 1 : at + PIECE + 1])) for at in range(0, len(lines), PIECE)]
    wanted = [one for piece in pieces for one in piece if "@" in one]
    assert begun(store) == list(dict.fromkeys(wanted))


def test_its_report_has_every_line_in_the_order_of_the_file(store: Store, tmp_path: Path, short: None) -> None:
    file = listed(tmp_path)
    known, never = addresses(file)[10], addresses(file)[1200]
    (tmp_path / "before").mkdir()
    bring(store, tmp_path / "before", f"email\n{known}\n")
    store.database.transact(lambda tx: people.suppress(tx, never, "asked", NOW))
    found = told(store, file)
    assert [one.line for one in found] == list(range(2, ROWS + 2))
    apart = {one.line: (one.email, one.verdict) for one in found if one.verdict != "enrolled"}
    by_address = {one.email: one.line for one in reversed(found)}
    assert apart == {
        5: ("broken", "rejected"),
        by_address[known]: (known, "updated"),
        by_address[never]: (never, "suppressed"),
        ROWS: (addresses(file)[1], "unchanged"),
    }


def test_one_that_was_stopped_goes_on_where_it_had_come_to(store: Store, tmp_path: Path, short: None) -> None:
    file = listed(tmp_path)
    with Job(store.database, file, RULES) as job:
        job.begin(NOW)
        while job.stage():
            pass
        job.settle()
        with closing(job.activation(NOW)) as slices:
            slices.step()
    result = import_file(store.database, file, RULES, NOW)
    assert result.counts == {"enrolled": ROWS - 2, "updated": 0, "unchanged": 1, "suppressed": 0, "rejected": 1}
    assert sorted(begun(store)) == sorted(addresses(file))


def test_one_whose_rows_were_lost_in_the_middle_begins_again_and_leaves_nobody_out(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when another version had brought them in by another order."""
    file = listed(tmp_path)
    with Job(store.database, file, RULES) as job:
        job.begin(NOW)
        while job.stage():
            pass
        job.settle()
        with closing(job.activation(NOW)) as slices:
            slices.step()
            slices.step()
        job.forget()
    monkeypatch.setattr(import_spool, "PIECE", PIECE)
    result = import_file(store.database, file, RULES, NOW)
    assert sorted(begun(store)) == sorted(addresses(file))
    assert sum(result.counts.values()) == ROWS
    assert store.count(enrolments) == store.count(prospects) == ROWS - 2
