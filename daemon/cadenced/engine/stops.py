"""What a human has said against writing to somebody outlives a backup that is put back (``store/stops.py``)."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from sqlalchemy import Connection

from cadenced.config import Config
from cadenced.core import address
from cadenced.engine.workspace import Workspace
from cadenced.errors import RefusedError
from cadenced.store import forgotten, instance, people, stops, tasks
from cadenced.store.stops import FORGOTTEN, HALTED, LIFTED, RESUMED, Kept, Stop

log = logging.getLogger(__name__)

_WHY = "said before an older database was put back"


def place(config: Config) -> Path:
    """Return where the file lies: beside a SQLite database, else beside the configuration, where commands run."""
    kept = instance.place(config.daemon.database, config.path.parent / ".cadenced")
    return kept.with_name(kept.name.replace("instance", "stops", 1).replace(".json", ".txt"))


def kept(workspace: Workspace) -> Kept:
    """Return what the file holds; one that is there and cannot be read is told of."""
    path = place(workspace.config)
    try:
        return stops.read(path)
    except OSError as fault:
        log.error("who was stopped since a backup cannot be known", extra={"file": str(path), "fault": str(fault)})  # noqa: TRY400 - the fault's own words say it
        return Kept()


def keep(workspace: Workspace, what: str, *emails: str) -> None:
    """Keep what was said of people outside the database too, once it is committed there."""
    known = kept(workspace)
    file = known if known.name else replace(known, name=workspace.boot_id)
    normal = {address.normalise(email) for email in emails}

    def work(tx: Connection) -> list[Stop]:
        said = stops.said(tx, file, what, normal, workspace.now())
        make_up(tx, workspace, file, said)  # whoever speaks before the first start after a backup hides no other line
        return said

    said, path = workspace.database.transact(work), place(workspace.config)
    try:
        stops.append(path, said, "" if known.name else file.name)
    except OSError as fault:
        log.warning("a backup put back would not know of it", extra={"file": str(path), "fault": str(fault)})


def make_up(tx: Connection, workspace: Workspace, found: Kept, said: Sequence[Stop] = ()) -> int:
    """Stop again whoever was stopped after the backup that this database is, by what is ``said`` now too.

    Returns how many lines the database lacked.
    """
    known = stops.counted(tx, found.name)
    lacking = [one for one in found.lines if one.number > known]
    if lacking:
        _stop_again(tx, workspace, [*sorted(lacking, key=lambda one: one.number), *said])
        log.warning("stopped again", extra={"lines": len(lacking)})
    if lacking or said:
        stops.count(tx, found.name, max(one.number for one in (*lacking, *said)))
    return len(lacking)


def _stop_again(tx: Connection, workspace: Workspace, lines: Sequence[Stop]) -> None:
    halted, silenced = _standing(lines)
    named = _named(tx, {*halted, *silenced})
    for digest, one in silenced.items():
        for email in named.get(digest, ()):
            _silence(tx, workspace, one, email)
        forgotten.add_digest(tx, digest, one.at)  # no list brings back who is unknown here
    for digest, one in halted.items():
        if digest not in named:
            forgotten.add_digest(tx, digest, one.at)
        for email in named.get(digest, ()):
            _halt(tx, workspace, email)


def _standing(lines: Sequence[Stop]) -> tuple[dict[str, Stop], dict[str, Stop]]:
    """Return what holds in the end: by whom nothing may run, and who is never written to."""
    halted: dict[str, Stop] = {}
    silenced: dict[str, Stop] = {}
    for one in lines:
        if one.what == RESUMED:
            halted.pop(one.digest, None)
        elif one.what == LIFTED:
            silenced.pop(one.digest, None)
        else:
            halted[one.digest] = one  # a suppression that is lifted begins nothing again
            if one.what == FORGOTTEN or (one.what != HALTED and one.digest not in silenced):
                silenced[one.digest] = one
    return halted, silenced


def _named(tx: Connection, standing: Collection[str]) -> Mapping[str, list[str]]:
    """Return whose hashes these are, of those who are prospects here."""
    found: dict[str, list[str]] = {}
    for emails in people.pages(tx):
        for email, digest in forgotten.digests(tx, emails).items():
            if digest in standing:
                found.setdefault(digest, []).append(email)
    return found


def _silence(tx: Connection, workspace: Workspace, one: Stop, email: str) -> None:
    from cadenced.engine import acts  # noqa: PLC0415 - a start that has nothing to make up for does without

    acts.suppress(tx, workspace, email, f"{one.what}, {_WHY}")
    if one.what == FORGOTTEN:
        _ask(tx, workspace, one, email)


def _halt(tx: Connection, workspace: Workspace, email: str) -> None:
    from cadenced.engine import acts  # noqa: PLC0415 - as above

    with suppress(RefusedError):  # nothing runs for them here
        acts.halt(tx, workspace, email, f"halted, {_WHY}")


def _ask(tx: Connection, workspace: Workspace, one: Stop, email: str) -> None:
    prospect = people.by_email(tx, email)
    brief = (
        f"An older database has brought back what was erased on {one.at:%Y-%m-%d}. Nothing is sent to them;"
        f" erase them again: cadenced forget {email}"
    )
    about = prospect.id if prospect is not None else None
    tasks.add(tx, tasks.NewTask("restored", brief, workspace.now(), about), workspace.now())
