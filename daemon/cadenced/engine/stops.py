"""What a human has said against writing to somebody outlives a backup that is put back (``store/stops.py``)."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from sqlalchemy import Connection

from cadenced.config import Config
from cadenced.core import address
from cadenced.engine.workspace import Workspace
from cadenced.errors import RefusedError
from cadenced.store import forgotten, instance, people, stops, tasks
from cadenced.store.stops import FORGOTTEN, HALTED, LIFTED, Stop

log = logging.getLogger(__name__)

_WHY = "said before an older database was put back"


def place(config: Config) -> Path:
    """Return where the file lies: beside a SQLite database, else beside the configuration, where commands run."""
    kept = instance.place(config.daemon.database, config.path.parent / ".cadenced")
    return kept.with_name(kept.name.replace("instance", "stops", 1).replace(".json", ".txt"))


def keep(workspace: Workspace, what: str, *emails: str) -> None:
    """Keep what was said of people outside the database too, once it is committed there."""
    normal = {address.normalise(email) for email in emails}
    said = workspace.database.transact(lambda tx: stops.note(tx, what, normal, workspace.now()))
    path = place(workspace.config)
    try:
        stops.append(path, said)
    except OSError as fault:
        log.warning("a backup put back would not know of it", extra={"file": str(path), "fault": str(fault)})


def make_up(tx: Connection, workspace: Workspace, found: Sequence[Stop]) -> int:
    """Stop again whoever was stopped after the backup that this database is; returns how many lines it lacked."""
    known = stops.counted(tx)
    lacking = [one for one in found if one.number > known]
    if not lacking:
        return 0
    last = {one.digest: one for one in sorted(lacking, key=lambda one: one.number)}
    standing = {digest: one for digest, one in last.items() if one.what != LIFTED}
    named = _named(tx, standing)
    for digest, one in standing.items():
        _stop(tx, workspace, one, named.get(digest, ()))
    stops.count(tx, max(one.number for one in lacking))
    log.warning("stopped again", extra={"lines": len(lacking), "people": len(named)})
    return len(lacking)


def _named(tx: Connection, standing: Collection[str]) -> Mapping[str, list[str]]:
    """Return whose hashes these are, of those who are prospects here."""
    found: dict[str, list[str]] = {}
    for emails in people.pages(tx):
        for email, digest in forgotten.digests(tx, emails).items():
            if digest in standing:
                found.setdefault(digest, []).append(email)
    return found


def _stop(tx: Connection, workspace: Workspace, one: Stop, emails: Sequence[str]) -> None:
    from cadenced.engine import acts  # noqa: PLC0415 - a start that has nothing to make up for does without

    for email in emails:
        if one.what == HALTED:
            with suppress(RefusedError):  # nothing runs for them here
                acts.halt(tx, workspace, email, f"halted, {_WHY}")
            continue
        acts.suppress(tx, workspace, email, f"{one.what}, {_WHY}")
        if one.what == FORGOTTEN:
            _ask(tx, workspace, one, email)
    if one.what != HALTED:
        forgotten.add_digest(tx, one.digest, one.at)  # no list brings back who is unknown here


def _ask(tx: Connection, workspace: Workspace, one: Stop, email: str) -> None:
    prospect = people.by_email(tx, email)
    brief = (
        f"An older database has brought back what was erased on {one.at:%Y-%m-%d}. Nothing is sent to them;"
        f" erase them again: cadenced forget {email}"
    )
    about = prospect.id if prospect is not None else None
    tasks.add(tx, tasks.NewTask("restored", brief, workspace.now(), about), workspace.now())
