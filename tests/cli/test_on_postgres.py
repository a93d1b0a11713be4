"""The commands say the same on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import story
from sqlalchemy import text
from story import Story, said

from cadenced import ports
from cadenced.store import leases
from peers import postgres

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.skipif(not postgres.available(), reason="PostgreSQL's programs are not installed"),
]


@pytest.fixture(scope="module")
def server() -> Iterator[postgres.Server]:
    with postgres.server() as one:
        yield one


@pytest.fixture
def far(tmp_path: Path, server: postgres.Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[Story]:
    """A workspace on PostgreSQL."""
    one = story.begin(tmp_path, database_url=server.database())
    monkeypatch.setenv("CADENCED_CONFIG", str(tmp_path))
    monkeypatch.setenv("JULIE_PASSWORD", "secret")
    yield one
    one.workspace.database.close()


async def test_pages_audit_and_deeds_work_on_postgres(far: Story, capfd: Any) -> None:
    far.bring_in("ann@a.example", "bob@b.example", "cid@c.example")
    far.work()
    await far.days(1)
    far.answer("ann@a.example", "Yes, call me on Thursday.")
    far.answer("bob@b.example", "Please remove me from your list.")
    far.bring_in("doubt@e.example")
    far.work(ports.Unknown("the connection ended"))
    page = said(capfd, "status", "--json").json
    assert (page["prospects"], page["running"], page["in_doubt"]) == (4, True, 1)
    assert said(capfd, "show", "ann@a.example", "--json").json["enrolments"][0]["state"] == "halted"
    assert said(capfd, "why", "cid@c.example").status == 0
    assert said(capfd, "today").status == 0
    assert said(capfd, "halt", "cid@c.example").status == 0
    assert said(capfd, "reclassify", "--json").status == 0
    assert said(capfd, "export", "ann@a.example").status == 0
    assert "hold" in said(capfd, "audit").out


async def test_somebody_is_forgotten_on_postgres(far: Story, capfd: Any) -> None:
    far.bring_in("ann@a.example", "bob@a.example", company="Works")
    far.work()
    await far.days(1)
    far.answer("ann@a.example", "Yes, call me on Thursday.")
    assert said(capfd, "forget", "ann@a.example", "--json").json["erased"]["touches"] == 1
    far.bring_in("ann@a.example", sequence="office")
    assert "was forgotten" in said(capfd, "why", "ann@a.example").err
    assert said(capfd, "show", "bob@a.example").status == 0
    assert "hold" in said(capfd, "audit").out


async def test_a_broken_invariant_is_found_on_postgres(far: Story, capfd: Any) -> None:
    far.bring_in("ann@a.example", "bob@b.example")
    far.work()
    variant = text("UPDATE prospects SET untagged = 'ann@a.example' WHERE email LIKE 'bob@%'")
    far.transact(lambda tx: tx.execute(variant))
    far.transact(lambda tx: tx.execute(text("UPDATE touches SET raw = NULL, armed_at = NULL WHERE id = 1")))
    far.transact(lambda tx: tx.execute(text("INSERT INTO suppressions (email, at) VALUES ('bob@b.example', 1)")))
    laws = {law["law"] for law in said(capfd, "audit", "--json").json["laws"] if law["count"]}
    assert laws == {"one-person", "armed", "frozen", "after-suppression", "silent"}


def test_who_serves_a_mailbox_is_told(far: Story, capfd: Any) -> None:
    far.bring_in("ann@a.example")
    (box,) = said(capfd, "status", "--json").json["mailboxes"]
    assert (box["worker"]["id"], box["worker"]["host"], box["worker"]["pid"]) == ("boot", "here", 1)
    assert "here 1" in said(capfd, "status").out
    assert "here, process 1: julie" in said(capfd, "doctor").out
    far.transact(lambda tx: leases.release(tx, [leases.of_mailbox("julie")], "boot"))
    assert "no worker" in said(capfd, "doctor").out
    assert "No worker serves this mailbox" in said(capfd, "why", "ann@a.example").out
    far.transact(lambda tx: leases.leave(tx, "boot"))
    page = said(capfd, "status", "--json").json
    assert (page["running"], page["mailboxes"][0]["worker"]) == (False, None)
