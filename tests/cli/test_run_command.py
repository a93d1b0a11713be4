"""``cadenced run``, installed, against a real Dovecot and a scripted SMTP server: it works, it logs, it ends."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import story

from peers import dovecot, smtp_sink

pytestmark = dovecot.needs_dovecot

CADENCED = str(Path(sys.executable).parent / "cadenced")


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[tuple[Path, smtp_sink.Sink]]:
    """A workspace on disk with servers that answer."""
    with dovecot.running() as imap:
        async with smtp_sink.serve() as smtp:
            path = story.write(tmp_path)
            text = path.read_text().replace("port = 2525", f"port = {smtp.port}")
            path.write_text(
                text.replace("port = 2143", f"port = {imap.port}").replace("[daemon]", '[daemon]\nsettle = "1 s"')
            )
            yield path, smtp


async def begun(path: Path, *line: str, **env: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        CADENCED,
        "-c",
        str(path),
        *line,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "JULIE_PASSWORD": "secret", **env},
    )


async def test_until_idle_imports_sends_and_ends(place: tuple[Path, smtp_sink.Sink]) -> None:
    path, smtp = place
    (path.parent / "inbox" / "list.csv").write_text("email,first_name\nann@silent.example,Ann\n")
    daemon = await begun(path, "run", "--until-idle")
    _, err = await asyncio.wait_for(daemon.communicate(), 60)
    assert daemon.returncode == 0, err.decode()
    assert [one.recipients for one in smtp.accepted] == [("ann@silent.example",)]
    lines = err.decode().splitlines()
    assert any(" imported file=list.csv import=1 enrolled=1 " in line for line in lines)
    assert "ann@" not in err.decode()
    assert all(line[:4].isdigit() for line in lines)


async def test_sigterm_ends_it_with_zero(place: tuple[Path, smtp_sink.Sink]) -> None:
    path, _ = place
    daemon = await begun(path, "run")
    assert daemon.stderr is not None
    first = await asyncio.wait_for(daemon.stderr.readline(), 60)
    assert b" info ready mailboxes=1" in first
    daemon.send_signal(signal.SIGTERM)
    _, err = await asyncio.wait_for(daemon.communicate(), 30)
    assert daemon.returncode == 0
    *_, asked, ended = err.decode().splitlines()
    assert " info stopping signal=SIGTERM" in asked
    assert ended.endswith(" info stopped")


async def test_without_any_password_it_does_not_begin(tmp_path: Path) -> None:
    path = story.write(tmp_path)
    daemon = await begun(path, "run", JULIE_PASSWORD="")
    _, err = await asyncio.wait_for(daemon.communicate(), 60)
    assert daemon.returncode == 3
    assert err.decode().splitlines() == [
        f"{path}:24:12: the environment has no JULIE_PASSWORD (export JULIE_PASSWORD, or use file:PATH)"
    ]


async def test_without_one_password_of_two_the_other_mailbox_works_and_status_tells(
    place: tuple[Path, smtp_sink.Sink],
) -> None:
    path, _ = place
    text = path.read_text()
    box = text[text.index("[[mailbox]]") :]
    path.write_text(text + box.replace('"julie"', '"paul"').replace("julie@", "paul@").replace("JULIE_", "PAUL_"))
    daemon = await begun(path, "run", "--until-idle")
    _, err = await asyncio.wait_for(daemon.communicate(), 60)
    assert daemon.returncode == 4
    assert " error no password: " in err.decode()
    assert "mailbox=paul" in err.decode()
    status = await begun(path, "status", "--json")
    out, _ = await asyncio.wait_for(status.communicate(), 30)
    faults = {box["name"]: box["fault"] for box in json.loads(out)["mailboxes"]}
    assert faults["julie"] == ""
    assert "the environment has no PAUL_PASSWORD" in faults["paul"]


async def test_servers_that_cannot_be_reached_are_status_four(tmp_path: Path) -> None:
    path = story.write(tmp_path)
    path.write_text(path.read_text().replace("port = 2525", "port = 1").replace("port = 2143", "port = 1"))
    daemon = await begun(path, "run", "--until-idle")
    _, err = await asyncio.wait_for(daemon.communicate(), 60)
    assert daemon.returncode == 4
    assert b"mailbox held" in err
    assert b"Traceback" not in err
