"""The daemon's log: an event and its fields on one line, for journald, for a file, or for a person at a terminal.

Nothing of a mail's body, no secret, and no whole address is ever written; what came from outside cannot forge a line.
A log that nobody reads (a full pipe) must not stop the sending: lines go through a bounded queue to a thread.
"""

from __future__ import annotations

import logging
import os
import queue
import re
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

import click

_ADDRESS = re.compile(r"([^\s<>\"'@,;:()\[\]=]{1,64})@([A-Za-z0-9.-]{1,255})")
_PLAIN = re.compile(r"[^\s\"=]+")
_OWN_FIELDS = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}
_PRIORITIES = {logging.DEBUG: 7, logging.INFO: 6, logging.WARNING: 4, logging.ERROR: 3, logging.CRITICAL: 2}
_COLOURS = {logging.DEBUG: "bright_black", logging.WARNING: "yellow", logging.ERROR: "red", logging.CRITICAL: "red"}
_LONGEST = 2_000
_QUEUED = 10_000
_LAST_WORDS = 2.0


def masked(text: str) -> str:
    """Return ``text`` with every mail address cut to its first letter and its domain."""
    return _ADDRESS.sub(lambda found: f"{found[1][0]}…@{found[2]}", text)


def value(given: object) -> str:
    """Return a field's value as one word, or quoted; control characters escaped, addresses masked, cut at 2,000."""
    text = _one_line(masked(str(given)))[:_LONGEST]
    return text if _PLAIN.fullmatch(text) else '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _one_line(text: str) -> str:
    return "".join(character if character.isprintable() else _escaped(character) for character in text)


def _escaped(character: str) -> str:
    return {"\n": "\\n", "\t": "\\t", "\r": "\\r"}.get(character, f"\\u{ord(character):04x}")


def event(record: logging.LogRecord) -> str:
    """Return what happened, with its fields behind it: ``sent touch=12 mailbox=julie``. Empty ones are left out."""
    fields = {key: given for key, given in record.__dict__.items() if key not in _OWN_FIELDS and given != ""}
    said = _one_line(masked(record.getMessage()))[:_LONGEST]
    return " ".join([said, *(f"{key}={value(given)}" for key, given in fields.items())])


class Journal(logging.Formatter):
    """One line with its priority before it, as journald reads it (sd-daemon(3))."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line; a traceback is a field of it."""
        trace = f" trace={value(self.formatException(record.exc_info))}" if record.exc_info else ""
        return f"<{_PRIORITIES.get(record.levelno, 5)}>{event(record)}{trace}"


class Plain(logging.Formatter):
    """One line with its moment (UTC) and level, for files and other collectors."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line; a traceback is a field of it."""
        at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(record.created))
        trace = f" trace={value(self.formatException(record.exc_info))}" if record.exc_info else ""
        return f"{at} {record.levelname.lower()} {event(record)}{trace}"


class Terminal(logging.Formatter):
    """A line for a person: local time, the event, its fields dimmed; a traceback below it as Python prints it."""

    def __init__(self, *, colours: bool) -> None:
        super().__init__()
        self._colours = colours

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        at = time.strftime("%H:%M:%S", time.localtime(record.created))
        said = _one_line(masked(record.getMessage()))
        fields = event(record)[len(said) :]
        line = f"{self._styled(at, dim=True)} {self._styled(said, fg=_COLOURS.get(record.levelno))}"
        trace = "\n" + masked(self.formatException(record.exc_info)) if record.exc_info else ""
        return line + self._styled(fields, dim=True) + trace

    def _styled(self, text: str, *, fg: str | None = None, dim: bool | None = None) -> str:
        return click.style(text, fg=fg, dim=dim) if self._colours and text else text


class Unhurried(logging.Handler):
    """Hands lines to a thread; when that cannot write, lines are dropped and counted, never waited for."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__()
        self._stream = stream
        self._lines: queue.Queue[str | None] = queue.Queue(_QUEUED)
        self._dropped = 0
        self._writer = threading.Thread(target=self._write, name="log", daemon=True)
        self._writer.start()

    def emit(self, record: logging.LogRecord) -> None:
        """Queue a line."""
        try:
            self._lines.put_nowait(self.format(record))
        except queue.Full:
            self._dropped += 1

    def close(self) -> None:
        """Write what is queued, for at most two seconds."""
        try:
            self._lines.put(None, timeout=_LAST_WORDS)
        except queue.Full:
            return
        self._writer.join(_LAST_WORDS)
        super().close()

    def _write(self) -> None:
        while (line := self._lines.get()) is not None:
            try:
                self._stream.write(line + "\n")
                if self._dropped:
                    self._stream.write(f"log lines dropped count={self._dropped}\n")
                    self._dropped = 0
                self._stream.flush()
            except (OSError, ValueError):  # nobody reads any more: no reason to stop sending mail
                continue


def formatter(stream: TextIO) -> logging.Formatter:
    """Return how to write to a stream: it is the journal, a terminal, or something else."""
    if _is_journal(stream):
        return Journal()
    if stream.isatty():
        return Terminal(colours="NO_COLOR" not in os.environ)
    return Plain()


def _is_journal(stream: TextIO) -> bool:
    """Whether a stream leads to journald: JOURNAL_STREAM names its device and inode (systemd.exec(5))."""
    device, colon, inode = os.environ.get("JOURNAL_STREAM", "").partition(":")
    if not colon:
        return False
    try:
        status = os.fstat(stream.fileno())
    except (OSError, ValueError):
        return False
    return (device, inode) == (str(status.st_dev), str(status.st_ino))


@contextmanager
def kept(*, verbose: bool = False, stream: TextIO | None = None) -> Iterator[None]:
    """Log to standard error while the daemon runs."""
    target = stream or sys.stderr
    handler = Unhurried(target)
    handler.setFormatter(formatter(target))
    root = logging.getLogger()
    before = root.level, logging.getLogger("cadenced").level
    root.addHandler(handler)
    root.setLevel(logging.WARNING)
    logging.getLogger("cadenced").setLevel(logging.DEBUG if verbose else logging.INFO)
    try:
        yield
    finally:
        root.removeHandler(handler)
        root.setLevel(before[0])
        logging.getLogger("cadenced").setLevel(before[1])
        handler.close()
