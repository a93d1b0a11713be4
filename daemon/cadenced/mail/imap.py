"""Reading a mailbox: one connection for questions, one that listens. IDLE wakes, NOOP decides (RELIABILITY 2.3)."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from cadenced import errors
from cadenced.mail import imap_login, imap_messages, imap_names, imap_wire
from cadenced.mail.imap_channel import LostError, RefusedCommandError, trouble_told
from cadenced.mail.imap_connection import Connection, ImapSettings
from cadenced.mail.imap_watch import Watch
from cadenced.mail.logins import LoginGuard
from cadenced.ports import Fetched, Folder

__all__ = ["ImapSettings", "Mailbox"]

T = TypeVar("T")
log = logging.getLogger(__name__)

_UNSELECTABLE = frozenset({"noselect", "nonexistent"})


class Mailbox:
    """One mailbox's way in; a ``ports.Inbox``. Connects when first asked and after every trouble, until ``close``."""

    def __init__(self, settings: ImapSettings) -> None:
        self._settings = settings
        self._guard = LoginGuard(time.monotonic)
        self._watch = Watch(settings, self._connect)
        self._connection: Connection | None = None
        self._lock = asyncio.Lock()
        self._wire_names: dict[str, str] = {}
        self._readable: set[str] = set()
        self._backlog = imap_messages.Backlog()
        self._is_closed = False

    async def folders(self) -> Sequence[Folder]:
        """Return every selectable folder as it is now, the one that replies are read in first."""
        return await self._ask(self._folders)

    async def fetch(self, folder: Folder, after_uid: int, limit: int = 50) -> Sequence[Fetched]:
        """Return up to ``limit`` messages above ``after_uid``; fewer when they are large, none only at the end.

        A message beyond ``max_message`` bytes comes cut there.
        """
        return await self._ask(lambda connection: self._fetch(connection, folder, after_uid, limit))

    async def wait(self, seconds: float) -> bool:
        """Return True as soon as the folder of replies may have changed, False after ``seconds`` without news."""
        return await self._watch.wait(seconds)

    def attend(self, seconds: float) -> bool:
        """Listen closely for so long; False where the server is too far away for that."""
        return self._watch.attend(seconds)

    async def find(self, folder: Folder, message_id: str, reference: str) -> int | None:
        """Return the UID of the message with this Message-ID or X-Cadence-Ref, None when it is certainly not there."""
        wanted = {"MESSAGE-ID": message_id.strip("<> "), "X-CADENCE-REF": reference.strip()}
        return await self._ask(lambda connection: self._find(connection, folder, wanted))

    async def append(self, folder: Folder, raw: bytes) -> None:
        """File a copy, marked as seen."""
        await self._ask(lambda connection: connection.append(self._quoted(folder), raw), again=False)

    async def move(self, source: Folder, uid: int, target: Folder) -> None:
        """Move one message; raises ``WireError`` when it is not there."""
        await self._ask(lambda connection: self._move(connection, source, uid, target), again=False)

    async def close(self) -> None:
        """Log out of both connections; never raises."""
        self._is_closed = True
        await self._watch.close()
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.leave()

    async def _ask(self, work: Callable[[Connection], Awaitable[T]], *, again: bool = True) -> T:
        """Do ``work`` on the connection; one that the server had closed meanwhile is replaced once, if ``again``."""
        async with self._lock:
            connection, is_fresh = await self._connected()
            try:
                return await self._guarded(connection, work)
            except LostError:
                if is_fresh or not again:
                    raise
            connection, _ = await self._connected()
            return await self._guarded(connection, work)

    async def _guarded(self, connection: Connection, work: Callable[[Connection], Awaitable[T]]) -> T:
        try:
            with trouble_told():
                return await work(connection)
        except RefusedCommandError:
            raise
        except BaseException:  # whatever it was, and a cancellation too: nobody knows what the next bytes belong to
            connection.drop()
            self._connection = None
            raise

    async def _connected(self) -> tuple[Connection, bool]:
        if self._connection is not None and self._connection.is_alive:
            return self._connection, False
        self._connection = await self._connect()
        return self._connection, True

    async def _connect(self) -> Connection:
        async with self._guard.turn:
            if self._is_closed:
                raise errors.WireError("the mailbox was closed")
            self._guard.demand()
            await self._settings.pace.turn()
            try:
                connection = await imap_login.connect(self._settings)
            except errors.LoginRefusedError as error:
                self._guard.refused(str(error))
                raise
            except errors.WireError:
                self._settings.pace.turned_away()
                raise
            self._guard.accepted()
            self._settings.pace.welcomed()
            return connection

    async def _folders(self, connection: Connection) -> list[Folder]:
        # NOOP first: without it a selected folder shows what it was (measured on Dovecot: 300 of 300 stale).
        await connection.run("NOOP")
        answer = await connection.run("LIST", '""', '"*"', *_list_options(connection.capabilities))
        found = list(filter(None, map(imap_wire.listed, answer.responses)))
        selectable = [f for f in found if not f.attributes & _UNSELECTABLE and imap_names.is_speakable(f.name)]
        states = dict(filter(None, map(imap_wire.status, answer.responses)))
        states |= await self._statuses(connection, [f.name for f in selectable if f.name not in states])
        roles = imap_names.roles(selectable, self._settings.folder, self._settings.sent)
        self._wire_names = {imap_names.decode(f.name): f.name.decode("utf-8", "surrogateescape") for f in selectable}
        folders = [_folder(f.name, roles.get(f.name, ""), states[f.name]) for f in selectable if f.name in states]
        if not any(folder.role == "inbox" for folder in folders):
            raise errors.WireError(f"there is no folder {self._settings.folder}")
        return sorted(folders, key=lambda folder: folder.role != "inbox")

    async def _statuses(self, connection: Connection, names: list[bytes]) -> dict[bytes, dict[str, int]]:
        """Ask folder by folder, twenty questions on the wire at a time."""
        states: dict[bytes, dict[str, int]] = {}
        for start in range(0, len(names), 20):
            batch = names[start : start + 20]
            for state in await asyncio.gather(*(self._status(connection, name) for name in batch)):
                states |= state
        return states

    async def _status(self, connection: Connection, name: bytes) -> dict[bytes, dict[str, int]]:
        text = name.decode("utf-8", "surrogateescape")
        try:
            answer = await connection.run("STATUS", imap_names.quote(text), "(UIDNEXT UIDVALIDITY)")
        except RefusedCommandError:
            if text in self._readable or imap_names.is_same(imap_names.decode(name), self._settings.folder):
                raise
            log.warning("folder unreadable", extra={"folder": text})  # it never could be read: somebody else's
            return {}
        self._readable.add(text)
        return dict(filter(None, map(imap_wire.status, answer.responses)))

    async def _fetch(self, connection: Connection, folder: Folder, after_uid: int, limit: int) -> list[Fetched]:
        await imap_messages.open_folder(connection, self._quoted(folder), folder.uid_validity)
        place, most = (folder.name, folder.uid_validity), self._settings.max_message
        if (known := self._backlog.above(place, after_uid)) and (
            found := await imap_messages.fetch(connection, known, limit, most)
        ):
            return found  # none of them: all were expunged since, and what has come since is not known yet
        uids = await imap_messages.above(connection, after_uid)
        self._backlog.keep(place, after_uid, uids)
        return await imap_messages.fetch(connection, uids, limit, most)

    async def _find(self, connection: Connection, folder: Folder, wanted: dict[str, str]) -> int | None:
        await imap_messages.open_folder(connection, self._quoted(folder), folder.uid_validity)
        return await imap_messages.find(connection, wanted)

    async def _move(self, connection: Connection, source: Folder, uid: int, target: Folder) -> None:
        await imap_messages.open_folder(connection, self._quoted(source), source.uid_validity, writable=True)
        await imap_messages.move(connection, uid, self._quoted(target))

    def _quoted(self, folder: Folder) -> str:
        return imap_names.quote(self._wire_names.get(folder.name) or imap_names.encode(folder.name))


def _list_options(capabilities: frozenset[str]) -> tuple[str, ...]:
    if "LIST-STATUS" not in capabilities:
        return ()
    special = "SPECIAL-USE " if "SPECIAL-USE" in capabilities else ""
    return ("RETURN", f"({special}STATUS (UIDNEXT UIDVALIDITY))")


def _folder(name: bytes, role: str, state: dict[str, int]) -> Folder:
    if not {"UIDNEXT", "UIDVALIDITY"} <= state.keys():
        raise errors.WireError("the server does not say where a folder stands (UIDNEXT, UIDVALIDITY)")
    return Folder(imap_names.decode(name), role, state["UIDVALIDITY"], state["UIDNEXT"])
