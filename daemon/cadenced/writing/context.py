"""What a template can speak of: one prospect, our mailbox, their account, the day, the step and what came before."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from cadenced.core.model import Prospect

COLUMNS = (
    "email", "first_name", "last_name", "company", "role", "phone", "timezone", "language", "country", "sequence",
    "stage", "account_role", "last_spoke_at", "discussed", "next_step", "next_step_at", "reason", "decision_process",
)  # fmt: skip
"""The prospect's known fields: empty, not unknown, where a row does not have them. ``mailbox`` is the group below."""

GIVEN = ("mailbox", "account", "now", "step", "last_touch", "notes", "unsubscribe_url")
"""What comes from us; a column of the same name is hidden by it (``notes`` falls back to the column)."""

VARIABLES = (*COLUMNS, *GIVEN)
"""Every name that is known without a look at the CSV."""


@dataclass(frozen=True, slots=True)
class Sender:
    """Who writes. ``name`` is read from the address where it is empty, ``first_name`` is the first word of the name."""

    name: str
    address: str
    first_name: str = ""
    signature: str = ""


@dataclass(frozen=True, slots=True)
class LastTouch:
    """The touch before this one: its subject, and the prospect's day on which it was sent."""

    subject: str = ""
    at: date | None = None


@dataclass(frozen=True, slots=True)
class Occasion:
    """Everything about this one touch. ``now`` is in the prospect's zone; ``language`` is the sequence's.

    ``next_step_at`` (in the prospect's zone too) is what was agreed since the import; it wins over the column.
    """

    now: date
    language: str = ""
    step_id: str = ""
    purpose: str = ""
    last_touch: LastTouch = LastTouch()
    notes: str = ""
    unsubscribe_url: str = ""
    next_step_at: datetime | None = None


def build(prospect: Prospect, sender: Sender, account: str, occasion: Occasion) -> dict[str, object]:
    """Return what ``Template.render`` takes; the account's name is the prospect's company unless given."""
    fields = prospect.fields
    language = occasion.language or prospect.language or "en"
    today = occasion.now.date() if isinstance(occasion.now, datetime) else occasion.now
    name = sender.name.strip()
    if not name or "@" in name:
        name = _name_in(sender.address)
    first = sender.first_name or name.partition(" ")[0]
    return {
        **dict.fromkeys(COLUMNS, ""),
        **{name: value for name, value in fields.items() if not name.startswith("_")},
        "email": prospect.email,
        "language": fields.get("language") or prospect.language or language,
        "stage": prospect.stage or fields.get("stage", ""),
        "next_step_at": _iso(occasion.next_step_at) or fields.get("next_step_at", ""),
        "mailbox": {
            "name": name,
            "address": sender.address,
            "first_name": first,
            "signature": sender.signature,
        },
        "account": {"name": account or fields.get("company", "")},
        "now": occasion.now,
        "step": {"id": occasion.step_id, "purpose": occasion.purpose},
        "last_touch": {"subject": occasion.last_touch.subject, "at": occasion.last_touch.at},
        "notes": occasion.notes or fields.get("notes", ""),
        "unsubscribe_url": occasion.unsubscribe_url,
        "_language": language,
        "_today": today,
        "_country": prospect.place.country,
    }


def _name_in(address: str) -> str:
    """Return the name that an address suggests: ``julie.martin@abc.example`` is Julie Martin."""
    return address.partition("@")[0].replace(".", " ").replace("_", " ").title()


def _iso(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M}" if moment else ""
