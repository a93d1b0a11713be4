"""An IMAP server for faults: it answers as told, command by command, and a proxy that cuts what a real one says.

    async with imap_peer.serve() as peer:
        peer.on["IDLE"] = [b"+ idling\\r\\n", b"* BYE bye\\r\\n", imap_peer.CLOSE]
        ... peer.port, peer.commands

An answer is a list of bytes (``{tag}`` is the command's tag), CLOSE, SILENCE, or a function that writes for itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

CLOSE = object()
SILENCE = object()
STARTTLS = object()

Part = bytes | object
Answer = list[Part] | Callable[["Talk", str, bytes], Awaitable[None]]

USUAL: dict[str, list[Part]] = {
    "CAPABILITY": [b"* CAPABILITY IMAP4rev1 IDLE LIST-EXTENDED LIST-STATUS SPECIAL-USE MOVE UIDPLUS\r\n{tag} OK\r\n"],
    "LOGIN": [b"{tag} OK in\r\n"],
    "NOOP": [b"{tag} OK\r\n"],
    "LIST": [
        b'* LIST () "/" INBOX\r\n* STATUS INBOX (UIDNEXT 5 UIDVALIDITY 7)\r\n',
        b'* LIST (\\Sent) "/" Sent\r\n* STATUS Sent (UIDNEXT 1 UIDVALIDITY 8)\r\n{tag} OK\r\n',
    ],
    "STATUS": [b"* STATUS INBOX (UIDNEXT 5 UIDVALIDITY 7)\r\n{tag} OK\r\n"],
    "EXAMINE": [b"* 4 EXISTS\r\n* OK [UIDVALIDITY 7] yes\r\n{tag} OK [READ-ONLY]\r\n"],
    "SELECT": [b"* 4 EXISTS\r\n* OK [UIDVALIDITY 7] yes\r\n{tag} OK [READ-WRITE]\r\n"],
    "SEARCH": [b"* SEARCH\r\n{tag} OK\r\n"],
    "IDLE": [b"+ idling\r\n"],
    "DONE": [b"{tag} OK\r\n"],
    "LOGOUT": [b"* BYE\r\n{tag} OK\r\n", CLOSE],
}


@dataclass
class Peer:
    """The script and the ledger."""

    greeting: list[Part] = field(default_factory=lambda: [b"* OK ready\r\n"])
    on: dict[str, Answer] = field(default_factory=dict)
    once: dict[str, list[Answer]] = field(default_factory=dict)
    context: ssl.SSLContext | None = None
    commands: list[str] = field(default_factory=list)
    received: bytearray = field(default_factory=bytearray)
    connections: int = 0
    open: int = 0
    host: str = "127.0.0.1"
    port: int = 0
    talks: list[Talk] = field(default_factory=list)

    def verbs(self) -> list[str]:
        """Return the commands' verbs, without UID, over all connections."""
        return [_verb(command) for command in self.commands]

    async def push(self, data: bytes) -> None:
        """Say something unasked on every open connection."""
        for talk in self.talks:
            talk.writer.write(data)


class Talk:
    """One connection."""

    def __init__(self, peer: Peer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.peer, self.reader, self.writer = peer, reader, writer
        self.idle_tag = ""

    async def run(self) -> None:
        await self.play(self.peer.greeting, "*")
        while line := await self.reader.readline():
            self.peer.received += line
            text = line.decode("utf-8", "replace").rstrip("\r\n")
            tag, _, command = text.partition(" ")
            if text == "DONE":
                tag, command = self.idle_tag, "DONE"
            self.peer.commands.append(command)
            verb = _verb(command)
            if verb == "IDLE":
                self.idle_tag = tag
            waiting = self.peer.once.get(verb)
            answer = waiting.pop(0) if waiting else self.peer.on.get(verb, USUAL.get(verb, [b"{tag} BAD what?\r\n"]))
            if callable(answer):
                await answer(self, tag, line)
            else:
                await self.play(answer, tag)

    async def play(self, parts: list[Part], tag: str) -> None:
        for part in parts:
            if part is CLOSE:
                raise ConnectionResetError
            if part is SILENCE:
                while await self.reader.read(65_536):
                    pass
                raise ConnectionResetError
            if part is STARTTLS:
                assert self.peer.context is not None
                await self.writer.start_tls(self.peer.context)
            if isinstance(part, bytes):
                self.writer.write(part.replace(b"{tag}", tag.encode()))
                await self.writer.drain()


def _verb(command: str) -> str:
    words = command.upper().split(" ")
    return words[1] if words[0] == "UID" and len(words) > 1 else words[0]


@contextlib.asynccontextmanager
async def serve(**settings: object) -> AsyncIterator[Peer]:
    """Run a peer on a loopback port; ``settings`` are ``Peer``'s fields."""
    peer = Peer(**settings)  # type: ignore[arg-type] # the peer's own small grammar

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer.connections += 1
        peer.open += 1
        talk = Talk(peer, reader, writer)
        peer.talks.append(talk)
        try:
            await talk.run()
        except (ConnectionError, ssl.SSLError):
            pass
        finally:
            peer.open -= 1
            peer.talks.remove(talk)
            writer.close()

    async with _server(converse) as port:
        peer.port = port
        yield peer


@contextlib.asynccontextmanager
async def chopping(port: int, size: int = 65536, end_after: int = 1 << 40) -> AsyncIterator[int]:
    """Run a proxy to ``port`` that hands on what the server says in pieces of ``size`` bytes, ``end_after`` in all."""

    async def hand_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, most: int, left: int) -> None:
        with contextlib.suppress(ConnectionError):
            while left > 0 and (data := await reader.read(min(left, 65536))):
                left -= len(data)
                for start in range(0, len(data), most):
                    writer.write(data[start : start + most])
                    await asyncio.sleep(0)
        writer.close()

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        theirs, ours = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(hand_on(theirs, writer, size, end_after), hand_on(reader, ours, 65536, 1 << 40))

    async with _server(converse) as own:
        yield own


@contextlib.asynccontextmanager
async def _server(
    converse: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
) -> AsyncIterator[int]:
    talks: set[asyncio.Task[None]] = set()

    def begin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        talk = asyncio.ensure_future(converse(reader, writer))
        talks.add(talk)
        talk.add_done_callback(talks.discard)

    server = await asyncio.start_server(begin, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for talk in talks:
            talk.cancel()
        await asyncio.gather(*talks, return_exceptions=True)
