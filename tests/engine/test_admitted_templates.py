"""An unchanged template needs no trial at the next start, unless another program judges."""

from __future__ import annotations

from pathlib import Path

import pytest

from cadenced import library
from cadenced.errors import BrokenWorkspaceError
from cadenced.library.admission import Admission, judge
from cadenced.library.loading import Shelves
from cadenced.store import admitted
from cadenced.store.database import Database

NO_CHILD = "raise SystemExit(1)"


@pytest.fixture
def shelves(tmp_path: Path) -> Shelves:
    for name in ("sequences", "templates"):
        (tmp_path / name).mkdir()
    (tmp_path / "sequences" / "plan.yaml").write_text("title: A plan\nsteps:\n  - email: one\n")
    (tmp_path / "templates" / "one.md").write_text('---\nsubject: "Your plan"\n---\nHello {{ first_name }},\n')
    return Shelves(tmp_path / "sequences", tmp_path / "templates")


@pytest.fixture
def database(tmp_path: Path) -> Database:
    one = Database(f"sqlite:///{tmp_path}/cadenced.db", inline=True)
    one.open()
    return one


def test_a_version_that_was_let_in_before_is_not_tried_again(shelves: Shelves, database: Database) -> None:
    versions = [template.version for template in library.load(shelves).templates.values()]
    database.transact(lambda tx: admitted.note(tx, judge(), versions))
    passed = database.read(lambda tx: admitted.known(tx, judge()))
    assert library.load(shelves, Admission(boot=NO_CHILD, passed=passed)).templates.keys() == {"one"}


def test_an_edited_version_is_tried(shelves: Shelves, database: Database) -> None:
    versions = [template.version for template in library.load(shelves).templates.values()]
    (shelves.templates / "one.md").write_text('---\nsubject: "Your plan"\n---\nGood day {{ first_name }},\n')
    with pytest.raises(BrokenWorkspaceError):
        library.load(shelves, Admission(boot=NO_CHILD, passed=versions))


def test_what_another_program_let_in_is_tried_again(database: Database) -> None:
    database.transact(lambda tx: admitted.note(tx, "cadenced 0.0.1", ["a", "b"]))
    assert database.read(lambda tx: admitted.known(tx, judge())) == frozenset()
    assert database.read(lambda tx: admitted.known(tx, "cadenced 0.0.1")) == {"a", "b"}


def test_only_what_is_in_force_is_kept(database: Database) -> None:
    for versions in (["a", "b"], ["b", "c"]):
        database.transact(lambda tx, kept=versions: admitted.note(tx, judge(), kept))
    assert database.read(lambda tx: admitted.known(tx, judge())) == {"b", "c"}
