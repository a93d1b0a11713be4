"""An SMTP server that does what a test's script says, and keeps a ledger of every dot that it accepted.

    async with smtp_sink.serve() as sink:
        sink.plan("rcpt", Say("450 4.2.1 later"))          # the next RCPT only; then as usual
        sink.plan("dot", Hold(latch := Latch()))           # until latch.open(), from any thread
        sink.always("dot", Take(Close()))                  # every message is taken, and no answer given
        ... sink.port, sink.accepted, sink.commands

``threaded()`` is the same for tests without an event loop; ``python -m peers.smtp_sink`` for other processes.
Stages: connect ehlo starttls auth mail rcpt data payload dot rset noop quit.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import collections
import concurrent.futures
import contextlib
import json
import ssl
import sys
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field

from peers.patience import PATIENCE

EXTENSIONS = ("PIPELINING", "SIZE 50000000", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES")


@dataclass(frozen=True)
class Accepted:
    """One message that this server took over; ``raw`` is without dot-stuffing and final dot."""

    mail_from: str
    recipients: tuple[str, ...]
    raw: bytes
    monotonic: float
    wall: float
    connection: int


class EndedError(Exception):
    """The script ends this connection."""


@dataclass(frozen=True)
class Say:
    """Answer this (``\\n`` makes a reply of several lines) in place of what is usual."""

    text: str

    async def __call__(self, talk: Conversation) -> bool:
        await talk.say(self.text)
        return self.text.startswith("2")


@dataclass(frozen=True)
class Raw:
    """Write these bytes in place of an answer, all at once or byte by byte."""

    data: bytes
    in_pieces: bool = False

    async def __call__(self, talk: Conversation) -> bool:
        for piece in (bytes([byte]) for byte in self.data) if self.in_pieces else (self.data,):
            talk.writer.write(piece)
            await talk.writer.drain()
            await asyncio.sleep(0)
        return self.data.startswith(b"2")


@dataclass(frozen=True)
class Close:
    """Close without a word; ``after`` bytes of payload where the stage is ``payload``."""

    after: int = 0

    async def __call__(self, talk: Conversation) -> bool:
        raise EndedError


@dataclass(frozen=True)
class Nothing:
    """Say nothing and hear nothing any more, with the connection open."""

    async def __call__(self, talk: Conversation) -> bool:
        await asyncio.Event().wait()
        return False


class Latch:
    """Closed until somebody opens it, from any thread; then open for good."""

    def __init__(self) -> None:
        self._opened: concurrent.futures.Future[None] = concurrent.futures.Future()

    def open(self) -> None:
        if not self._opened.done():
            self._opened.set_result(None)

    async def wait(self) -> None:
        await asyncio.shield(asyncio.wrap_future(self._opened))


@dataclass(frozen=True)
class Hold:
    """Wait for ``event`` (or ``seconds``), then go on with ``then`` or as usual."""

    event: asyncio.Event | Latch | None = None
    seconds: float = 0.0
    then: Act | None = None

    async def __call__(self, talk: Conversation) -> bool:
        talk.sink.holding += 1
        talk.sink.was_reached.set()
        try:
            await (self.event.wait() if self.event else asyncio.sleep(self.seconds))
        finally:
            talk.sink.holding -= 1
        return await (self.then or Usual())(talk)


@dataclass(frozen=True)
class Take:
    """Take the message over first, whatever ``then`` answers (stage ``dot``)."""

    then: Act

    async def __call__(self, talk: Conversation) -> bool:
        talk.take()
        await self.then(talk)
        return False


@dataclass(frozen=True)
class Usual:
    """Do what is usual at this stage."""

    async def __call__(self, talk: Conversation) -> bool:
        return await talk.usual()


Act = Callable[["Conversation"], Awaitable[bool]]


@dataclass
class Sink:
    """The server's state and script; safe to look at while it runs."""

    extensions: list[str] = field(default_factory=lambda: list(EXTENSIONS))
    users: dict[str, str] = field(default_factory=dict)
    context: ssl.SSLContext | None = None
    implicit_tls: bool = False
    inject_after_starttls: bytes = b""
    ends_at_bare_newline: bool = False
    idle_timeout: float = 120.0
    on_accept: Callable[[Accepted], None] | None = None
    port: int = 0
    host: str = "127.0.0.1"
    accepted: list[Accepted] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)
    in_clear: list[bytes] = field(default_factory=list)
    logins: list[tuple[str, str]] = field(default_factory=list)
    dropped_payloads: list[bytes] = field(default_factory=list)
    connections: int = 0
    open: int = 0
    holding: int = 0
    was_reached: asyncio.Event = field(default_factory=asyncio.Event)
    writers: set[tuple[asyncio.AbstractEventLoop, asyncio.StreamWriter]] = field(default_factory=set)
    once: dict[str, collections.deque[Act]] = field(default_factory=lambda: collections.defaultdict(collections.deque))
    ever: dict[str, Act] = field(default_factory=dict)

    def plan(self, stage: str, *acts: Act) -> None:
        """Do each of ``acts`` once, in order, when ``stage`` comes up."""
        self.once[stage].extend(acts)

    def always(self, stage: str, act: Act | None) -> None:
        """Do ``act`` whenever ``stage`` comes up and nothing is planned; None: as usual again."""
        if act is None:
            self.ever.pop(stage, None)
        else:
            self.ever[stage] = act

    def next_act(self, stage: str) -> Act:
        queue = self.once[stage]
        return queue.popleft() if queue else self.ever.get(stage, Usual())

    def hang_up(self) -> None:
        """End every connection, as a server does whose patience is at its end; from any thread."""
        for loop, writer in tuple(self.writers):
            loop.call_soon_threadsafe(writer.close)

    def verbs(self) -> list[str]:
        """Return the commands' verbs in the order in which they came, over all connections."""
        return [command.split(" ", 1)[0].split(":", 1)[0].upper() for command in self.commands]

    async def converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.open += 1
        line = (asyncio.get_running_loop(), writer)
        self.writers.add(line)
        try:
            await Conversation(self, reader, writer, self.connections).run()
        except (EndedError, ConnectionError, asyncio.IncompleteReadError, ssl.SSLError, TimeoutError):
            pass
        finally:
            self.open -= 1
            self.writers.discard(line)
            writer.transport.abort() if writer.get_extra_info("sslcontext") else writer.close()


