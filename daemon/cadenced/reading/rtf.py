"""Rich text as mail carries it: unpacked ([MS-OXRTFCP]) and read for its words alone, in bounds."""

import re
import struct

from cadenced.reading import charset

LIMIT = 2_000_000  # bytes of rich text that are unpacked and read
_PACKED, _PLAIN = 0x75465A4C, 0x414C454D  # "LZFu", "MELA"
# [MS-OXRTFCP] 2.1.2.1: what the dictionary holds at the beginning.
_DICTIONARY = (
    b"{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss \\fmodern \\fscript \\fdecor "
    b"MS Sans SerifSymbolArialTimes New RomanCourier{\\colortbl\\red0\\green0\\blue0\r\n\\par "
    b"\\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx"
)
_RING = 4096


def unpacked(data: bytes) -> bytes:
    """Return the rich text of a PR_RTF_COMPRESSED value; b"" for anything else."""
    if len(data) < 16:
        return b""
    _, size, magic, _ = struct.unpack_from("<IIII", data)
    if magic == _PLAIN:
        return data[16 : 16 + min(size, LIMIT)]
    return _expanded(data[16:], min(size, LIMIT)) if magic == _PACKED else b""


def _expanded(data: bytes, size: int) -> bytes:
    """Undo the packing: eight pieces a control byte, each a byte or a stretch of the ring of what was written."""
    ring = bytearray(_DICTIONARY.ljust(_RING, b" "))
    write, at = len(_DICTIONARY), 0
    out = bytearray()
    while at < len(data) and len(out) < size:
        control, at = data[at], at + 1
        for bit in range(8):
            stretch, at = _piece(data, at, control >> bit & 1)
            if not stretch:
                return bytes(out[:size])
            offset, length = stretch
            if offset == write:  # the end of the text
                return bytes(out[:size])
            for step in range(length):
                byte = offset - _RING if offset >= _RING else ring[(offset + step) % _RING]
                out.append(byte)
                ring[write] = byte
                write = (write + 1) % _RING
    return bytes(out[:size])


def _piece(data: bytes, at: int, reference: int) -> tuple[tuple[int, int] | None, int]:
    """Return where in the ring a stretch begins and how long it is; a byte of its own counts on from the ring's end."""
    if at + reference >= len(data):
        return None, at
    if not reference:
        return (_RING + data[at], 1), at + 1
    word = data[at] << 8 | data[at + 1]
    return (word >> 4, (word & 0xF) + 2), at + 2


_TOKEN = re.compile(
    rb"\\([a-z]{1,32})(-?\d{1,10})?[ ]?|\\'([0-9a-fA-F]{2})|\\([^a-z'])|([{}])|[\r\n]+|([^\\{}\r\n]+)", re.IGNORECASE
)
# Groups whose words nobody sees.
_HIDDEN = frozenset(
    b"fonttbl colortbl stylesheet info pict object header footer headerl headerr footerl footerr themedata "
    b"listtable listoverridetable rsidtbl generator xmlnstbl datastore latentstyles colorschememapping fldinst".split()
)
_SIGNS = {
    **dict.fromkeys((b"par", b"line", b"row", b"sect", b"page"), "\n"),
    **dict.fromkeys((b"cell", b"tab"), "\t"),
    **dict.fromkeys((b"emspace", b"enspace"), " "),
    **dict(
        zip((b"lquote", b"rquote", b"ldblquote", b"rdblquote", b"endash", b"emdash", b"bullet"), "‘’“”–—•", strict=True)
    ),
}
_SYMBOLS = {b"~": " ", b"_": "-", b"\\": "\\", b"{": "{", b"}": "}", b"\n": "\n", b"\r": "\n"}


class _Reader:
    """The state of reading: which groups are hidden, the codepage, and what was read."""

    def __init__(self) -> None:
        self.pieces: list[str] = []
        self.page = "cp1252"
        self.depth = 0
        self.hidden_at = 0  # depth at which hiding began; 0: nothing is hidden
        self.after_unicode = 1  # signs that stand in for one written as a number (\\uc)
        self.skip = 0
        self.star = False
        self.bytes = bytearray()

    def flush(self) -> None:
        if self.bytes:
            self.pieces.append(charset.text_of(bytes(self.bytes), self.page))
            self.bytes.clear()

    def say(self, words: str) -> None:
        if not self.hidden_at:
            self.flush()
            self.pieces.append(words)

    def raw(self, data: bytes) -> None:
        skipped = min(self.skip, len(data))
        self.skip -= skipped
        if not self.hidden_at:
            self.bytes += data[skipped:]

    def group(self, sign: bytes) -> None:
        self.skip = 0
        if sign == b"{":
            self.depth += 1
            return
        if self.hidden_at and self.depth <= self.hidden_at:
            self.hidden_at = 0
        self.depth = max(0, self.depth - 1)

    def word(self, name: bytes, number: int | None) -> None:
        starred, self.star = self.star, False
        if (starred or name in _HIDDEN) and not self.hidden_at:
            self.hidden_at = max(1, self.depth)
        elif name == b"ansicpg" and number:
            self.page = "utf-8" if number == 65001 else f"cp{number}"
        elif name == b"uc" and number is not None:
            self.after_unicode = max(0, min(number, 8))
        elif name == b"u" and number is not None:
            self.say(chr(number % 65536))  # pairs of surrogates are joined at the end
            self.skip = self.after_unicode
        elif name in _SIGNS:
            self.say(_SIGNS[name])


def text(source: bytes) -> str:
    """Return the words of rich text with LF line ends; "" for anything else."""
    if not source.lstrip().startswith(b"{\\rtf"):
        return ""
    reader = _Reader()
    for match in _TOKEN.finditer(source[:LIMIT]):
        _take(reader, match)
    reader.flush()
    joined = "".join(reader.pieces).encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return joined.replace("\x00", "")


def _take(reader: _Reader, match: re.Match[bytes]) -> None:
    name, number, code, symbol, brace, plain = match.groups()
    if name:
        reader.word(name.lower(), int(number) if number else None)
    elif code:
        reader.raw(bytes([int(code, 16)]))
    elif symbol == b"*":
        reader.star = True
    elif symbol:
        reader.say(_SYMBOLS.get(symbol, ""))
    elif brace:
        reader.group(brace)
    elif plain:
        reader.raw(plain)
