"""The order of a day: people first, then what holds others up, then calls, then what is broken."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from story import Story, said

from cadenced.store import tasks
from cadenced.store.tasks import NewTask

Asks = Callable[..., None]


@pytest.fixture
def ask(told: Story) -> Asks:
    def opened(kind: str, **ago: float) -> None:
        at = datetime.now(UTC) - timedelta(**ago)
        told.transact(lambda tx: tasks.add(tx, NewTask(kind, f"A {kind} of {ago}.", at), at))

    return opened


def kinds(capfd: Any, *line: str) -> list[str]:
    return [task["kind"] for task in said(capfd, "today", *line, "--json").json["tasks"]]


def test_an_answer_stands_above_older_calls_and_dead_addresses(ask: Asks, capfd: Any) -> None:
    ask("address", days=9)
    ask("wording", days=8)
    ask("call", days=7)
    ask("doubt", days=6)
    ask("reply", minutes=1)
    ask("colleague", minutes=3)
    ask("call", minutes=5)
    assert kinds(capfd) == ["colleague", "reply", "doubt", "call", "call", "address", "wording"]


def test_what_is_due_on_later_days_comes_by_its_date(ask: Asks, capfd: Any) -> None:
    ask("reply", days=-5)
    ask("call", days=-3)
    ask("address", days=1)
    assert kinds(capfd, "--all") == ["address", "call", "reply"]


@pytest.mark.parametrize(
    ("ages", "heading"),
    [
        ((3, 2), "2 for you, all of them from before today"),
        ((3, 0), "2 for you, 1 from before today"),
        ((3,), "1 for you, from before today"),
        ((0,), "1 for you"),
    ],
)
def test_the_heading_counts_what_is_late(ask: Asks, capfd: Any, ages: tuple[int, ...], heading: str) -> None:
    for age in ages:
        ask("call", days=age)
    ask("call", days=-9)
    assert said(capfd, "today").out.splitlines()[0] == heading


def test_done_without_an_outcome_names_the_words_of_this_task(ask: Asks, capfd: Any) -> None:
    ask("call", days=1)
    answer = said(capfd, "done", "1")
    assert answer.status == 2
    assert "cadenced done 1 --outcome reached|no_answer|voice_message" in answer.err
    assert said(capfd, "done", "99").err == "cadenced: there is no task 99\n"
