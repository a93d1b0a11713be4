"""Bounces by the hundred, twice each, while mail leaves (row 35, I16): whoever has bounced gets nothing more.

``CADENCED_BOUNCES`` is the number of people; of every four two are gone, one is only delayed, and one is fine.
"""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import pytest
from grounds import Ground, entered

from peers import dovecot, smtp_sink, warm
from peers.patience import until

pytestmark = [*dovecot.needs_dovecot, pytest.mark.slow, pytest.mark.timeout(7200)]

PEOPLE = int(os.environ.get("CADENCED_BOUNCES", "40"))
NAMES = tuple(f"n{number}@bounce{number}.example" for number in range(PEOPLE))

_REPORT = """\
From: MAILER-DAEMON@mx.example
Return-Path: <>
To: julie@abc.example
Subject: {subject}
Message-ID: <{kind}.{number}@mx.example>
MIME-Version: 1.0
Auto-Submitted: auto-replied
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

{subject}

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example

Final-Recipient: rfc822; {email}
Action: {action}
Status: {status}

--b
Content-Type: message/rfc822

Message-ID: {message_id}
Subject: Your next step

--b--
"""
_GONE = {"kind": "gone", "action": "failed", "status": "5.1.1", "subject": "Undelivered Mail Returned to Sender"}
_LATE = {"kind": "late", "action": "delayed", "status": "4.4.1", "subject": "Delayed Mail (still being retried)"}


def is_gone(number: int) -> bool:
    return number % 4 < 2


def report_on(number: int, one: smtp_sink.Accepted) -> bytes:
    message_id = one.raw.partition(b"Message-ID: ")[2].partition(b"\r\n")[0].decode()
    facts = {"number": number, "email": NAMES[number], "message_id": message_id}
    return _REPORT.format(**facts, **(_GONE if is_gone(number) else _LATE)).replace("\n", "\r\n").encode()


def storm(ground: Ground, server: dovecot.Dovecot) -> None:
    """Deliver each report twice, as servers do that two of them give up."""
    first = {one.recipients[0]: one for one in ground.sink.accepted}
    for turn in range(2):
        for number, name in enumerate(NAMES):
            if number % 4 < 3:
                folder = "Junk" if turn and number % 8 == 0 else "INBOX"
                server.deliver(report_on(number, first[name]), folder, ground.user)


def test_whoever_has_bounced_gets_nothing_more_and_everybody_else_goes_on(
    tmp_path: Path, server: dovecot.Dovecot, stable: warm.Stable
) -> None:
    with entered(tmp_path / "ground", server, stable, connections=4, user="bounced") as ground:
        ground.enrol(*NAMES)
        assert ground.idle() == 0, ground.said()
        storm(ground, server)
        ground.hurry()  # everybody's second letter is due, and all reports are unread
        run = ground.start()
        wanted = {name for number, name in enumerate(NAMES) if not is_gone(number)}
        until(lambda: len(ground.sink.accepted) >= PEOPLE + len(wanted) or run.poll() is not None)
        run.signal(15)
        assert run.wait() == 0, ground.said()
        counts = Counter(one.recipients[0] for one in ground.sink.accepted)
        assert counts == {name: 2 if name in wanted else 1 for name in NAMES}
        assert {row["email"] for row in ground.told("suppress", "list")} == set(NAMES) - wanted
        kept = ground.rows("SELECT verdict, count(*) AS count FROM inbound GROUP BY verdict")
        told = {row["verdict"]: row["count"] for row in kept}
        gone = len(NAMES) - len(wanted)
        assert told == {"bounce.hard": gone, "bounce.delayed": sum(number % 4 == 2 for number in range(PEOPLE))}