class Conversation:
    """One connection."""

    def __init__(self, sink: Sink, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
        self.sink, self.reader, self.writer, self.number = sink, reader, writer, number
        self.stage = "connect"
        self.argument = ""
        self.is_secure = sink.implicit_tls
        self.mail_from, self.recipients, self.raw = "", [], b""
        self.wants_payload = False

    async def run(self) -> None:
        await self.act("connect")
        while line := await self.read_line():
            if not self.is_secure:
                self.sink.in_clear.append(line)
            text = line.decode("utf-8", "surrogateescape").rstrip("\r\n")
            self.sink.commands.append(text)
            verb, _, self.argument = text.partition(" ")
            stage = {"helo": "ehlo"}.get(verb.lower(), verb.lower())
            await self.act(stage)
            if self.wants_payload:
                await self.payload()

    async def read_line(self) -> bytes:
        async with asyncio.timeout(self.sink.idle_timeout):
            return await self.reader.readline()

    async def act(self, stage: str) -> bool:
        self.stage = stage
        act = self.sink.next_act(stage)
        is_done = await act(self)
        if is_done and stage in {"mail", "rcpt"} and not isinstance(act, Usual | Hold):
            await getattr(self, f"_{stage}")()
        return is_done

    async def say(self, text: str) -> None:
        *more, last = text.split("\n")
        lines = [line[:3] + "-" + line[4:] for line in more] + [last]
        if self.stage == "data" and last.startswith("354"):
            self.wants_payload = True
        self.writer.write("".join(f"{line}\r\n" for line in lines).encode())
        await self.writer.drain()

    async def usual(self) -> bool:
        """Answer as a plain server would; True when the command was carried out."""
        answer = await getattr(self, f"_{self.stage}", self._unknown)()
        if answer:
            await self.say(answer)
        if self.stage == "quit":
            raise EndedError
        return answer.startswith("2")

    async def payload(self) -> None:
        self.wants_payload = False
        act = self.sink.next_act("payload")
        if isinstance(act, Close):
            self.sink.dropped_payloads.append(await self.reader.readexactly(act.after))
            raise EndedError
        ends = {b".\r\n", b".\n"} if self.sink.ends_at_bare_newline else {b".\r\n"}
        lines: list[bytes] = []
        is_whole = False
        try:
            while line := await self.read_line():
                if is_whole := line in ends:
                    break
                lines.append(line)
        finally:
            if not is_whole:
                self.sink.dropped_payloads.append(b"".join(lines))
        if not is_whole:
            raise EndedError
        self.raw = b"".join(line[1:] if line.startswith(b".") else line for line in lines)
        dot = self.sink.next_act("dot")
        self.stage = "dot"
        if await dot(self) and not isinstance(dot, Usual | Hold):
            self.take()
        self.mail_from, self.recipients, self.raw = "", [], b""

    def take(self) -> str:
        message = Accepted(self.mail_from, tuple(self.recipients), self.raw, time.monotonic(), time.time(), self.number)
        self.sink.accepted.append(message)
        if self.sink.on_accept is not None:
            self.sink.on_accept(message)
        return f"250 2.0.0 Ok: queued as {len(self.sink.accepted):06X}"

    async def _connect(self) -> str:
        return "220 sink.test ESMTP"

    async def _ehlo(self) -> str:
        lines = ["sink.test", *self.sink.extensions]
        if self.sink.context is not None and not self.is_secure:
            lines.append("STARTTLS")
        if self.sink.users:
            lines.append("AUTH PLAIN LOGIN XOAUTH2")
        return "\n".join(f"250 {line}" for line in lines)

    async def _starttls(self) -> str:
        if self.sink.context is None or self.is_secure:
            return "502 5.5.1 not here"
        self.writer.write(b"220 2.0.0 go ahead\r\n" + self.sink.inject_after_starttls)
        await self.writer.drain()
        await self.writer.start_tls(self.sink.context)
        self.is_secure = True
        return ""

    async def _auth(self) -> str:
        mechanism, _, initial = self.argument.partition(" ")
        if mechanism.upper() == "PLAIN":
            _, user, secret = base64.b64decode(initial).decode().split("\0")
        elif mechanism.upper() == "XOAUTH2":
            fields = base64.b64decode(initial).decode().split("\x01")
            user, secret = fields[0].removeprefix("user="), fields[1].removeprefix("auth=Bearer ")
        else:
            await self.say("334 UGFzc3dvcmQ6")
            user, secret = base64.b64decode(initial).decode(), base64.b64decode(await self.read_line()).decode()
        self.sink.logins.append((user, secret))
        if self.sink.users.get(user) == secret:
            return "235 2.7.0 welcome"
        return "535 5.7.8 user name and password not accepted"

    async def _mail(self) -> str:
        self.mail_from, self.recipients = self.argument.partition("<")[2].partition(">")[0], []
        return "250 2.1.0 Ok"

    async def _rcpt(self) -> str:
        self.recipients.append(self.argument.partition("<")[2].partition(">")[0])
        return "250 2.1.5 Ok"

    async def _data(self) -> str:
        return "354 go ahead" if self.recipients else "554 5.5.1 no valid recipients"

    async def _dot(self) -> str:
        return self.take()

    async def _rset(self) -> str:
        self.mail_from, self.recipients = "", []
        return "250 2.0.0 Ok"

    async def _noop(self) -> str:
        return "250 2.0.0 Ok"

    async def _quit(self) -> str:
        return "221 2.0.0 bye"

    async def _unknown(self) -> str:
        return "500 5.5.2 what?"


@contextlib.asynccontextmanager
async def serve(port: int = 0, **settings: object) -> AsyncIterator[Sink]:
    """Run a sink on a loopback port of its own choosing; ``settings`` are ``Sink``'s fields."""
    sink = Sink(**settings)  # type: ignore[arg-type] # settings are a sink's own fields
    talks: set[asyncio.Task[None]] = set()

    def begin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        talk = asyncio.create_task(sink.converse(reader, writer))
        talks.add(talk)
        talk.add_done_callback(talks.discard)

    tls = sink.context if sink.implicit_tls else None
    server = await asyncio.start_server(begin, sink.host, port, ssl=tls, limit=64 * 1024 * 1024)
    sink.port = server.sockets[0].getsockname()[1]
    try:
        yield sink
    finally:
        server.close()
        for talk in talks:
            talk.cancel()
        await asyncio.gather(*talks, return_exceptions=True)


@contextlib.contextmanager
def threaded(port: int = 0, **settings: object) -> Iterator[Sink]:
    """Run a sink in a thread, for tests that have no event loop or whose subject is another process."""
    ready: collections.deque[Sink] = collections.deque()
    is_up, loop = threading.Event(), asyncio.new_event_loop()
    stop = asyncio.Event()

    async def main() -> None:
        async with serve(port, **settings) as sink:
            ready.append(sink)
            is_up.set()
            await stop.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(main()), daemon=True)
    thread.start()
    if not is_up.wait(PATIENCE):
        raise RuntimeError("the sink did not start")
    try:
        yield ready[0]
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(PATIENCE)
        loop.close()


def _record(message: Accepted) -> None:
    fields = {"at": message.wall, "from": message.mail_from, "to": message.recipients}
    line = json.dumps(fields | {"raw": base64.b64encode(message.raw).decode()})
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


async def _main(port: int) -> None:
    async with serve(port, on_accept=_record) as sink:
        sys.stdout.write(f"{json.dumps({'port': sink.port})}\n")
        sys.stdout.flush()
        await asyncio.to_thread(sys.stdin.read)  # until whoever started it goes away


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--port", type=int, default=0)
    asyncio.run(_main(arguments.parse_args().port))
