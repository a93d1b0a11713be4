"""``cadenced reclassify``: what asks for more silence is done, what asks for less is asked about."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text
from story import Story, said


@pytest.fixture
async def misread(full: Story) -> Story:
    """A history in which two mails were read wrongly: an opt-out as nothing much, an absence as an answer."""

    def work(tx: Any) -> None:
        tx.execute(text("UPDATE inbound SET verdict = 'auto.other' WHERE verdict = 'reply.unsubscribe'"))
        tx.execute(text("DELETE FROM suppressions"))

    full.transact(work)
    return full


async def test_a_sound_history_reads_as_before(full: Story, capfd: Any) -> None:
    assert said(capfd, "reclassify", "--json").json == []
    assert "reads as before" in said(capfd, "reclassify").out


async def test_looking_changes_nothing(misread: Story, capfd: Any) -> None:
    (change,) = said(capfd, "reclassify", "--json").json
    assert (change["before"], change["after"]) == ("auto.other", "reply.unsubscribe")
    assert (change["effect"], change["applied"]) == ("silence", False)
    assert "Nothing is changed yet" in said(capfd, "reclassify").out
    assert said(capfd, "suppress", "list", "--json").json == []


async def test_what_asks_for_silence_is_carried_out(misread: Story, capfd: Any) -> None:
    assert "Written." in said(capfd, "reclassify", "--apply").out
    (suppressed,) = said(capfd, "suppress", "list", "--json").json
    assert suppressed["email"] == "out@c.example"
    assert said(capfd, "reclassify", "--json").json == []
    assert said(capfd, "audit").status == 0


async def test_nobody_is_set_going_again_by_a_machine(full: Story, capfd: Any) -> None:
    def work(tx: Any) -> None:
        tx.execute(text("UPDATE inbound SET verdict = 'reply.unclear' WHERE verdict = 'auto.out_of_office'"))
        tx.execute(
            text(
                "UPDATE enrolments SET state = 'halted', due_at = NULL, outcome = 'reply.unclear' WHERE prospect_id ="
                " (SELECT id FROM prospects WHERE email = 'away@d.example')"
            )
        )

    full.transact(work)
    (change,) = said(capfd, "reclassify", "--apply", "--json").json
    assert change["effect"] == "question"
    shown = said(capfd, "show", "away@d.example", "--json").json
    assert shown["enrolments"][0]["state"] == "halted"
    assert "was taken for reply.unclear" in shown["tasks"][-1]["brief"]


async def test_an_opt_out_by_its_link_stays_one(full: Story, capfd: Any) -> None:
    full.transact(lambda tx: tx.execute(text("UPDATE inbound SET how = 'opt-out link', verdict = 'reply.unsubscribe'")))
    assert said(capfd, "reclassify", "--json").json == []
