"""The log: one line an event, no whole address, nothing forged, and never in the way of the work."""

from __future__ import annotations

import io
import logging
import os
import threading

import pytest

from cadenced.cli import logs


def record(message: str, level: int = logging.INFO, **fields: object) -> logging.LogRecord:
    made = logging.makeLogRecord({"msg": message, "levelno": level, "levelname": logging.getLevelName(level)})
    made.__dict__.update(fields)
    return made


def test_an_event_stands_with_its_fields_on_one_line() -> None:
    assert logs.event(record("sent", touch=12, mailbox="julie", folder="Sent Mail")) == (
        'sent touch=12 mailbox=julie folder="Sent Mail"'
    )


def test_a_field_that_is_empty_is_left_out() -> None:
    assert logs.event(record("imported", rejected=0, notes="")) == "imported rejected=0"


def test_an_address_is_never_written_whole() -> None:
    line = logs.event(record("refused for ann.keller@example.com", fault="550 <ann.keller@example.com>: unknown"))
    assert "ann.keller" not in line
    assert "a…@example.com" in line


def test_what_comes_from_outside_cannot_forge_a_line() -> None:
    line = logs.event(record("refused", fault='x\n<3>forged key="y" \x1b[2J\u202e', folder="a\\b"))
    assert "\n" not in line
    assert "\x1b" not in line
    assert '\\"y\\"' in line
    assert "\\u202e" in line


def test_a_line_is_never_longer_than_it_is_useful() -> None:
    assert len(logs.event(record("refused", fault="x" * 100_000))) < 2_100


def test_the_journal_gets_a_priority_and_a_traceback_as_a_field() -> None:
    made = record("service died", logging.ERROR, exc_info=(ValueError, ValueError("of ann@a.example\nand bob"), None))
    line = logs.Journal().format(made)
    assert line.startswith("<3>service died")
    assert "\n" not in line
    assert "ann@" not in line


def test_the_journal_is_known_by_its_device_and_inode(tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    reading, writing = os.pipe()
    with os.fdopen(writing, "w") as stream, os.fdopen(reading):
        status = os.fstat(stream.fileno())
        monkeypatch.setenv("JOURNAL_STREAM", f"{status.st_dev}:{status.st_ino}")
        assert isinstance(logs.formatter(stream), logs.Journal)
        monkeypatch.setenv("JOURNAL_STREAM", "1:2")
        assert isinstance(logs.formatter(stream), logs.Plain)


def test_what_is_logged_is_written_before_it_ends() -> None:
    stream = io.StringIO()
    with logs.kept(stream=stream):
        logging.getLogger("cadenced.engine").info("sent", extra={"touch": 1})
        logging.getLogger("somebody.else").info("noise")
    assert stream.getvalue().endswith(" info sent touch=1\n")
    assert "noise" not in stream.getvalue()


class Stuck(io.StringIO):
    """A pipe that nobody reads."""

    def __init__(self) -> None:
        super().__init__()
        self.opened = threading.Event()

    def write(self, text: str) -> int:
        self.opened.wait()
        return super().write(text)


def test_a_log_that_nobody_reads_stops_nothing() -> None:
    stream = Stuck()
    handler = logs.Unhurried(stream)
    handler.setFormatter(logs.Plain())
    for n in range(12_000):  # whoever waited for the reader would wait for ever
        handler.emit(record("sent", touch=n))
    assert not stream.opened.is_set()
    stream.opened.set()
    handler.close()
    assert "log lines dropped" in stream.getvalue()
