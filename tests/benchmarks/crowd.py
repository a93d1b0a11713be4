"""Sleeping enrolments by the million, written straight into a SQLite file: due in the coming months."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from pathlib import Path

_NUMBERS = "WITH RECURSIVE n(i) AS (SELECT {first} UNION ALL SELECT i + 1 FROM n WHERE i < {last})"
_PEOPLE = (
    "INSERT INTO prospects (id, email, mailbox, timezone, country, fields, created_at)"
    " SELECT i, 'p' || i || '@many.example', 'box' || (i % {mailboxes}), 'Europe/Paris', 'FR',"
    """ '{{"first_name": "Ann"}}', {now} FROM n"""
)
_ENROLMENTS = (
    "INSERT INTO enrolments (prospect_id, mailbox, sequence, generation, state, step, due_at, anchor, lane, fresh,"
    " timezone, country, done, enrolled_at)"
    " SELECT i, 'box' || (i % {mailboxes}), 'plan', 1, 'active', 'one',"
    " {now} + 86400000000 + (i * 7919 % 7776000) * 1000000, {now},"
    " CASE WHEN i % 5 THEN 'mail' ELSE 'desk' END, i % 2, 'Europe/Paris', 'FR', '[]', {now} FROM n"
)


def fill(database: Path, count: int, mailboxes: int = 1, first: int = 1) -> None:
    """Enrol ``count`` prospects, spread over mailboxes ``box0``, ``box1`` and so on."""
    with contextlib.closing(sqlite3.connect(database)) as base:
        base.execute("PRAGMA synchronous = OFF")
        for start in range(first, first + count, 500_000):
            words = {"first": start, "last": min(start + 500_000, first + count) - 1, "mailboxes": mailboxes}
            words["now"] = int(time.time() * 1e6)
            with base:
                base.execute((_NUMBERS + _PEOPLE).format(**words))
                base.execute((_NUMBERS + _ENROLMENTS).format(**words))


def wake(database: Path, prospect: int) -> None:
    """Have one enrolment due now, its next step a mail."""
    with contextlib.closing(sqlite3.connect(database)) as base, base:
        now = int(time.time() * 1e6) - 1_000_000
        base.execute(
            "UPDATE enrolments SET due_at = ?, lane = 'mail', fresh = 1 WHERE prospect_id = ?", (now, prospect)
        )
