"""What kind of file this is: one pass over its bytes tells the encoding, the digest, and why it is no CSV."""

from __future__ import annotations

import codecs
import hashlib
import re
from dataclasses import dataclass

from cadenced.errors import RefusedError

HEAD = 64 * 1024
_MANY_BYTES = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")
_HIGH = re.compile(rb"[\x80-\xff]")
_NOT_WINDOWS_1252 = re.compile(rb"[\x81\x8d\x8f\x90\x9d]")
_SAVE = 'open it there and save it as "CSV UTF-8"'
_MAGIC = (
    (b"PK\x03\x04", f"this is an Excel or LibreOffice workbook (or another zip archive), not a CSV: {_SAVE}"),
    (b"\xd0\xcf\x11\xe0", f"this is an old Excel workbook, not a CSV: {_SAVE}"),
    (b"%PDF", "this is a PDF, not a CSV: export the list itself as CSV"),
    (b"\x1f\x8b", "this is a compressed file (gzip): unpack it first"),
    (b"BZh", "this is a compressed file (bzip2): unpack it first"),
    (b"\xfd7zXZ", "this is a compressed file (xz): unpack it first"),
    (b"SQLite format 3", "this is a database, not a CSV"),
    (b"\xff\xfe\x00\x00", f"this is UTF-32, which is not read: {_SAVE}"),
    (b"\x00\x00\xfe\xff", f"this is UTF-32, which is not read: {_SAVE}"),
)
_MARKUP = re.compile(rb"\s*(?:<!doctype|<html|<\?xml|<table|<head|<body)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Nature:
    """What a file is: its digest, how it is decoded, whether its last line has an end, what is worth a remark."""

    sha256: str
    size: int
    encoding: str
    ended: bool
    errors: str = "strict"
    notes: tuple[str, ...] = ()


class Examination:
    """Looks at bytes as they pass by; ``nature`` gives the result once all have passed."""

    def __init__(self) -> None:
        self._digest = hashlib.sha256()
        self._utf8 = codecs.getincrementaldecoder("utf-8")()
        self._valid = True
        self._cut = False
        self._head = b""
        self._tail = b""
        self._size = 0
        self._zeros = 0
        self._letters = 0
        self._high = 0
        self._foreign = False

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes in."""
        self._digest.update(chunk)
        self._size += len(chunk)
        if len(self._head) < HEAD:
            self._head += chunk[: HEAD - len(self._head)]
        self._zeros += chunk.count(0)
        if self._valid:
            self._decode(chunk, final=False)
        if not self._valid:
            self._foreign = self._foreign or _NOT_WINDOWS_1252.search(chunk) is not None
        self._tail = (self._tail + chunk[-16:])[-16:]

    def _decode(self, chunk: bytes, *, final: bool) -> None:
        try:
            self._utf8.decode(chunk, final)
        except UnicodeDecodeError:
            self._valid = False
            self._weigh(self._head + chunk)

    def _weigh(self, chunk: bytes) -> None:
        """Count what around the first mistake speaks for UTF-8, and what against it."""
        self._letters = len(_MANY_BYTES.findall(chunk))
        self._high = len(_HIGH.findall(_MANY_BYTES.sub(b"", chunk)))

    def nature(self) -> Nature:
        """Return what the file is; RefusedError says why it cannot be a CSV and what to do."""
        self._refuse_other_kinds()
        if self._head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            return self._found("utf-16", self._ends_in_utf16(), errors="replace")
        if self._zeros * 10 > self._size:
            raise RefusedError(f"this is no text (or UTF-16 without its mark): {_SAVE}")
        ended = self._tail.endswith((b"\n", b"\r"))
        was_valid = self._valid
        self._decode(b"", final=True)
        if self._valid:
            return self._found("utf-8-sig", ended)
        if was_valid:  # only the very end is wrong: the file was cut within a letter
            return self._found("utf-8-sig", ended, errors="replace")
        return self._not_utf8(ended)

    def _not_utf8(self, ended: bool) -> Nature:
        if self._letters > self._high:  # a UTF-8 file with some damage
            note = "some bytes are not UTF-8, as the rest of the file is: the rows with them are rejected"
            return self._found("utf-8-sig", ended, (note,), errors="replace")
        if self._foreign:
            raise RefusedError(f"neither UTF-8 nor Windows-1252: {_SAVE}")
        note = "the file is not UTF-8 and was read as Windows-1252, as Excel writes it in western Europe"
        return self._found("cp1252", ended, (note,))

    def _found(self, encoding: str, ended: bool, notes: tuple[str, ...] = (), errors: str = "strict") -> Nature:
        return Nature(self._digest.hexdigest(), self._size, encoding, ended, errors, notes)

    def _ends_in_utf16(self) -> bool:
        order = "<" if self._head.startswith(codecs.BOM_UTF16_LE) else ">"
        ends = [end.encode(f"utf-16-{'le' if order == '<' else 'be'}") for end in ("\n", "\r")]
        return self._size % 2 == 0 and self._tail[-2:] in ends

    def _refuse_other_kinds(self) -> None:
        if not self._size or not self._head.strip(b"\xef\xbb\xbf \t\r\n\x00"):
            raise RefusedError("the file is empty")
        for magic, message in _MAGIC:
            if self._head.startswith(magic):
                raise RefusedError(message)
        if _MARKUP.match(self._head.removeprefix(codecs.BOM_UTF8)):
            raise RefusedError("this is a web page or an XML file, not a CSV: export the list itself as CSV")
