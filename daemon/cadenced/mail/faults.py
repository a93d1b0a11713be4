"""What a failed connection is in a person's words: no class names, no numbers of the system."""

from __future__ import annotations

import os
import re
import socket
import ssl

import aiosmtplib

_ERRNO = re.compile(r"\[Errno (\d+)\]")
_OF_OPENSSL = re.compile(r"\[SSL(?:: \w+)?\] | \(_ssl\.c:\d+\)")
_UNKNOWN_NAMES = frozenset({socket.EAI_NONAME, socket.EAI_NODATA})


def words(error: BaseException, host: str = "") -> str:
    """Return what went wrong on the way to ``host``, on one line."""
    if isinstance(error, socket.gaierror):
        known = "is not known" if error.errno in _UNKNOWN_NAMES else "cannot be looked up now"
        return f"{host or 'the server'} {known} (DNS)"
    if isinstance(error, ssl.SSLError):
        return _one_line(_OF_OPENSSL.sub("", str(error)))
    if isinstance(error, aiosmtplib.SMTPResponseException):
        return _one_line(f"{error.code} {error.message}")
    if isinstance(error, TimeoutError | aiosmtplib.SMTPTimeoutError):
        return "no answer in time"
    if isinstance(error, OSError) and not isinstance(error, aiosmtplib.SMTPException):
        return _of_system(error)
    return _one_line(str(error)) or "the connection ended"


def _of_system(error: OSError) -> str:
    """Return the system's own word; asyncio packs several tries into one text, of which the first is told."""
    found = _ERRNO.search(str(error))
    number = error.errno or (int(found[1]) if found else 0)
    word = os.strerror(number) if number else _one_line(str(error)) or "the connection failed"
    return word[:1].lower() + word[1:]


def _one_line(text: str) -> str:
    return " ".join(text.split())[:500]
