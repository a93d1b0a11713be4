"""The end of a world: what stands in its store is compared with what the oracle has seen."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from simulation.oracle import Row

if TYPE_CHECKING:
    from simulation.sim_world import World

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
ROWS = "SELECT message_id, recipient, sequence, step, generation, state, sha256, boot_id, evidence FROM touches"
"""Touches as the oracle wants them."""

_UNASKED = """
SELECT t.message_id FROM touches t JOIN enrolments e ON e.id = t.enrolment_id
WHERE t.state = 'in_doubt' AND NOT EXISTS (SELECT 1 FROM tasks q WHERE q.touch_id = t.id AND q.done_at IS NULL)
"""
_LOST = """
SELECT p.email FROM prospects p WHERE p.email NOT IN (SELECT email FROM suppressions)
AND (SELECT count(*) FROM enrolments e WHERE e.prospect_id = p.id AND e.outcome = 'moved to nurture')
  > (SELECT count(*) FROM enrolments e WHERE e.prospect_id = p.id AND e.sequence = 'nurture')
"""
_LIVE = """
SELECT p.email, e.sequence, e.state, e.step, e.due_at,
       (SELECT count(*) FROM tasks t WHERE t.enrolment_id = e.id AND t.done_at IS NULL)
FROM enrolments e JOIN prospects p ON p.id = e.prospect_id
WHERE e.state IN ('active', 'paused', 'awaiting_task')
"""
_EFFECTS = """
SELECT p.email, v.at FROM events v JOIN prospects p ON p.id = v.prospect_id
WHERE v.event IN ('replied', 'opted_out') ORDER BY v.id
"""


def judge(world: World) -> None:
    """Compare the store with the facts."""
    for fault in world.loop.faults:
        world.oracle.breaks("world", fault)
    ask = world.store.ask
    world.oracle.moved(ask("SELECT id, before, after FROM moves"))
    world.oracle.rows_at_the_end({row[0]: Row(*row[1:]) for row in ask(ROWS)})
    live = {f"{row[0]} {row[1]}": (row[2], row[3], moment(row[4]), row[5]) for row in ask(_LIVE)}
    world.oracle.course_at_the_end(live, world.true_now())
    world.oracle.questions_at_the_end(row[0] for row in ask(_UNASKED))
    world.oracle.followed_at_the_end(row[0] for row in ask(_LOST))
    read: dict[str, list[datetime]] = {}
    for email, at in ask(_EFFECTS):
        read.setdefault(email, []).append(EPOCH + timedelta(microseconds=at))
    world.oracle.answers_at_the_end(read, world.begin)
    for _ in ask("SELECT id FROM inbound WHERE evidence LIKE '%fault of cadenced%'"):
        world.oracle.breaks("I18", "a mail led to a fault of the product")


def moment(microseconds: int | None) -> datetime | None:
    """Return a time of the store as one of ours."""
    return None if microseconds is None else EPOCH + timedelta(microseconds=microseconds)
