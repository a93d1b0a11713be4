"""pymap's IMAP server embedded: no LIST-STATUS, no SPECIAL-USE, no MOVE; the other kind of server."""

from __future__ import annotations

import asyncio
import contextlib
import imaplib
from argparse import Namespace
from collections.abc import AsyncIterator
from dataclasses import dataclass

from proxyprotocol.reader import ProxyProtocolReader
from pymap.backend.dict import DictBackend
from pymap.imap import IMAPServer

USER, PASSWORD = "julie", "secret"


@dataclass
class PymapPeer:
    """A running server; its mail stays while ``stop`` and ``start`` follow each other."""

    serve: ProxyProtocolReader
    port: int = 0
    server: asyncio.Server | None = None

    def __post_init__(self) -> None:
        self.talks: set[asyncio.Task[None]] = set()
        self.writers: list[asyncio.StreamWriter] = []

    async def start(self) -> None:
        """Listen, on the same port as before."""

        def begin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self.writers.append(writer)
            talk = asyncio.ensure_future(self.serve(reader, writer))
            self.talks.add(talk)
            talk.add_done_callback(self.talks.discard)

        self.server = await asyncio.start_server(begin, "127.0.0.1", self.port)
        self.port = self.server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """End every connection and listen no more."""
        if self.server is not None:
            self.server.close()
        for writer in self.writers:
            writer.transport.abort()
        self.writers.clear()
        talks = list(self.talks)
        for talk in talks:
            talk.cancel()
        await asyncio.gather(*talks, return_exceptions=True)

    async def deliver(self, raw: bytes, folder: str = "INBOX") -> None:
        """Put a message into a folder through a client of the standard library."""
        await asyncio.to_thread(self._deliver, raw, folder)

    def _deliver(self, raw: bytes, folder: str) -> None:
        other = imaplib.IMAP4("127.0.0.1", self.port, timeout=20)
        other.login(USER, PASSWORD)
        other.append(folder, "", "", raw)
        other.logout()

    def _create(self, folders: tuple[str, ...]) -> None:
        other = imaplib.IMAP4("127.0.0.1", self.port, timeout=20)
        other.login(USER, PASSWORD)
        for folder in folders:
            other.create(folder)
        other.logout()


@contextlib.asynccontextmanager
async def running(*folders: str) -> AsyncIterator[PymapPeer]:
    """Run a server with these folders beside INBOX."""
    arguments = Namespace(
        debug=False, host=None, port="0", cert=None, key=None, tls=False, proxy_protocol=None, passlib_cfg=None,
        demo_data=False, demo_user=USER, demo_password=PASSWORD, insecure_login=True, inherited_sockets=None,
    )  # fmt: skip
    backend, config = await DictBackend.init(arguments)
    config.apply_context()
    peer = PymapPeer(ProxyProtocolReader(config.proxy_protocol).get_callback(IMAPServer(backend.login, config)))
    await peer.start()
    try:
        await asyncio.to_thread(peer._create, folders)
        yield peer
    finally:
        await peer.stop()
