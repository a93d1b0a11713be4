"""The library while it is edited: still files only, and never a broken one."""

import pytest

from cadenced.errors import BrokenWorkspaceError
from cadenced.library import Admission, LibrarySource


class Watched:
    """A source on a clock that stands still until it is moved."""

    def __init__(self, desk, admission=None):
        self.now = 0.0
        self.source = LibrarySource(desk.where, lambda: self.now, admission=admission)

    def after(self, seconds):
        self.now += seconds
        return self.source.changed()


@pytest.fixture
def watched(desk):
    desk.template("t")
    desk.sequence("a", "steps: [{email: t}]")
    found = Watched(desk)
    found.source.reload()
    return found


def test_nothing_has_changed_after_a_reload(watched):
    assert not watched.after(60)


def test_a_change_is_told_once_it_has_been_still_for_two_seconds(desk, watched):
    desk.sequence("b", "steps: [{task: call}]")

    assert not watched.after(0)
    assert not watched.after(1.9)
    assert watched.after(0.1)
    assert set(watched.source.reload().sequences) == {"a", "b"}
    assert not watched.after(10)


def test_an_editor_that_truncates_and_writes_is_never_caught_in_between(desk, watched):
    desk.template("t", "")
    assert not watched.after(0)
    assert not watched.after(1.5)
    desk.template("t", "---\nsubject: new\n---\nnew\n")
    assert not watched.after(1.5)
    assert watched.after(2)

    assert watched.source.reload().templates["t"].subject == "new"


@pytest.mark.parametrize("broken", ["", "---\nsubject: new\n---\n", "---\nsubject: {{ x", "Hello"])
def test_a_broken_edit_leaves_the_last_good_library_in_place(desk, watched, broken):
    good = watched.source.library
    desk.template("t", broken)
    watched.after(0)
    assert watched.after(2)

    with pytest.raises(BrokenWorkspaceError):
        watched.source.reload()

    assert watched.source.library is good
    assert watched.source.problems
    assert not watched.after(60)


def test_a_cure_is_noticed_and_the_problems_are_gone(desk, watched):
    test_a_broken_edit_leaves_the_last_good_library_in_place(desk, watched, "")
    desk.template("t", "---\nsubject: cured\n---\ncured\n")
    watched.after(0)
    assert watched.after(2)

    watched.source.reload()

    assert watched.source.problems == ()


def test_a_file_that_goes_away_is_a_change(desk, watched):
    (desk.where.sequences / "a.yaml").unlink()
    watched.after(0)

    assert watched.after(2)
    assert watched.source.reload().sequences == {}


def test_a_folder_that_goes_away_keeps_the_last_good_library(desk, watched):
    desk.where.sequences.rename(desk.root / "elsewhere")
    watched.after(0)
    assert watched.after(2)

    with pytest.raises(BrokenWorkspaceError):
        watched.source.reload()
    assert set(watched.source.library.sequences) == {"a"}


def test_forgetting_makes_still_files_count_as_changed(watched):
    watched.source.forget()

    assert not watched.after(0)
    assert watched.after(2)


class Meddling(Admission):
    """Somebody saves a file while the library is read."""

    def __init__(self, desk):
        super().__init__()
        self.desk = desk

    def refusals(self, sources):
        self.desk.sequence("late", "steps: [{task: call}]")
        return super().refusals(sources)


def test_what_changes_while_it_is_read_is_not_taken_and_is_read_again(desk):
    desk.template("t")
    watched = Watched(desk, Meddling(desk))

    with pytest.raises(BrokenWorkspaceError, match="changed while this was read"):
        watched.source.reload()
    assert watched.source.library.templates == {}
    watched.after(0)
    assert watched.after(2)
