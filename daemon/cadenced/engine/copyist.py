"""The process that makes letters, from inside: orders come in on standard input, letters leave on standard output.

It reads and writes nothing else, and ends when its standard input does.
"""

from __future__ import annotations

import fcntl
import gc
import json
import os
import signal
from contextlib import suppress
from typing import Any, BinaryIO

from cadenced.engine import letters, parcels
from cadenced.engine.letters import Kit

_PIPE = 1024 * 1024
"""Bytes that a pipe may hold (where the system allows it): the letters of a batch, and nobody waits for the other."""

_OWN_ENDS = (signal.SIGINT, signal.SIGTERM)
"""They come to every process of a terminal or a service at once: ending is the parent's affair."""


def main() -> None:
    """Make letters until nobody can ask for any more."""
    for number in _OWN_ENDS:
        signal.signal(number, signal.SIG_IGN)
    orders, answers = os.fdopen(0, "rb"), os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)  # what should ever be printed is no letter
    for pipe in (orders, answers):
        with suppress(OSError, AttributeError):
            fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, _PIPE)
    gc.freeze()  # modules and templates stay: nothing is won by looking through them again and again
    with suppress(BrokenPipeError):  # who asked has ended, which is no fault of ours
        _answer_all(orders, answers)


def _answer_all(orders: BinaryIO, answers: BinaryIO) -> None:
    _say(answers, parcels.pack(os.getpid()))
    kit: Kit | None = None
    while (told := _heard(orders)) is not None:
        if isinstance(told, dict):
            kit = parcels.kit_of(told["kit"])
        elif kit is not None:
            _say(answers, parcels.of_letters(letters.make_all(kit, parcels.orders_of(told))))


def _heard(orders: BinaryIO) -> Any:
    """Return what the next parcel tells; None where nobody asks any more, be it in the middle of a word."""
    head = orders.read(parcels.HEAD.size)
    if len(head) < parcels.HEAD.size:
        return None
    size, _ = parcels.HEAD.unpack(head)
    said = orders.read(size)
    return json.loads(said) if len(said) == size else None


def _say(answers: BinaryIO, parcel: bytes) -> None:
    rest = memoryview(parcel)
    while rest:
        rest = rest[answers.write(rest) :]
