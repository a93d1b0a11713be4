"""``cadenced classify``: what incoming mails mean; needs no configuration and no database."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, time
from pathlib import Path
from typing import Any

import click

from cadenced.cli import moments, printing
from cadenced.errors import InboundError
from cadenced.reading import inbound, verdict
from cadenced.reading.inbound import Inbound
from cadenced.reading.verdict import Verdict

STDIN = "-"
_FIELD = re.compile(rb"From |[!-9;-~]{1,200}[ \t]*:")
_OF_MAIL = ("from", "to", "date", "received", "message-id", "return-path", "mime-version")
_BARE = "it begins without a header, so it was read as the text of a mail"
_LARGEST = inbound.SIZE_LIMIT + 1


@click.command()
@click.argument("paths", nargs=-1, required=True, metavar="FILE|DIR|-...")
@click.option("--now", "day", default="", metavar="DAY", help="Read dates against this day, not the mail's own Date.")
@printing.json_option
def classify(paths: tuple[str, ...], day: str, *, as_json: bool) -> int:
    """Say what incoming mails mean: one verdict a file, with what it rests on.

    Directories are read with all below them. With --json one object a line and file. A file that cannot be read is
    named on standard error, the others are read all the same, and the exit status is 1.
    """
    now = datetime.combine(moments.date_of(day), time(12), UTC) if day else None
    status = 0
    for name in _files(paths):
        judged = _judged(name, now)
        if judged is None:
            status = 1
        else:
            _print(verdict.as_json(judged, name), judged, as_json=as_json)
    return status


def _files(paths: tuple[str, ...]) -> Iterator[str]:
    """Yield every file that is meant, in order of name; hidden ones only where they are named themselves."""
    for name in paths:
        path = Path(name)
        if name == STDIN or not path.is_dir():
            yield name
            continue
        for found in sorted(path.rglob("*")):
            hidden = any(part.startswith(".") for part in found.relative_to(path).parts)
            if not hidden and found.is_file():
                yield str(found)


def _judged(name: str, now: datetime | None) -> Verdict | None:
    """Return what the message in a file means; None, with a word on standard error, where there is none."""
    try:
        raw = _bytes(name)
        message = inbound.parse(raw)
    except OSError as fault:
        click.echo(f"{name}: {fault.strerror or fault}", err=True)
    except InboundError as fault:
        click.echo(f"{name}: {fault}", err=True)
    else:
        judged = verdict.judge(message, now)
        return replace(judged, evidence=(*judged.evidence, _BARE)) if _is_bare(raw, message) else judged
    return None


def _is_bare(raw: bytes, message: Inbound) -> bool:
    """Whether no header begins these bytes: the text of a mail perhaps, or something else altogether."""
    return not _FIELD.match(raw.lstrip()) and not any(name in message.headers for name in _OF_MAIL)


def _bytes(name: str) -> bytes:
    if name == STDIN:
        return sys.stdin.buffer.read(_LARGEST)
    with Path(name).open("rb") as file:
        return file.read(_LARGEST)


def _print(found: dict[str, Any], judged: Verdict, *, as_json: bool) -> None:
    if as_json:
        printing.line(found)
        return
    from cadenced.cli import classify_page  # noqa: PLC0415 - thousands of files as JSON need no layout

    classify_page.show(found, judged)


COMMANDS = (classify,)
