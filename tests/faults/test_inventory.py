"""The page of faults names tests that exist, and every row."""

from __future__ import annotations

import re
from pathlib import Path

TESTS = Path(__file__).parents[1]
PAGE = TESTS.parent / "docs" / "faults.md"


def named() -> set[str]:
    return set(re.findall(r"`(test_\w+)`", PAGE.read_text(encoding="utf-8")))


def test_every_test_that_the_page_of_faults_names_exists() -> None:
    known = {
        name
        for path in TESTS.rglob("test_*.py")
        for name in re.findall(r"^\s*(?:async )?def (test_\w+)", path.read_text(encoding="utf-8"), re.MULTILINE)
    }
    assert named() - known == set()


def test_the_page_of_faults_has_every_row_with_a_test_or_a_reason() -> None:
    rows = re.findall(r"^\| (T?\d+)(?:–T(\d+))? \|(.*)$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    numbers: list[str] = []
    for first, last, rest in rows:
        span = range(int(first.strip("T")), int(last or first.strip("T")) + 1)
        numbers += [f"{'T' if first.startswith('T') else ''}{n}" for n in span]
        assert "`test_" in rest or "not covered" in rest, first
    assert numbers == [*map(str, range(1, 71)), *(f"T{n}" for n in range(1, 33))]


def test_every_suite_of_faults_stands_on_the_page() -> None:
    here = {
        name
        for path in Path(__file__).parent.glob("test_*.py")
        if path != Path(__file__)
        for name in re.findall(r"^(?:async )?def (test_\w+)", path.read_text(encoding="utf-8"), re.MULTILINE)
    }
    assert here - named() == set()
