"""The file of those who were stopped by hand: what it holds, and what of it counts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cadenced.store import stops
from cadenced.store.stops import Kept, Stop

AT = datetime(2026, 11, 22, 9, tzinfo=UTC)
ANN, BOB = ("a" * 64, "b" * 64)


def test_lines_are_read_as_they_were_added(tmp_path: Path) -> None:
    path = tmp_path / "new" / "stops.txt"
    said = (Stop(1, stops.HALTED, ANN, AT), Stop(2, stops.LIFTED, BOB, AT + timedelta(seconds=1)))
    stops.append(path, said[:1], "f00d")
    stops.append(path, said[1:])
    assert stops.read(path) == Kept("f00d", said)
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_torn_line_costs_itself_alone(tmp_path: Path) -> None:
    path = tmp_path / "stops.txt"
    stops.append(path, [Stop(1, stops.HALTED, ANN, AT)], "f00d")
    path.write_text(path.read_text()[:-30])
    stops.append(path, [Stop(2, stops.SUPPRESSED, BOB, AT)])
    assert stops.read(path) == Kept("f00d", (Stop(2, stops.SUPPRESSED, BOB, AT),))


def test_of_two_names_given_at_once_the_first_counts(tmp_path: Path) -> None:
    path = tmp_path / "stops.txt"
    stops.append(path, [Stop(1, stops.HALTED, ANN, AT)], "f00d")
    stops.append(path, [Stop(1, stops.HALTED, BOB, AT)], "beef")
    assert stops.read(path) == Kept("f00d", (Stop(1, stops.HALTED, ANN, AT), Stop(1, stops.HALTED, BOB, AT)))


def test_what_makes_no_sense_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "stops.txt"
    path.write_bytes(b"\xff\n1 halted short 2026-01-01\nx halted " + b"a" * 64 + b" 2026-01-01\n1 praised " + b"a" * 64)
    assert stops.read(path) == Kept()
    assert stops.read(tmp_path / "none") == Kept()


def test_a_file_that_cannot_be_read_is_not_taken_for_none(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="directory"):
        stops.read(tmp_path)
