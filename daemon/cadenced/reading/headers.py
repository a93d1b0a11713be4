"""A message's header: fields in order, names in any case, values unfolded and decoded when asked for."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from cadenced.reading import charset

_LINES = re.compile(r"^([!-9;-~]{1,200})[ \t]*:([^\n]*(?:\n[ \t][^\n]*)*)", re.MULTILINE)
_FOLD = re.compile(r"\r?\n[ \t]+|[\r\n]+")
_IDS = re.compile(r"<\s{0,3}([^<>\s]{1,990})\s{0,3}>")
_LIMIT = 20_000  # characters kept of one field
_FIELDS = 1_000
_YEARS = range(1970, 2201)  # days are counted on from a message's date: it must not stand at the end of all time


@dataclass(frozen=True, slots=True)
class Address:
    """A mailbox as a header names it; `address` is lower-cased only by who compares."""

    name: str
    address: str


class Headers:
    """Read-only, case-insensitive; `get` gives the first field of a name, decoded, or ""."""

    __slots__ = ("_decoded", "_fields")

    def __init__(self, fields: Iterable[tuple[str, str]] = ()) -> None:
        """Take (name, raw value) pairs in order."""
        self._fields: dict[str, list[str]] = {}
        self._decoded: dict[str, tuple[str, ...]] = {}
        known = self._fields
        for name, value in fields:
            key = name.lower()
            if key in known:
                known[key].append(value)
            else:
                known[key] = [value]

    def raw(self, name: str) -> tuple[str, ...]:
        """All values of a name, unfolded but with encoded words left as they came."""
        values = self._fields.get(name.lower())
        if not values:
            return ()
        cut = [value[:_LIMIT] for value in values]
        return tuple([(_FOLD.sub(" ", value) if "\n" in value else value).strip() for value in cut])

    def get_all(self, name: str) -> tuple[str, ...]:
        """All values of a name, unfolded and decoded."""
        key = name.lower()
        if key not in self._fields:
            return ()
        if key not in self._decoded:
            self._decoded[key] = tuple([charset.words_decoded(value) for value in self.raw(key)])
        return self._decoded[key]

    def get(self, name: str) -> str:
        """Return the first value of a name, decoded, or ""."""
        values = self.get_all(name)
        return values[0] if values else ""

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name.lower() in self._fields

    def __iter__(self) -> Iterator[str]:
        return iter(self._fields)

    def __len__(self) -> int:
        return len(self._fields)

    def __repr__(self) -> str:
        return f"Headers({', '.join(self._fields)})"


def parse(block: str) -> Headers:
    """Read a header block; lines that are no field are left out."""
    return Headers(_LINES.findall(block, 0, 1_000_000)[:_FIELDS])


def message_ids(value: str) -> tuple[str, ...]:
    """Return the ids in a Message-ID, In-Reply-To or References value, without their angle brackets."""
    found = tuple(dict.fromkeys(_IDS.findall(value[:_LIMIT])))
    bare = value.strip()
    if not found and "@" in bare and not re.search(r"[\s<>]", bare):
        return (bare[:990],)
    return found


def date_of(value: str) -> datetime | None:
    """Read a Date; aware, UTC when it names no zone, None when it cannot be read or no mail was written then."""
    try:
        read = parsedate_to_datetime(value.strip()[:100])
        aware = read if read.tzinfo else read.replace(tzinfo=UTC)
        aware.astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return aware if aware.year in _YEARS else None


_MAILBOX = re.compile(r"<\s*([^<>\s]{0,320})\s*>")
_BARE = re.compile(r"[^\s<>()\",;:]{1,64}@[^\s<>()\",;:]{1,255}")
_COMMENT = re.compile(r"\(([^()]{0,500})\)")


def addresses(raw: str) -> tuple[Address, ...]:
    """Read an address list (RFC 5322, 3.4) as it really comes; at most 500, never an error."""
    found = []
    for piece in _split(raw[:_LIMIT])[:500]:
        one = _address(piece)
        if one.address:
            found.append(one)
    return tuple(found)


def _address(piece: str) -> Address:
    match = _MAILBOX.search(piece)
    if match:
        name = piece[: match.start()] or piece[match.end() :]
        inner = match[1].removeprefix("mailto:")
        return Address(_name(name), inner)
    bare = _BARE.search(piece)
    comment = _COMMENT.search(piece)
    if bare:
        return Address(_name(comment[1] if comment else ""), bare[0])
    return Address("", "")


def _name(text: str) -> str:
    plain = text.strip().strip('"').replace('\\"', '"').strip()
    return charset.words_decoded(plain)[:300]


def _split(raw: str) -> list[str]:
    """Cut at commas and semicolons that stand in no quotes, brackets or comments."""
    if "," not in raw and ";" not in raw:
        return [raw]
    pieces: list[str] = []
    start, quoted, depth = 0, False, 0
    for at, sign in enumerate(raw):
        if sign == '"' and raw[at - 1 : at] != "\\":
            quoted = not quoted
        elif quoted:
            continue
        elif sign in "<(":
            depth += 1
        elif sign in ">)":
            depth = max(0, depth - 1)
        elif sign in ",;" and depth == 0:
            pieces.append(raw[start:at])
            start = at + 1
    return [*pieces, raw[start:]]
