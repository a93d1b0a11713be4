"""Every invariant is found broken when it is: a corrupted row, a sentence, exit status 1."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Connection, text
from story import Story, said

from cadenced.store import audit, people

WHO = {"silent": "silent@a.example", "yes": "yes@b.example"}


def broken(capfd: Any) -> dict[str, int]:
    """Return what the audit finds, by law."""
    answer = said(capfd, "audit", "--json")
    found = {law["law"]: law["count"] for law in answer.json["laws"] if law["count"]}
    assert answer.status == (0 if answer.json["sound"] else 1)
    return found


def spoil(story: Story, *statements: str) -> None:
    def work(tx: Connection) -> None:
        for statement in statements:
            known = {name: people.by_email(tx, email) for name, email in WHO.items() if f":{name}" in statement}
            tx.execute(text(statement), {name: one.id for name, one in known.items() if one is not None})

    story.transact(work)


async def test_a_sound_database_breaks_nothing(full: Story, capfd: Any) -> None:
    assert broken(capfd) == {"doubt": 1}
    page = said(capfd, "audit")
    assert page.status == 0
    assert "All 13 hold; 1 thing to look at." in page.out


CORRUPTIONS = {
    "one-person": "UPDATE prospects SET untagged = 'yes@b.example' WHERE email = 'out@c.example'",
    "next-step": "UPDATE enrolments SET state = 'active', due_at = NULL, outcome = '' WHERE prospect_id = :yes",
    "over-is-over": "UPDATE enrolments SET due_at = 1 WHERE prospect_id = :yes",
    "asked": "UPDATE enrolments SET state = 'awaiting_task', due_at = 1, reason = 'x', outcome = ''"
    " WHERE prospect_id = :silent",
    "silent": "INSERT INTO suppressions (email, reason, at) VALUES ('silent@a.example', 'x', 99999999999999999)",
    "armed": "UPDATE touches SET armed_at = NULL WHERE id = 1",
    "frozen": "UPDATE touches SET raw = x'21' WHERE id = 1",
    "after-suppression": "UPDATE suppressions SET at = (SELECT armed_at FROM touches WHERE id = 3) - 7000001",
    "after-reply": "UPDATE touches SET armed_at = 7000001 + (SELECT seen_at FROM inbound WHERE prospect_id = :yes)"
    " WHERE prospect_id = :yes",
    "under-way": "UPDATE touches SET state = 'claimed', armed_at = NULL, claimed_at = 1 WHERE id = 1",
}


@pytest.mark.parametrize(("law", "statement"), CORRUPTIONS.items(), ids=list(CORRUPTIONS))
async def test_a_corrupted_row_is_found(full: Story, capfd: Any, law: str, statement: str) -> None:
    if law == "asked":
        spoil(full, "DELETE FROM tasks WHERE prospect_id = :silent")
    spoil(full, statement)
    assert broken(capfd).get(law) == 1
    weight = next(one.weight for one in audit.LAWS if one.name == law)
    assert said(capfd, "audit").status == (1 if weight is audit.Weight.BROKEN else 0)


async def test_two_live_enrolments_of_one_person_are_found(full: Story, capfd: Any) -> None:
    spoil(
        full,
        "CREATE TEMP TABLE twin AS SELECT * FROM enrolments WHERE id = (SELECT max(id) FROM enrolments)",
        "UPDATE twin SET id = 99, sequence = 'nurture'",
        "INSERT INTO enrolments SELECT * FROM twin",
    )
    assert broken(capfd).get("one-sequence") == 1


async def test_a_touch_may_trail_a_stop_by_no_more_than_the_protocol_allows(full: Story, capfd: Any) -> None:
    spoil(full, "UPDATE suppressions SET at = (SELECT armed_at FROM touches WHERE id = 3) - 7000000")
    assert "after-suppression" not in broken(capfd)


async def test_a_sequence_that_goes_on_after_an_answer_breaks_nothing(full: Story, capfd: Any) -> None:
    spoil(full, CORRUPTIONS["after-reply"], "UPDATE inbound SET verdict = 'reply.not_now' WHERE prospect_id = :yes")
    assert "after-reply" not in broken(capfd)


async def test_what_a_human_resumed_breaks_nothing(full: Story, capfd: Any) -> None:
    said(capfd, "resume", "yes@b.example")
    await full.days(10)
    spoil(
        full,
        "UPDATE touches SET armed_at = (SELECT max(at) FROM events WHERE prospect_id = :yes) + 1"
        " WHERE prospect_id = :yes",
    )
    assert "after-reply" not in broken(capfd)


def test_every_law_has_a_name_and_a_sentence() -> None:
    assert len({law.name for law in audit.LAWS}) == len(audit.LAWS)
    assert all(law.text.endswith(".") for law in audit.LAWS)
    proven = {*CORRUPTIONS, "one-sequence", "doubt", "one-id"}  # one-id cannot be broken: the schema has a unique key
    assert {law.name for law in audit.LAWS} == proven


def test_a_long_list_is_cut_and_counted(told: Story, capfd: Any) -> None:
    told.bring_in(*(f"p{n}@a.example" for n in range(30)))
    spoil(told, "UPDATE enrolments SET due_at = NULL")
    page = said(capfd, "audit")
    assert page.status == 1
    assert "and 10 more" in page.out
