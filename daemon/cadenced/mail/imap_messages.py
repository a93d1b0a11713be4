"""The messages of one open folder: fetched in batches that servers bear, found with certainty, moved."""

from __future__ import annotations

import bisect
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aioimaplib import aioimaplib as commands

from cadenced import errors
from cadenced.mail import imap_names, imap_wire
from cadenced.mail.imap_connection import Answer, Connection
from cadenced.ports import Fetched

BATCH = 200
"""UIDs in one command (RELIABILITY 2.9)."""
BATCH_BYTES = 32 * 1024 * 1024
"""Bytes fetched in one go; a single larger message still comes."""
_KEYS = "(BODY.PEEK[HEADER.FIELDS (MESSAGE-ID X-CADENCE-REF)])"


@dataclass(slots=True)
class Backlog:
    """What a search has found and nobody has fetched yet: a huge folder is searched once, not once a batch."""

    place: tuple[str, int] = ("", 0)
    after: int = 0
    uids: Sequence[int] = ()

    def above(self, place: tuple[str, int], uid: int) -> Sequence[int]:
        """Return the known UIDs above ``uid`` in a folder (its name and UIDVALIDITY); none: it must be searched."""
        if place != self.place or uid < self.after:
            return ()
        return self.uids[bisect.bisect_right(self.uids, uid) :]

    def keep(self, place: tuple[str, int], uid: int, uids: Sequence[int]) -> None:
        """Keep what was found above ``uid``, in order."""
        self.place, self.after, self.uids = place, uid, uids


async def open_folder(connection: Connection, quoted: str, uid_validity: int, *, writable: bool = False) -> None:
    """Select a folder anew, so that it shows all there is; raises ``WireError`` when its UIDs are new ones."""
    answer = await connection.run("SELECT" if writable else "EXAMINE", quoted)
    connection.channel.state = commands.SELECTED
    now = next(filter(None, (imap_wire.code(line, "UIDVALIDITY") for line in answer.responses)), "")
    if now != str(uid_validity):
        raise errors.WireError(f"the folder was rebuilt: UIDVALIDITY {now or 'unknown'}, not {uid_validity}")


async def above(connection: Connection, after_uid: int) -> list[int]:
    """Return the UIDs above ``after_uid`` in order (``n:*`` brings the last message even where it lies below)."""
    return sorted(uid for uid in await _search(connection, f"UID {max(after_uid, 0) + 1}:*") if uid > after_uid)


async def fetch(connection: Connection, uids: Sequence[int], limit: int, max_bytes: int) -> list[Fetched]:
    """Return the first of these messages, at most ``limit``, some ``BATCH_BYTES``; none only where none is left."""
    for start in range(0, len(uids), min(limit, BATCH)):
        batch = uids[start : start + min(limit, BATCH)]
        if messages := await _fetch_some(connection, batch, max_bytes):
            return messages  # else all of them were expunged meanwhile, by somebody else
    return []


async def find(connection: Connection, wanted: Mapping[str, str]) -> int | None:
    """Return the UID of the newest message that has one of these headers with exactly this value."""
    keys = {name: value for name, value in wanted.items() if value}
    if not keys:
        raise ValueError("find: neither Message-ID nor reference")
    questions = [f"HEADER {name} {imap_names.quote(value)}" for name, value in keys.items()]
    if "X-GM-EXT-1" in connection.capabilities and "MESSAGE-ID" in keys:
        questions.insert(0, f"X-GM-RAW {imap_names.quote('rfc822msgid:' + keys['MESSAGE-ID'])}")
    for question in questions:
        uids = await _search(connection, question)
        for start in range(0, len(uids), BATCH):
            certain = await _confirmed(connection, uids[start : start + BATCH], keys)
            if certain:
                return max(certain)
    return None


