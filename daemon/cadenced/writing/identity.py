"""The name of a touch on the wire: the same touch always has the same Message-ID, and nobody can guess it."""

from __future__ import annotations

import base64
import hmac
from dataclasses import dataclass

LENGTH = 26
"""Characters of a reference: 130 bits."""

_BYTES = 20
"""Bytes of the digest that these characters are of, in whole groups of five."""


@dataclass(frozen=True, slots=True)
class TouchKey:
    """What makes a touch one of its kind: to whom, in which sequence, which step, the how-manieth enrolment."""

    email: str
    sequence: str
    step: str
    generation: int = 0


def reference(key: bytes, touch: TouchKey) -> str:
    """Return the touch's reference token (X-Cadence-Ref); ``key`` is this installation's own."""
    named = f"{touch.email}|{touch.sequence}|{touch.step}|{touch.generation}"
    digest = hmac.digest(key, named.encode(), "sha256")
    return base64.b32encode(digest[:_BYTES]).decode("ascii")[:LENGTH].lower()


def message_id(token: str, domain: str) -> str:
    """Return the Message-ID that carries ``token``, with its angle brackets; ``domain`` is the sender's."""
    return f"<{token}@{domain}>"
