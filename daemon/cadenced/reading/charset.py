"""Bytes to text: any charset that mail claims, also wrong, unknown and dangerous ones; never an error."""

import binascii
import codecs
import quopri
import re
from functools import lru_cache

# Codecs that are not charsets, are quadratic, or give other things than text.
_REFUSED = frozenset({"idna", "punycode", "unicode_escape", "raw_unicode_escape", "undefined", "mbcs", "oem"})
# What senders say and what they mean (WHATWG Encoding Standard, 4.2).
_MEANT = {
    "ascii": "utf-8",
    "iso8859-1": "cp1252",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "iso8859-9": "cp1254",
    "shift_jis": "cp932",
    "euc_kr": "cp949",
    "unicode-1-1-utf-7": "utf-7",
    "iso-8859-8-i": "iso8859-8",
}
_UNWANTED = re.compile("[\x00\ud800-\udfff]")
_BASE64_NOISE = re.compile(rb"[^A-Za-z0-9+/]+")


@lru_cache(maxsize=256)
def _codec(charset: str) -> str:
    wanted = charset.strip().strip("\"'").lower()
    wanted = _MEANT.get(wanted, wanted)
    try:
        info = codecs.lookup(wanted)
    except (LookupError, ValueError):
        return "utf-8"
    if info.name in _REFUSED or not info._is_text_encoding:
        return "utf-8"
    return _MEANT.get(info.name, info.name)


def text_of(data: bytes, charset: str = "") -> str:
    """Decode with the charset claimed, else UTF-8, else Windows-1252; no NUL, no lone surrogate in the result."""
    codec = _codec(charset[:60])
    try:
        text = data.decode(codec)
    except (UnicodeError, ValueError):
        lenient = codec if codec != "utf-8" or charset.strip().lower() in {"utf-8", "utf8"} else "cp1252"
        text = data.decode(lenient, "replace")
    if text.isascii():
        return text.replace("\x00", "") if "\x00" in text else text
    return _UNWANTED.sub("", text)


def unbase64(data: bytes) -> bytes:
    """Decode base64 with whatever noise and cut ends it came with."""
    clean = _BASE64_NOISE.sub(b"", data)
    clean = clean[: len(clean) - (len(clean) % 4 == 1)]
    return binascii.a2b_base64(clean + b"=" * (-len(clean) % 4))


def unquote(data: bytes) -> bytes:
    """Decode quoted-printable (RFC 2045, 6.7)."""
    return quopri.decodestring(data)


def transfer_decoded(data: bytes, encoding: str) -> bytes:
    """Undo a Content-Transfer-Encoding; an unknown one means the bytes as they are."""
    word = encoding.strip().lower()
    if word.startswith("base64"):
        return unbase64(data)
    if word.startswith("quoted-printable"):
        return unquote(data)
    if word in {"x-uuencode", "uuencode", "x-uue", "uue"}:
        return _unuu(data)
    return data


def _unuu(data: bytes) -> bytes:
    lines = data.splitlines()
    start = next((n for n, line in enumerate(lines) if line.startswith(b"begin ")), len(lines))
    found = []
    for line in lines[start + 1 :]:
        if line.strip() in {b"end", b"`", b""}:
            break
        try:
            found.append(binascii.a2b_uu(line))
        except binascii.Error:
            continue
    return b"".join(found)


# RFC 2047, 2, read generously: spaces within, no end of word needed around.
_WORD = re.compile(r"=\?([A-Za-z0-9_.:-]{1,60})(?:\*[A-Za-z-]{0,20})?\?([bBqQ])\?([^?\r\n]{0,2000})\?=")
_BETWEEN = re.compile(r"(\?=)[ \t\r\n]{1,200}(?==\?)")


def words_decoded(value: str) -> str:
    """Decode RFC 2047 encoded words; one that is broken stays as it was."""
    if "=?" not in value:
        return value
    pieces: list[str] = []
    pending: tuple[str, bytes] = ("", b"")
    at = 0
    for match in _WORD.finditer(joined := _BETWEEN.sub(r"\1", value)):
        data = _word_bytes(match[2], match[3])
        if match.start() == at and pending[0] == match[1].lower():
            pending = (pending[0], pending[1] + data)  # a character cut in two by the folding
        else:
            pieces += [text_of(pending[1], pending[0]), joined[at : match.start()]]
            pending = (match[1].lower(), data)
        at = match.end()
    return "".join([*pieces, text_of(pending[1], pending[0]), joined[at:]])


def _word_bytes(encoding: str, payload: str) -> bytes:
    data = payload.encode("utf-8", "replace")
    if encoding in "bB":
        return unbase64(data)
    return quopri.decodestring(data.replace(b"_", b" "))


def percent_decoded(value: str, charset: str) -> str:
    """Decode the %XX of RFC 2231."""
    data = re.sub(rb"%([0-9A-Fa-f]{2})", lambda m: bytes([int(m[1], 16)]), value.encode("utf-8", "replace"))
    return text_of(data, charset)
