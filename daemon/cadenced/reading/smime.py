"""Opaque S/MIME (RFC 8551, 3.5.2): the mail inside a signature, taken out without looking at the signature.

What is encrypted stays closed. Only the few elements on the way to the content are walked, in DER and in BER with
open lengths; anything unexpected means that there is nothing to take out.
"""

from collections.abc import Iterator

TYPES = frozenset({"application/pkcs7-mime", "application/x-pkcs7-mime"})
_SIGNED = bytes.fromhex("2a864886f70d010702")  # RFC 5652, 5.1: id-signedData
_DATA = bytes.fromhex("2a864886f70d010701")  # RFC 5652, 4: id-data
_SEQUENCE, _OID, _OCTETS, _OCTETS_IN_PIECES, _EXPLICIT = 0x30, 0x06, 0x04, 0x24, 0xA0
_DEPTH = 6
_MOST = 4_000  # elements that are walked


class _OddError(ValueError):
    """The bytes are not what was expected."""


def content(data: bytes) -> bytes:
    """Return the mail that a signed-data message holds, or b"" for anything else."""
    view = memoryview(data)
    try:
        signed = _held(view, _SIGNED)
        fields = [element for element in _elements(signed, 0) if element[0] == _SEQUENCE][:1]
        inner = _held(fields[0][1], _DATA, opened=True) if fields else memoryview(b"")
        return b"".join(_octets(inner, 0))
    except (_OddError, IndexError):
        return b""


def _held(view: memoryview, wanted: bytes, opened: bool = False) -> memoryview:
    """Return what a SEQUENCE of this type and an explicit [0] holds; of signed data the inside of its SEQUENCE."""
    if not opened:
        view = _first(view, _SEQUENCE)
    found = _elements(view, 0)
    tag, kind = next(found, (0, view))
    if tag != _OID or bytes(kind) != wanted:
        raise _OddError
    tag, held = next(found, (0, view))
    if tag != _EXPLICIT:
        raise _OddError
    return held if opened else _first(held, _SEQUENCE)


def _first(view: memoryview, wanted: int) -> memoryview:
    tag, inside = next(_elements(view, 0), (0, view))
    if tag != wanted:
        raise _OddError
    return inside


def _octets(view: memoryview, depth: int) -> Iterator[bytes]:
    for tag, inside in _elements(view, 0):
        if tag == _OCTETS:
            yield bytes(inside)
        elif tag == _OCTETS_IN_PIECES and depth < _DEPTH:
            yield from _octets(inside, depth + 1)


def _elements(view: memoryview, depth: int) -> Iterator[tuple[int, memoryview]]:
    """Walk the elements one after the other, each as its tag and its inside."""
    at = 0
    for _ in range(_MOST):
        if at + 2 > len(view) or (view[at] == 0 and view[at + 1] == 0):
            return
        tag, start, length = view[at], *_length(view, at + 1)
        end = start + length if length >= 0 else _end_of_open(view, start, depth)
        yield tag, view[start : min(end, len(view))]
        at = end if length >= 0 else end + 2


def _length(view: memoryview, at: int) -> tuple[int, int]:
    """Return where the inside begins and how long it is; -1 for an open length."""
    first = view[at]
    if first < 0x80:
        return at + 1, first
    if first == 0x80:
        return at + 1, -1
    size = first & 0x7F
    if size > 4 or at + 1 + size > len(view):
        raise _OddError
    return at + 1 + size, int.from_bytes(view[at + 1 : at + 1 + size], "big")


def _end_of_open(view: memoryview, start: int, depth: int) -> int:
    """Return where the two zeros stand that end an open length."""
    if depth >= _DEPTH:
        raise _OddError
    at = start
    for _ in range(_MOST):
        if at + 2 > len(view) or (view[at] == 0 and view[at + 1] == 0):
            return at
        inside, length = _length(view, at + 1)
        at = inside + length if length >= 0 else _end_of_open(view, inside, depth + 1) + 2
    raise _OddError
