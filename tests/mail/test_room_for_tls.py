"""Encrypted connections hold little memory each, and lose nothing for it."""

from __future__ import annotations

import asyncio
import asyncio.sslproto
from pathlib import Path

from cadenced.mail import privacy
from peers import certificates


async def test_more_than_the_room_arrives_whole_over_a_connection_that_holds_no_more(tmp_path: Path) -> None:
    certificate = certificates.make(tmp_path)
    told = bytes(range(256)) * (privacy.ROOM // 64)  # four times the room

    async def tell(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(told)
        await writer.drain()
        writer.close()

    context = privacy.client_context(str(certificate.authority))
    async with await asyncio.start_server(tell, "localhost", 0, ssl=certificate.server_context()) as server:
        port = server.sockets[0].getsockname()[1]
        reader, writer = await asyncio.open_connection("localhost", port, ssl=context)
        assert await reader.read() == told
        held = writer.transport._ssl_protocol._ssl_buffer  # type: ignore[attr-defined] # it is about asyncio's own buffer
        assert len(held) <= privacy.ROOM
        writer.close()
