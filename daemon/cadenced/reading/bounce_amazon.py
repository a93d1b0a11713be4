"""Amazon SES tells of bounces and complaints in JSON, sent by mail when nobody set up anything better."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from cadenced.reading.inbound import Inbound


def report(inbound: Inbound, kind: str) -> Mapping[str, Any] | None:
    """Return the part of a notification of this kind (Bounce, Complaint), or None."""
    text = inbound.text.lstrip()[:200_000]
    if not text.startswith('{"notificationType"'):
        return None
    try:
        found, _ = json.JSONDecoder().raw_decode(text.replace("\n", ""))
    except (ValueError, RecursionError):
        return None
    inner = found.get(kind.lower()) if isinstance(found, dict) and found.get("notificationType") == kind else None
    if not isinstance(inner, dict) or not isinstance(found.get("mail", {}), dict):
        return None
    return {**inner, "mail": found.get("mail", {})}


def recipients(told: Mapping[str, Any], key: str) -> list[dict[str, str]]:
    """Return the recipients named under a key, every value as text."""
    named = told.get(key)
    entries = named if isinstance(named, list) else []
    return [{name: str(value) for name, value in one.items()} for one in entries[:100] if isinstance(one, dict)]


def message_id(told: Mapping[str, Any]) -> str:
    """Return the Message-ID that our mail had, "" where only Amazon's own id is told."""
    return _header(told["mail"].get("headers"), "message-id").strip("<> ")


def reference(told: Mapping[str, Any]) -> str:
    """Return the X-Cadence-Ref that our mail had, or ""."""
    return _header(told["mail"].get("headers"), "x-cadence-ref")


def _header(fields: object, name: str) -> str:
    found: Sequence[object] = fields if isinstance(fields, list) else []
    for one in found[:200]:
        if isinstance(one, dict) and str(one.get("name", "")).lower() == name:
            return str(one.get("value", ""))
    return ""
