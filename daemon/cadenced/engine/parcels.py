"""What goes to the process that makes letters, and what comes back: JSON, and the letters' bytes as they are behind it.

A parcel is a head of eight bytes (how long the rest is, how much of that is JSON), the JSON, and the bytes.
"""

from __future__ import annotations

import dataclasses
import json
import struct
from collections.abc import Sequence
from typing import Any

from cadenced.engine.letters import Kit, Letter, Order, Refusal
from cadenced.wording.settings import Settings
from cadenced.writing import template

HEAD = struct.Struct(">II")

_dump = json.JSONEncoder(separators=(",", ":")).encode


def pack(told: object, letters: Sequence[bytes] = ()) -> bytes:
    """Return a parcel."""
    said = _dump(told).encode("ascii")
    behind = b"".join(letters)
    return HEAD.pack(len(said) + len(behind), len(said)) + said + behind


def of_kit(kit: Kit) -> bytes:
    """Return the parcel that a process begins with, and goes on with after an edit."""
    settings = {one.name: _plain(getattr(kit.wording, one.name)) for one in dataclasses.fields(kit.wording)}
    templates = {name: one.plain() for name, one in kit.templates.items()}
    waivers = {name: sorted(codes) for name, codes in kit.waivers.items()}
    return pack({"kit": [templates, waivers, settings, kit.postal_address, kit.timezone]})


def kit_of(told: Sequence[Any]) -> Kit:
    """Return the kit that a parcel told of; templates are compiled when they are first written with."""
    templates, waivers, settings, postal_address, timezone = told
    values: dict[str, Any] = {name: frozenset(it) if isinstance(it, list) else it for name, it in settings.items()}
    silent = {name: frozenset(codes) for name, codes in waivers.items()}
    return Kit(_Shelf(templates), silent, Settings(**values), postal_address, timezone)


class _Shelf(dict[str, template.Template]):
    def __init__(self, plain: dict[str, Sequence[Any]]) -> None:
        super().__init__()
        self._plain = plain

    def __missing__(self, name: str) -> template.Template:
        self[name] = template.again(self._plain[name])
        return self[name]


def of_orders(orders: Sequence[Order]) -> bytes:
    """Return the parcel that asks for letters."""
    return pack(orders)


def orders_of(told: Sequence[Sequence[Any]]) -> list[Order]:
    """Return the orders that a parcel told of."""
    return [Order._make(one) for one in told]


def of_letters(made: Sequence[Letter | Refusal]) -> bytes:
    """Return the parcel that answers orders, in their order."""
    told = [one._replace(raw=len(one.raw)) if isinstance(one, Letter) else one for one in made]  # type: ignore[arg-type] # the bytes themselves stand behind
    return pack(told, [one.raw for one in made if isinstance(one, Letter)])


def letters_of(parcel: bytes, behind: int) -> list[Letter | Refusal]:
    """Return what a parcel (without its head) brings; the letters' bytes stand in it from ``behind`` on."""
    made: list[Letter | Refusal] = []
    at = behind
    for told in json.loads(parcel[:behind]):
        if len(told) == len(Refusal._fields):
            made.append(Refusal._make(told))
            continue
        message_id, subject, length, sha256, version = told
        made.append(Letter(message_id, subject, parcel[at : at + length], sha256, version))
        at += length
    return made


def _plain(value: object) -> object:
    return sorted(value) if isinstance(value, frozenset) else value
