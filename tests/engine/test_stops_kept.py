"""What a human said after the backup that was put back holds, whoever speaks first, and in whichever order it was."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from test_hostile_orders import ANN, Home

from cadenced.core.model import State
from cadenced.engine import acts, stops
from cadenced.store import forgotten, people
from cadenced.store import stops as store
from cadenced.store.stops import FORGOTTEN, HALTED, LIFTED, RESUMED, SUPPRESSED, Kept, Stop

BOB, EVE = "bob@there.example", "eve@there.example"


def since_the_backup(home: Home, *said: tuple[str, str], name: str = "f00d") -> None:
    """Write lines that the database does not know of, as if it were older than they are."""
    emails = {email for _, email in said}
    digests = home.read(lambda tx: forgotten.digests(tx, emails))
    lines = [Stop(number, what, digests[email], home.now) for number, (what, email) in enumerate(said, 1)]
    store.append(stops.place(home.workspace.config), lines, name)


def start(home: Home) -> int:
    found = stops.kept(home.workspace)
    return int(home.do(lambda tx: stops.make_up(tx, home.workspace, found)))


def is_silenced(home: Home, email: str) -> bool:
    return bool(home.read(lambda tx: people.is_suppressed(tx, email)))


@pytest.mark.parametrize(
    ("said", "halted", "silenced"),
    [
        ((HALTED,), True, False),
        ((HALTED, RESUMED), False, False),
        ((SUPPRESSED,), True, True),
        ((SUPPRESSED, HALTED), True, True),
        ((FORGOTTEN, HALTED), True, True),
        ((SUPPRESSED, RESUMED), True, True),  # another sequence of theirs: nobody resumes whom they may not write to
        ((SUPPRESSED, LIFTED), True, False),  # what a suppression ended begins by no lifting
        ((HALTED, LIFTED), True, False),
        ((SUPPRESSED, LIFTED, SUPPRESSED), True, True),
        ((SUPPRESSED, LIFTED, RESUMED), False, False),
    ],
)
def test_what_was_said_holds_in_its_order(home: Home, said: Sequence[str], halted: bool, silenced: bool) -> None:
    home.enrol(ANN)
    home.enrol(BOB)
    since_the_backup(home, *((what, ANN) for what in said))
    assert start(home) == len(said)
    assert (home.standing(ANN).state is State.HALTED, is_silenced(home, ANN)) == (halted, silenced)
    assert home.standing(BOB).live
    assert start(home) == 0


def test_a_command_before_the_first_start_hides_no_line(home: Home) -> None:
    for email in (ANN, BOB):
        home.enrol(email)
    since_the_backup(home, (HALTED, ANN))
    home.do(lambda tx: acts.halt(tx, home.workspace, BOB))
    stops.keep(home.workspace, HALTED, BOB)
    assert home.standing(ANN).state is State.HALTED
    kept = store.read(stops.place(home.workspace.config))
    assert [(line.number, line.what) for line in kept.lines] == [(1, HALTED), (2, HALTED)]
    assert start(home) == 0


def test_what_is_said_now_counts_more_than_what_was_said_before(home: Home) -> None:
    home.enrol(ANN)
    since_the_backup(home, (HALTED, ANN))
    stops.keep(home.workspace, RESUMED, ANN)
    assert home.standing(ANN).live
    assert start(home) == 0


def test_files_of_two_machines_are_counted_each_by_itself(home: Home) -> None:
    for email in (ANN, BOB):
        home.enrol(email)
    since_the_backup(home, (HALTED, EVE), (HALTED, EVE), (HALTED, ANN))
    assert start(home) == 3
    stops.place(home.workspace.config).unlink()
    since_the_backup(home, (HALTED, BOB), name="beef")
    assert start(home) == 1
    assert home.standing(BOB).state is State.HALTED


@pytest.mark.parametrize("what", [HALTED, SUPPRESSED, FORGOTTEN])
def test_no_list_brings_back_who_is_unknown_to_the_backup(home: Home, what: str) -> None:
    since_the_backup(home, (what, EVE))
    start(home)
    assert home.read(lambda tx: forgotten.at(tx, EVE)) == home.now


def test_a_file_that_cannot_be_read_is_told_of(home: Home, caplog: pytest.LogCaptureFixture) -> None:
    stops.place(home.workspace.config).mkdir(parents=True)
    assert stops.kept(home.workspace) == Kept()
    assert "cannot be known" in caplog.text
