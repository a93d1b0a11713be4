"""Copies of our own mail as they are read: how long they took, and what a relay made of their Message-ID."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from test_hostile_orders import ANN
from test_rule_n import Doubting, _open

from cadenced.core.model import State
from cadenced.engine import arrivals
from cadenced.engine.desk import Claimed
from cadenced.ports import Fetched
from cadenced.store import copies, touches
from cadenced.store.database import Database

RELAYED = "relayed-1@relay.example"


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Doubting]:
    opened = _open(tmp_path, "self", Database("sqlite:///:memory:", inline=True))
    yield opened
    opened.workspace.database.close()


def relayed(claimed: Claimed) -> bytes:
    return re.sub(rb"Message-ID: <[^>]+>", f"Message-ID: <{RELAYED}>".encode(), claimed.message.raw)


def slowest(home: Doubting) -> timedelta:
    return home.read(lambda tx: copies.filing(tx, "julie", home.now, 10)).slowest


def reads(home: Doubting, raw: bytes, filed: timedelta | None) -> None:
    """Read a copy that the server says to have filed so long ago."""
    at = None if filed is None else home.now - filed
    home.do(lambda tx: arrivals.absorb(tx, home.workspace, arrivals.Arrived("julie", "Sent", Fetched(1, raw, at))))


def test_how_long_a_copy_took_is_known_from_reading_it(home: Doubting) -> None:
    home.enrol(ANN)
    claimed = home.sends()
    home.pass_time(timedelta(seconds=7))
    reads(home, claimed.message.raw, None)
    assert slowest(home) == timedelta(seconds=7)


def test_a_copy_read_after_a_long_night_is_as_fast_as_its_server_says(home: Doubting) -> None:
    home.enrol(ANN)
    claimed = home.sends()
    home.pass_time(timedelta(hours=9))
    reads(home, claimed.message.raw, timedelta(hours=9) - timedelta(seconds=2))
    assert slowest(home) == timedelta(seconds=3)  # INTERNALDATE has whole seconds


def test_a_server_whose_clock_is_behind_does_not_make_its_copies_fast(home: Doubting) -> None:
    home.enrol(ANN)
    claimed = home.sends()
    home.pass_time(timedelta(seconds=40))
    reads(home, claimed.message.raw, timedelta(minutes=10))
    assert slowest(home) == timedelta(seconds=40)


def test_a_copy_is_noted_once_wherever_it_is_read_again(home: Doubting) -> None:
    home.enrol(ANN)
    claimed = home.sends()
    home.pass_time(timedelta(seconds=1))
    reads(home, claimed.message.raw, None)
    home.pass_time(timedelta(days=1))
    reads(home, claimed.message.raw, None)
    assert slowest(home) == timedelta(seconds=1)


def test_an_answer_to_the_id_that_a_relay_has_given_is_matched(home: Doubting) -> None:
    home.enrol(ANN)
    claimed = home.sends()
    reads(home, relayed(claimed), None)
    assert home.read(lambda tx: touches.known(tx, [f"<{RELAYED}>"], ()))[0].id == claimed.touch.id
    answer = (
        f"From: assistant@elsewhere.example\r\nTo: julie@abc.example\r\nSubject: Re: hello\r\n"
        f"Message-ID: <a@elsewhere.example>\r\nIn-Reply-To: <{RELAYED}>\r\n\r\nThank you, Thursday suits me.\r\n"
    )
    home.absorb(answer.encode(), uid=2)
    assert home.standing(ANN).state is State.HALTED


def test_the_next_letter_continues_the_thread_that_the_prospect_sees(home: Doubting) -> None:
    home.enrol(ANN)
    reads(home, relayed(home.sends()), None)
    home.pass_time(timedelta(days=41))
    assert f"References: <{RELAYED}>".encode() in home.sends().message.raw
