"""The people of the demo: two dozen invented prospects, and what they answer."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from datetime import date, timedelta
from importlib import resources

from cadenced.core.sequence import Sequence
from cadenced.sandbox import script_file
from cadenced.sandbox.script import Script

_DAY = re.compile(r"@([+-]\d+)")


def _file(name: str) -> str:
    return resources.files("cadenced.sandbox").joinpath(name).read_text("utf-8")


def prospects(start: date) -> str:
    """Return the CSV, its days counted from ``start``."""
    return _DAY.sub(lambda found: (start + timedelta(days=int(found[1]))).isoformat(), _file("prospects.csv"))


def addresses() -> list[str]:
    """Return the addresses in the order of the file."""
    return [line.partition(",")[0] for line in _file("prospects.csv").splitlines()[1:]]


def invented(start: date, timezone: str, country: str) -> str:
    """Return a CSV with one prospect about whom everything is known, for a rehearsal without a list."""
    lines = prospects(start).splitlines()
    cells = dict(zip(lines[0].split(","), lines[1].split(","), strict=True))
    known = {
        **cells,
        "email": "anna.keller@example.com",
        "timezone": timezone,
        "country": country,
        "sequence": "",
        "account_role": "primary",
        "reason": "a new hall in spring",
        "decision_process": "she and the head of finance",
        "notes": "prefers short mails",
    }
    return ",".join(known) + "\n" + ",".join(known.values()) + "\n"


def script(sequences: Mapping[str, Sequence]) -> Script:
    """Return who answers what."""
    return script_file.parse(_answers()["answer"], "answers.toml", sequences)


def refused() -> frozenset[str]:
    """Return the addresses that the mail server does not know."""
    return frozenset(_answers()["refused"])


def workspace(smtp: int, imap: int) -> str:
    """Return the demo's cadenced.toml for these ports."""
    return _file("demo.toml").replace("@SMTP@", str(smtp)).replace("@IMAP@", str(imap))


def _answers() -> dict[str, list]:  # type: ignore[type-arg] # a list of words, and one of tables
    return tomllib.loads(_file("answers.toml"))
