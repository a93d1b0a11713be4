"""Ready-made values for the suites of writing."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from email import message_from_bytes, policy
from email.header import decode_header
from typing import Any

from cadenced.core.model import Place, Prospect
from cadenced.writing import context, identity
from cadenced.writing.compose import Envelope
from cadenced.writing.template import Template, parse

KEY = b"an installation's own key"
TOKEN = identity.reference(KEY, identity.TouchKey("mike@acme.example", "proposal", "recap"))
SENDER = context.Sender("Julie Martin", "julie@abc.example", signature="Julie Martin\nABC SA")
OCCASION = context.Occasion(
    now=date(2026, 3, 2),
    language="en",
    step_id="recap",
    purpose="recap what was agreed",
    unsubscribe_url="https://u.example/t/abc_def",
)
EVERYTHING = {
    "first_name": "Mike",
    "last_name": "O'Brien",
    "company": "Acme & Sons",
    "role": "Head of Operations",
    "phone": "+44 20 7946 0000",
    "discussed": "shorter lead times",
    "next_step": "a talk with your head of finance",
    "next_step_at": "2026-03-12 10:30",
    "reason": "the new warehouse opens in June",
    "decision_process": "the board decides after the budget round",
    "last_spoke_at": "2026-02-26",
    "notes": "prefers mornings",
    "industry": "logistics",
    "article_title": "How three warehouses cut their lead times",
    "article_url": "https://abc.example/lead-times",
}


def prospect(**fields: str) -> Prospect:
    """Return a prospect with these fields."""
    return Prospect(1, "mike@acme.example", "julie", place=Place("Europe/London", "GB"), fields=fields)


def given(occasion: context.Occasion = OCCASION, /, **fields: str) -> dict[str, object]:
    """Return a context for a prospect with these fields."""
    return context.build(prospect(**fields), SENDER, "", occasion)


def template(body: str, subject: str = "Your next step") -> Template:
    """Return a template of this body."""
    return parse(f'---\nsubject: "{subject}"\n---\n{body}\n', "sample")


def rendered(body: str, /, **fields: str) -> str:
    """Return the Markdown that a body comes to."""
    return template(body).render(given(**fields)).body


def envelope(**changes: Any) -> Envelope:
    """Return an envelope with these changes."""
    plain = Envelope(
        sender_name="Julie Martin",
        sender_address="julie@abc.example",
        recipient_name="Mike O'Brien",
        recipient_address="mike@acme.example",
        date=datetime(2026, 3, 2, 8, 30, tzinfo=UTC),
        message_id=identity.message_id(TOKEN, "abc.example"),
        reference=TOKEN,
    )
    return replace(plain, **changes)


def display_name(raw: bytes, field: str) -> str:
    """Return a name as its reader sees it.

    The standard library's new parser puts a space between encoded words in a name, against RFC 2047, 6.2; its old
    function does not, so that one reads the names that need more than one word.
    """
    plain = message_from_bytes(raw, policy=policy.compat32)[field]
    phrase = plain.rpartition("<")[0].strip()
    if "=?" not in phrase:
        return str(message_from_bytes(raw, policy=policy.default)[field].addresses[0].display_name)
    return "".join(
        part if isinstance(part, str) else part.decode(how or "ascii") for part, how in decode_header(phrase)
    )
