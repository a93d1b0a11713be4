"""Refusals and notices of mail systems in `tests/reading/data/refusals_*.toml`, judged as they would arrive."""

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from email.header import Header
from pathlib import Path

from cadenced.reading import bounce, inbound

TO = "paula@prospect.example"
DATA = Path(__file__).parents[1] / "reading" / "data"
_REPORT = """Return-Path: <>
From: MAILER-DAEMON@mx.abc.example (Mail Delivery System)
To: julie@abc.example
Subject: Undelivered Mail Returned to Sender
Date: Mon, 2 Mar 2026 10:00:05 +0000
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b1"

--b1
Content-Type: text/plain; charset=utf-8

This is the mail system at host mx.abc.example.

<@TO@>: host mx.prospect.example[192.0.2.5] said: @SAYS@ (in reply to RCPT TO command)

--b1
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.abc.example

Final-Recipient: rfc822; @TO@
Action: failed
Status: @STATUS@
Remote-MTA: dns; mx.prospect.example
Diagnostic-Code: smtp; @SAYS@

--b1
Content-Type: text/rfc822-headers

Message-ID: <a1@abc.example>
From: julie@abc.example
To: @TO@
Subject: Your workshop

--b1--
"""


@dataclass(frozen=True)
class Told:
    """One refusal or notice: what it is, what else would not be wrong, and what was read."""

    of: str
    kind: str
    accept: tuple[str, ...]
    says: str
    got: str
    recipients: tuple[str, ...]
    evidence: tuple[str, ...]

    @property
    def strict(self) -> bool:
        return self.got == self.kind or (self.got, self.kind) in {("delayed", "soft"), ("soft", "delayed")}

    @property
    def lenient(self) -> bool:
        return self.strict or self.got in self.accept


def report(says: str) -> bytes:
    """Return the report (RFC 3464) that a sending server makes of a refusal."""
    codes = re.findall(r"(?<![\d.])[245]\.\d{1,3}\.\d{1,3}(?![.\d])", says)
    reply = re.search(r"\b([45])\d\d\b", says)
    status = codes[0] if codes else f"{reply[1] if reply else 5}.0.0"
    return _REPORT.replace("@SAYS@", says).replace("@STATUS@", status).replace("@TO@", TO).encode()


def notice(one: dict[str, str]) -> bytes:
    subject = Header(one["subject"], "utf-8", maxlinelen=900).encode()
    return (
        f"From: {one['sender']}\nTo: julie@abc.example\nSubject: {subject}\nDate: Mon, 2 Mar 2026 10:00:05 +0000\n"
        f"Content-Type: text/plain; charset=utf-8\n\n{one['body'].lstrip()}"
    ).encode()


def collections() -> list[str]:
    return [path.stem for path in sorted(DATA.glob("*refusals_*.toml"))]


def table(name: str) -> dict[str, list[dict[str, str]]]:
    return tomllib.loads((DATA / f"{name}.toml").read_text("utf-8"))


def told(name: str) -> Iterator[Told]:
    """Judge every refusal and every notice of a collection."""
    whole = table(name)
    for one in whole.get("line", ()):
        says = one["says"].replace("{to}", TO)
        yield _told(one, says, report(says))
    for one in whole.get("notice", ()):
        yield _told(one, one["body"], notice(one))


def _told(one: dict[str, str], says: str, raw: bytes) -> Told:
    found = bounce.find(inbound.parse(raw))
    accept = tuple(filter(None, one.get("accept", "").split("|")))
    if found is None:
        return Told(one["of"], one["is"], accept, says, "none", (), ())
    return Told(one["of"], one["is"], accept, says, found.kind, found.recipients, found.evidence)


def mistaken(name: str) -> list[str]:
    """Return what is no bounce and was taken for one."""
    return [one["of"] for one in table(name).get("other", ()) if bounce.find(inbound.parse(notice(one)))]


def figures(name: str) -> dict[str, object]:
    every = list(told(name))
    found = [one for one in every if one.got != "none"]

    def share(wanted: list[bool]) -> float:
        return round(sum(wanted) / len(wanted), 3) if wanted else 1.0

    return {
        "refusals and notices": len(every),
        "found": share([one in found for one in every]),
        "class strict": share([one.strict for one in every]),
        "class lenient": share([one.lenient for one in every]),
        "failed address": share([one.recipients[:1] == (TO,) for one in every]),
        "others taken for bounces": len(mistaken(name)),
    }