async def move(connection: Connection, uid: int, target: str) -> None:
    """Move a message of the open folder; raises ``WireError`` when it is not there."""
    if await _search(connection, f"UID {uid}") != [uid]:
        raise errors.WireError(f"no message {uid} to move")
    if "MOVE" in connection.capabilities:
        await connection.run("MOVE", str(uid), target, prefix="UID")
        return
    await connection.run("COPY", str(uid), target, prefix="UID")
    await connection.run("STORE", str(uid), "+FLAGS.SILENT", r"(\Deleted)", prefix="UID")
    if "UIDPLUS" in connection.capabilities:  # a plain EXPUNGE would take what others have marked, too
        await connection.run("EXPUNGE", str(uid), prefix="UID")


async def _search(connection: Connection, question: str) -> list[int]:
    answer = await connection.run("SEARCH", question, prefix="UID")
    results = [uids for line in answer.responses if (uids := imap_wire.searched(line)) is not None]
    if not results:
        raise errors.WireError("the server gave no result for SEARCH")
    return [uid for uids in results for uid in uids]


async def _fetch_some(connection: Connection, uids: Sequence[int], max_bytes: int) -> list[Fetched]:
    """Return the first of ``uids`` as far as ``BATCH_BYTES`` go; the sizes are asked for first."""
    sizes = _by_uid(await connection.run("FETCH", _as_set(uids), "(UID RFC822.SIZE)", prefix="UID"))
    chosen: list[int] = []
    total = 0
    for uid in (uid for uid in uids if uid in sizes):
        total += imap_wire.number(sizes[uid].get("RFC822.SIZE"))
        if chosen and total > BATCH_BYTES:
            break
        chosen.append(uid)
    if not chosen:
        await _demand_expunged(connection, uids)
        return []
    items = f"(UID INTERNALDATE BODY.PEEK[]<0.{max_bytes}>)" if total > max_bytes else "(UID INTERNALDATE BODY.PEEK[])"
    patience = 30.0 + total / 50_000
    found = _by_uid(await connection.run("FETCH", _as_set(chosen), items, prefix="UID", patience=patience))
    bodies = {uid: message for uid, message in found.items() if isinstance(message.get("BODY[]"), bytes)}
    missing = [uid for uid in (*chosen, *uids[: uids.index(chosen[-1])]) if uid not in bodies]
    await _demand_expunged(connection, missing)
    return [
        Fetched(uid, bodies[uid]["BODY[]"], imap_wire.internal_date(bodies[uid].get("INTERNALDATE")))
        for uid in chosen
        if uid in bodies
    ]


async def _demand_expunged(connection: Connection, uids: Sequence[int]) -> None:
    """Raise ``WireError`` when one of ``uids``, which the server did not deliver, is there all the same."""
    if not uids:
        return
    await connection.run("NOOP")
    if await _search(connection, f"UID {_as_set(sorted(set(uids)))}"):
        raise errors.WireError("the server lists a message and does not deliver it")


async def _confirmed(connection: Connection, uids: Sequence[int], keys: Mapping[str, str]) -> list[int]:
    """Return those whose headers are equal: IMAP's search is for a part, in any case."""
    if not uids:
        return []
    found = _by_uid(await connection.run("FETCH", _as_set(uids), f"(UID {_KEYS[1:]}", prefix="UID"))
    return [uid for uid, items in found.items() if _has(items, keys)]


def _has(items: Mapping[str, Any], keys: Mapping[str, str]) -> bool:
    raw = next((value for name, value in items.items() if name.startswith("BODY[") and isinstance(value, bytes)), b"")
    unfolded = re.sub(r"\r?\n[ \t]+", " ", raw.decode("utf-8", "replace"))
    for line in unfolded.splitlines():
        name, _, value = line.partition(":")
        if name.strip().upper() in keys and value.strip("<> \t") == keys[name.strip().upper()]:
            return True
    return False


def _by_uid(answer: Answer) -> dict[int, dict[str, Any]]:
    """Return the FETCH answers by UID; what a server tells of other messages in between has none."""
    found: dict[int, dict[str, Any]] = {}
    for line in answer.responses:
        items = imap_wire.fetched(line)
        if items is not None and "UID" in items:
            found.setdefault(imap_wire.number(items["UID"]), {}).update(items)
    return found


def _as_set(uids: Sequence[int]) -> str:
    return ",".join(map(str, uids))
