"""Mutants of the plan: when a step is due, what keeps it back, and what follows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection

from cadenced.core import events, lifecycle, planner
from cadenced.core.model import State
from cadenced.core.planner import Quota
from cadenced.engine import acts, moves, pace
from cadenced.engine.steadiness import Steadiness
from cadenced.store import touches, volume
from simulation.mutants import BRIEF, mutant, replacing
from simulation.settings_of_worlds import PACED
from simulation.sim_scale import Climate, Parts, Scale


def _without(patch: pytest.MonkeyPatch, *guards: Any) -> None:
    patch.setattr(planner, "_LADDER", tuple(guard for guard in planner._LADDER if guard not in guards))


@mutant("I6", scale=BRIEF)
def keeps_no_window(patch: pytest.MonkeyPatch, _: Parts) -> None:
    _without(patch, planner._outside_window)


@mutant("I6", scale=BRIEF)
def keeps_no_limit_and_no_gap(patch: pytest.MonkeyPatch, parts: Parts) -> None:
    parts.climate = Climate(terms=replace(PACED, daily_limit=0))
    patch.setattr(pace, "allowance", lambda *_args: pace.Allowance(Quota(), None))


@mutant("I6", scale=BRIEF)
def forgets_what_was_sent_today(patch: pytest.MonkeyPatch, parts: Parts) -> None:
    parts.climate = Climate(terms=PACED)
    patch.setattr(volume, "sent_since", lambda *_args: 0)


@mutant("I22", "I6")
def counts_the_gap_from_the_plan(patch: pytest.MonkeyPatch, _: Parts) -> None:
    @replacing(patch, moves, "note_sent")
    def note_sent(healthy: Any, tx: Connection, workspace: Any, sent: Sequence[Any], at: datetime) -> None:
        for enrolment, touch in sent:
            healthy(tx, workspace, [(enrolment, touch)], max(enrolment.anchor, min(at, touch.planned_at)))


@mutant("I22")
def sends_the_next_step_without_its_delay(patch: pytest.MonkeyPatch, _: Parts) -> None:
    @replacing(patch, lifecycle.pacing, "add")
    def add(healthy: Any, moment: datetime, delay: Any, place: Any) -> Any:
        return healthy(moment, replace(delay, amount=0), place)


@mutant("I22")
def forgets_a_touch_that_crossed_an_answer(patch: pytest.MonkeyPatch, _: Parts) -> None:
    def sent(enrolment: Any, event: Any, sequence: Any) -> Any:
        after = lifecycle._sent(enrolment, event, sequence)
        return after if enrolment.live and event.step == enrolment.step else replace(after, anchor=enrolment.anchor)

    for state in State:
        patch.setitem(lifecycle.TRANSITIONS[state], events.Sent, sent)  # type: ignore[arg-type] # a dict inside


@mutant("I2")
def wakes_the_paused_at_once(patch: pytest.MonkeyPatch, _: Parts) -> None:
    @replacing(patch, acts, "pause")
    def pause(healthy: Any, tx: Connection, workspace: Any, email: str, until: datetime, *rest: Any) -> Any:
        del until
        return healthy(tx, workspace, email, workspace.now() + timedelta(seconds=1), *rest)


@mutant("I13", scale=Scale(people=6, days=4, calm=5))
def lets_the_paused_sleep_for_ever(patch: pytest.MonkeyPatch, _: Parts) -> None:
    patch.setattr(lifecycle, "wake", lambda *_: None)
    _without(patch, planner._parked)
    patch.setattr(planner, "_LADDER", (_asleep, *planner._LADDER))


def _asleep(enrolment: Any, _sequence: Any, given: Any) -> Any:
    if enrolment.state is State.PAUSED:
        return planner.Wait(given.now + timedelta(hours=1), "asleep")
    return None


@mutant("I13")
def begins_nothing_after_the_plan(patch: pytest.MonkeyPatch, _: Parts) -> None:
    patch.setattr(moves, "follow", lambda *_: None)


@mutant("I22", "I6")
def trusts_a_clock_that_jumps(patch: pytest.MonkeyPatch, _: Parts) -> None:
    patch.setattr(Steadiness, "__call__", lambda _self: "")


@mutant("I7", "I1", "I11", "I22")
def writes_on_while_a_touch_is_in_doubt(patch: pytest.MonkeyPatch, _: Parts) -> None:
    """The next try does not wait for the last one: no guard of the plan, and any row may be claimed."""
    _without(patch, planner._in_doubt)
    doubtful = frozenset({touches.TouchState.UNKNOWN, touches.TouchState.IN_DOUBT})

    @replacing(patch, touches, "_move")
    def move(healthy: Any, tx: Connection, touch: int, origins: Any, owner: str, **columns: Any) -> bool:
        wider = set(origins) | doubtful if columns.get("state") == "claimed" else origins
        return bool(healthy(tx, touch, wider, owner, **columns))


@mutant("I13", "I15", scale=Scale(people=6, days=4, calm=5))
def forgets_that_a_step_has_its_row(patch: pytest.MonkeyPatch, _: Parts) -> None:
    from cadenced.engine.dossiers import Dossier  # noqa: PLC0415 - beside its only use

    patch.setattr(Dossier, "of_step", lambda *_: None)
