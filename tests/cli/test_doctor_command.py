"""``cadenced doctor``: the machine, and real servers; everything is looked at, and nothing is sent."""

from __future__ import annotations

import asyncio
import os
from typing import Any

import pytest
from story import Story, said

from cadenced.cli import doctor_machine, doctor_store
from cadenced.cli.diagnosis import Diagnosis, Health
from cadenced.store import mailboxes
from cadenced.store.database import Database
from peers import dovecot, smtp_sink


def machine(story: Story) -> dict[str, Diagnosis]:
    """Return what the doctor says of this machine, the worst of each kind."""
    worst = [Health.GOOD, Health.NOTE, Health.BAD]
    found = sorted(doctor_machine.examine(story.workspace), key=lambda one: worst.index(one.health))
    return {one.what: one for one in found}


def at(story: Story, smtp: int, imap: int) -> None:
    """Move the workspace's servers to these ports."""
    path = story.workspace.config.path
    path.write_text(path.read_text().replace("port = 2525", f"port = {smtp}").replace("port = 2143", f"port = {imap}"))


async def test_a_sound_machine_is_well(told: Story) -> None:
    await told.days(10)
    found = machine(told)
    assert {"database", "disk", "rights", "clock"} <= set(found)
    assert all(one.health is Health.GOOD for one in found.values()), found


def test_a_folder_that_is_missing_is_found(told: Story) -> None:
    told.workspace.config.daemon.inbox.rmdir()
    assert "inbox is missing" in machine(told)["rights"].text


def test_every_folder_in_the_inbox_must_let_lists_be_taken_out(told: Story) -> None:
    inbox = told.workspace.config.daemon.inbox
    for name in ("proposal", "done", ".spool"):
        (inbox / name).mkdir(parents=True, exist_ok=True)
    (inbox / "list.csv").write_text("email\n")
    needed = doctor_machine.needed_rights(told.workspace.config, None)
    for folder in (inbox, inbox / "proposal", inbox / "done", inbox / ".spool"):
        assert needed[folder] & os.W_OK
    assert inbox / "list.csv" not in needed


def test_a_clock_that_went_back_is_found(told: Story) -> None:
    told.bring_in("ann@a.example")
    told.transact(lambda tx: tx.exec_driver_sql("UPDATE events SET at = at + 86400000000 * 30"))
    assert machine(told)["clock"].health is Health.BAD


def test_a_secret_that_is_nowhere_is_found(told: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JULIE_PASSWORD")
    assert "JULIE_PASSWORD" in machine(told)["secret"].text


def test_a_config_that_everybody_may_write_is_found(told: Story) -> None:
    told.workspace.config.path.chmod(0o666)
    assert "everybody may write" in machine(told)["rights"].text


def test_a_hold_is_to_be_mended_and_a_daemon_that_does_not_run_is_noted(told: Story) -> None:
    told.transact(lambda tx: mailboxes.hold(tx, "julie", "550 5.7.1 blocked", told.clock.now()))
    told.transact(lambda tx: mailboxes.note_fault(tx, "julie", imap="no answer in time"))
    found = {(one.area, one.what): one for one in doctor_store.examine(told.workspace)}
    assert found["julie", "held"].health is Health.BAD
    assert found["julie", "held"].cure == "mend it, then: cadenced release julie"
    assert "no answer in time" in found["julie", "imap"].text
    assert found["machine", "daemon"].health is Health.NOTE


def test_a_daemon_that_runs_is_seen(told: Story) -> None:
    daemon = Database(told.workspace.config.daemon.database)
    daemon.claim_for_daemon()
    found, copies = doctor_store.examine(told.workspace)
    assert (copies.what, copies.cure) == ("copies", "cadenced doctor --probe julie")
    daemon.close()
    assert (found.what, found.health) == ("daemon", Health.GOOD)


def test_servers_that_do_not_answer_are_found(told: Story, capfd: Any) -> None:
    at(told, 1, 1)
    answer = said(capfd, "doctor")
    assert answer.status == 1
    assert "✗ smtp" in answer.out
    assert "✗ imap" in answer.out
    assert "2 things to mend." in answer.out


class TestRealServers:
    """Against Dovecot and a scripted SMTP server."""

    pytestmark = dovecot.needs_dovecot

    async def test_both_servers_are_logged_in_to_and_nothing_is_sent(self, told: Story, capfd: Any) -> None:
        with dovecot.running() as imap:
            async with smtp_sink.serve() as smtp:
                at(told, smtp.port, imap.port)
                answer = await asyncio.to_thread(said, capfd, "doctor", "--json")
                assert smtp.accepted == []
                assert "MAIL" not in smtp.verbs()
        assert answer.status == 0, answer.out
        julie = [one["text"] for one in answer.json["checks"] if one["area"] == "julie"]
        assert "logged in as julie" in julie
        assert "sent mail lies in Sent" in julie

    async def test_a_wrong_password_is_told_with_its_cure(
        self, told: Story, capfd: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("JULIE_PASSWORD", "hunter3")
        with dovecot.running() as imap:
            async with smtp_sink.serve() as smtp:
                at(told, smtp.port, imap.port)
                answer = await asyncio.to_thread(said, capfd, "doctor")
        assert answer.status == 1
        assert "✗ imap" in answer.out
        assert "check username and password" in answer.out
        assert "hunter3" not in answer.out

    async def test_a_grant_is_looked_for_where_the_daemon_keeps_it(self, told: Story, capfd: Any) -> None:
        path = told.workspace.config.path
        path.write_text(path.read_text().replace("env:JULIE_PASSWORD", "oauth2:google"))
        grants = path.parent / "grants"
        with dovecot.running() as imap:
            async with smtp_sink.serve() as smtp:
                at(told, smtp.port, imap.port)
                answer = await asyncio.to_thread(said, capfd, "doctor")
                assert f"{grants}/julie.google.json" in answer.out.replace("\n", "").replace(" ", "")
                assert "docs/first-mailbox.md" in answer.out
                grants.mkdir()
                (grants / "julie.google.json").touch(0o600)
                (grants / "julie.google.json").write_text("{}")
                answer = await asyncio.to_thread(said, capfd, "doctor", "--json")
        texts = [one["text"] for one in answer.json["checks"] if one["area"] == "julie"]
        assert any("needs client_id and refresh_token" in text for text in texts)

    async def test_a_folder_that_does_not_exist_is_told_with_those_that_do(self, told: Story, capfd: Any) -> None:
        path = told.workspace.config.path
        path.write_text(path.read_text() + 'sent = "Envoyés"\n')
        with dovecot.running() as imap:
            async with smtp_sink.serve() as smtp:
                at(told, smtp.port, imap.port)
                answer = await asyncio.to_thread(said, capfd, "doctor")
        assert answer.status == 1
        assert "there is no folder Envoyés" in answer.out
        assert "there are: " in answer.out
