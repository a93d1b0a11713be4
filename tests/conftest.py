"""What holds for all suites: required services are really there, and what was skipped is said loudly."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from _pytest.terminal import TerminalReporter

REQUIRED = os.environ.get("CADENCED_REQUIRE", "").split()


@pytest.hookimpl(trylast=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """A suite whose service is required fails where it would be skipped."""
    for name in REQUIRED:
        if item.get_closest_marker(name) and any(
            mark.name == "skipif" and mark.args and mark.args[0] for mark in item.iter_markers()
        ):
            pytest.fail(f"{name} is required (CADENCED_REQUIRE) and not installed", pytrace=False)


def pytest_terminal_summary(terminalreporter: TerminalReporter) -> None:
    """Say which suites did not run, and why."""
    skipped = terminalreporter.stats.get("skipped", [])
    reasons: dict[str, int] = {}
    for report in skipped:
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        reasons[reason.removeprefix("Skipped: ")] = reasons.get(reason.removeprefix("Skipped: "), 0) + 1
    for reason, count in reasons.items():
        terminalreporter.write_line(f"!!! {count} tests did not run: {reason}", yellow=True, bold=True)


@pytest.fixture(scope="session")
def corpus() -> Path:
    """The folder of real mail, where there is one."""
    here = Path(__file__).parents[1]
    folder = Path(os.environ.get("CADENCED_CORPUS", here.parent / "shared" / "corpus"))
    if not folder.is_dir():
        pytest.skip("the folder of real mail is not here (CADENCED_CORPUS)")
    return folder
