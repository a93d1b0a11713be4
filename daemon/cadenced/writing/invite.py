"""A calendar request: the next step as an entry that the reader accepts with one click (RFC 5545, RFC 5546)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import icalendar

from cadenced.core import pacing
from cadenced.core.roster_dates import MORNING
from cadenced.errors import ComposeError
from cadenced.writing import dates

PRODID = "-//cadenced//follow-ups//EN"


@dataclass(frozen=True, slots=True)
class Invite:
    """A meeting. ``starts`` is a time on the clock of ``timezone``, or an aware one, for which it does not matter."""

    reference: str
    summary: str
    starts: datetime
    minutes: int
    timezone: str
    organizer_name: str
    organizer_address: str
    attendee_name: str
    attendee_address: str
    stamp: datetime
    description: str = ""
    location: str = ""


def build(invite: Invite) -> bytes:
    """Return the request as UTF-8 iCalendar, CRLF; ComposeError for a zone that does not exist."""
    calendar = icalendar.Calendar()
    calendar.add("prodid", PRODID)
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    calendar.add("method", "REQUEST")
    calendar.add_component(_event(invite))
    return bytes(calendar.to_ical())


def starts_at(text: str, timezone: str, now: datetime) -> datetime | None:
    """Return the moment (UTC) that a field such as ``next_step_at`` names on the prospect's clock.

    A day without an hour means the morning, as in an import. None where it names no day, or one that is past: then
    there is no calendar entry, and the letter proposes a day.
    """
    found = dates.read(text)
    if found is None:
        return None
    clock = found.time() if isinstance(found, datetime) else MORNING
    moment = pacing.to_utc(date(found.year, found.month, found.day), clock, timezone)
    return moment if moment > now else None


def _event(invite: Invite) -> icalendar.Event:
    starts = _starts(invite)
    event = icalendar.Event()
    event.add("uid", f"{invite.reference}@{invite.organizer_address.rpartition('@')[2]}")
    event.add("dtstamp", invite.stamp)
    event.add("sequence", 0)
    event.add("status", "CONFIRMED")
    event.add("transp", "OPAQUE")
    event.add("dtstart", starts)
    event.add("dtend", starts + timedelta(minutes=invite.minutes))
    event.add("summary", _one_line(invite.summary))
    for name, text in (("description", invite.description), ("location", _one_line(invite.location))):
        if text:
            event.add(name, text)
    event.add("organizer", _person(invite.organizer_name, invite.organizer_address))
    event.add("attendee", _attendee(invite), encode=False)
    return event


def _starts(invite: Invite) -> datetime:
    """Return the beginning in UTC: every calendar shows it on its reader's own clock, without a zone to misread."""
    if invite.starts.tzinfo:
        return invite.starts.astimezone(UTC)
    try:
        return pacing.to_utc(invite.starts.date(), invite.starts.time(), invite.timezone)
    except (KeyError, ValueError) as error:
        raise ComposeError(f"there is no time zone {invite.timezone!r}") from error


def _person(name: str, address: str) -> icalendar.vCalAddress:
    person = icalendar.vCalAddress(f"mailto:{address}")
    if name:
        person.params["CN"] = _one_line(name).replace('"', "'")
    return person


def _attendee(invite: Invite) -> icalendar.vCalAddress:
    attendee = _person(invite.attendee_name, invite.attendee_address)
    attendee.params["CUTYPE"] = "INDIVIDUAL"
    attendee.params["ROLE"] = "REQ-PARTICIPANT"
    attendee.params["PARTSTAT"] = "NEEDS-ACTION"
    attendee.params["RSVP"] = "TRUE"
    return attendee


def _one_line(text: str) -> str:
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())
