"""The protocol under an IMAP connection: aioimaplib's commands, a reader of our own, an end that everybody hears of.

What aioimaplib 2.0.3 is not trusted with, and why: reading (see ``imap_wire``); connecting (``IMAP4_SSL`` takes no
``conn_lost_cb``, a failed greeting is waited for until the time-out); STARTTLS (there is none); LOGIN (the user's name
is not quoted) and XOAUTH2 (a refusal is never acknowledged, so it hangs; the token stands in the debug log); time-outs
(a command on a lost connection waits for all of its own).
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Iterator
from typing import Any

import aioimaplib

from cadenced import errors
from cadenced.mail import faults, imap_wire
from cadenced.mail.imap_wire import Response


class RefusedCommandError(errors.WireError):
    """The server answered NO: the connection is sound, the command is not carried out."""


class LostError(errors.WireError):
    """The connection ended under a command."""


class Channel(aioimaplib.IMAP4ClientProtocol):  # type: ignore[misc]  # aioimaplib has no types
    """aioimaplib's protocol with a reader of our own; ``news`` is set by whatever may mean that a folder changed."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop)
        self.greeting: asyncio.Future[Response] = loop.create_future()
        self.news = asyncio.Event()
        self.ended = ""
        self.sasl: list[bytes] = []
        self.has_strayed = False
        self._framer = imap_wire.Framer()

    @property
    def is_quiet(self) -> bool:
        """Tell whether all that came was asked for, to its end."""
        return not (self.has_strayed or self._framer.is_within_response)

    def data_received(self, data: bytes) -> None:
        """Take whole responses in order; anything that is no IMAP ends the connection."""
        try:
            for response in self._framer.feed(data):
                self._take(response)
        except aioimaplib.AioImapException:  # its text repeats the command under way: LOGIN with the password
            self.end("an answer to a command that was never given")
        except (imap_wire.GarbageError, ValueError) as error:
            self.end(f"not IMAP: {error}")

    def connection_lost(self, exc: Exception | None) -> None:
        """Wake whoever waits, for an answer or for news."""
        self.end(self.ended or f"connection lost ({exc or 'closed'})")

    def send(self, line: str, scrub: str | None = None) -> None:  # noqa: ARG002 - nothing is logged, so nothing scrubbed
        """Write a command, without telling any log."""
        self.transport.write(line.encode("utf-8", "surrogateescape") + b"\r\n")

    def end(self, why: str) -> None:
        """Close at once and fail what is under way."""
        self.ended = self.ended or why
        self.news.set()
        if not self.greeting.done():
            self.greeting.set_exception(LostError(self.ended))
            self.greeting.exception()  # nobody may be waiting for it
        for command in self._pending():
            command._exception = LostError(self.ended)  # there is no other way to fail it
            command.close(b"", "KO")
        if self.transport is not None:
            self.transport.abort()

    def _take(self, response: Response) -> None:
        head = response.head
        if not self.greeting.done():
            self.greeting.set_result(response)
        elif head.startswith(b"* "):
            self._take_untagged(response)
        elif head.startswith(b"+"):
            self._continuation(head)
        else:
            self._response_done(head)

    def _take_untagged(self, response: Response) -> None:
        word = response.head[2:12].upper()
        pending = self._pending()
        self.has_strayed = self.has_strayed or not pending
        if word.startswith(b"BYE"):
            self.ended = self.ended or f"the server said {response.head[2:200].decode('utf-8', 'replace')}"
            self.news.set()
            return
        if word[:1].isdigit():
            self.news.set()
        if pending and pending[0].name != "IDLE":
            pending[0].append_to_resp(response)

    def _continuation(self, line: bytes) -> None:
        under_way = "" if self.pending_sync_command is None else self.pending_sync_command.name
        if under_way == "AUTHENTICATE":
            # A second challenge is a complaint: an empty answer brings the NO that the server owes (RFC 7628, 3.2.3).
            self.transport.write((self.sasl.pop() if self.sasl else b"") + b"\r\n")
        elif self.pending_sync_command is None or (self.pending_sync_command.name, self.literal_data) == (
            "APPEND",
            None,
        ):
            raise imap_wire.GarbageError("a go-ahead for nothing")
        else:
            super()._continuation(line)

    def _pending(self) -> list[Any]:
        sync = [] if self.pending_sync_command is None else [self.pending_sync_command]
        return sync + list(self.pending_async_commands.values())


@contextlib.contextmanager
def trouble_told(host: str = "") -> Iterator[None]:
    """Turn what a network does on the way to ``host`` into a ``WireError``."""
    try:
        yield
    except errors.WireError:
        raise
    except ssl.SSLError as error:
        raise errors.TlsRefusedError(f"TLS refused: {faults.words(error)}") from error
    except TimeoutError as error:
        raise errors.WireError("no answer in time") from error
    except (OSError, imap_wire.GarbageError) as error:
        raise errors.WireError(faults.words(error, host)) from error
    except aioimaplib.AioImapException:  # its text may repeat a command with a secret
        raise errors.WireError("the server broke off, or broke the protocol") from None
