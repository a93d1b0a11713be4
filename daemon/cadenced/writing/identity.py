"""The name of a touch on the wire: the same touch always has the same Message-ID, and nobody can guess it."""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass

LENGTH = 26
"""Characters of a reference: 130 bits."""


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
    digest = hmac.new(key, named.encode(), hashlib.sha256).digest()
    return base64.b32encode(digest).decode("ascii")[:LENGTH].lower()


def message_id(token: str, domain: str) -> str:
    """Return the Message-ID that carries ``token``, with its angle brackets; ``domain`` is the sender's."""
    return f"<{token}@{domain}>"
