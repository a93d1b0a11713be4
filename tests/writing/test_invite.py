"""Laws of an invitation: a request that every calendar reads alike."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes, policy

import icalendar
import pytest

from cadenced.core.model import Draft
from cadenced.errors import ComposeError
from cadenced.writing.compose import compose
from cadenced.writing.invite import Invite, build, starts_at
from writing.samples import TOKEN, envelope

INVITE = Invite(
    reference=TOKEN,
    summary="Your figures, with Zoë; and \\ more",
    starts=datetime(2026, 3, 12, 10, 30),  # noqa: DTZ001 - a time on the prospect's clock
    minutes=30,
    timezone="America/New_York",
    organizer_name="Julie Märtin",
    organizer_address="julie@abc.example",
    attendee_name='Mike "The Boss" O\'Brien',
    attendee_address="mike@acme.example",
    stamp=datetime(2026, 3, 2, 8, 30, tzinfo=UTC),
    description="One line\nand another, longer than any line of a calendar file may be before it has to be folded",
)


def event(invite: Invite) -> icalendar.Event:
    return next(iter(icalendar.Calendar.from_ical(build(invite)).walk("VEVENT")))


def test_an_invitation_is_a_request_with_a_uid_of_the_touch() -> None:
    calendar = icalendar.Calendar.from_ical(build(INVITE))
    assert (calendar["METHOD"], calendar["VERSION"]) == ("REQUEST", "2.0")
    found = event(INVITE)
    assert found["UID"] == f"{TOKEN}@abc.example"
    assert found["SEQUENCE"] == 0


def test_the_time_is_the_prospects_own() -> None:
    found = event(INVITE)
    assert found["DTSTART"].dt == datetime(2026, 3, 12, 14, 30, tzinfo=UTC)  # New York has had DST since 8 March
    assert found["DTEND"].dt == datetime(2026, 3, 12, 15, 0, tzinfo=UTC)


def test_an_aware_time_is_taken_as_it_is() -> None:
    assert event(replace(INVITE, starts=datetime(2026, 3, 12, 9, tzinfo=UTC)))["DTSTART"].dt.hour == 9


def test_an_unknown_zone_is_refused() -> None:
    with pytest.raises(ComposeError):
        build(replace(INVITE, timezone="Mars/Olympus"))


def test_the_attendee_is_asked_to_answer() -> None:
    attendee = event(INVITE)["ATTENDEE"]
    assert attendee == "mailto:mike@acme.example"
    assert attendee.params["RSVP"] == "TRUE"
    assert attendee.params["CN"] == "Mike 'The Boss' O'Brien"
    assert event(INVITE)["ORGANIZER"] == "mailto:julie@abc.example"


def test_text_arrives_as_it_was_written() -> None:
    assert event(INVITE)["SUMMARY"] == INVITE.summary
    assert event(INVITE)["DESCRIPTION"] == INVITE.description


@pytest.mark.parametrize("wild", ["x\r\nATTENDEE:mailto:e@x", "x\nEND:VEVENT", 'x";X=1:mailto:e@x', "x\x00y"])
def test_no_value_adds_a_line(wild: str) -> None:
    found = event(replace(INVITE, summary=wild, attendee_name=wild, organizer_name=wild, location=wild))
    assert found["ATTENDEE"] == "mailto:mike@acme.example"
    names = [name for name, _ in found.property_items() if name not in {"BEGIN", "END"}]
    assert len(names) == len(set(names))
    assert len(icalendar.Calendar.from_ical(build(replace(INVITE, summary=wild))).walk("VEVENT")) == 1


def test_lines_are_short_and_end_in_crlf() -> None:
    raw = build(INVITE)
    assert raw.count(b"\n") == raw.count(b"\r\n")
    assert max(map(len, raw.split(b"\r\n"))) <= 75


def test_the_request_travels_as_the_last_alternative() -> None:
    raw = compose(envelope(), Draft("Thursday", "You asked for half an hour."), None, build(INVITE))
    message = message_from_bytes(raw, policy=policy.default)
    kinds = [part.get_content_type() for part in message.walk()]
    assert kinds == ["multipart/alternative", "text/plain", "text/html", "text/calendar"]
    calendar = list(message.walk())[-1]
    assert calendar.get_param("method") == "REQUEST"
    assert calendar.get_payload(decode=True) == build(INVITE)
    assert raw.isascii()
    assert raw.count(b"\n") == raw.count(b"\r\n")


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-03-12 10:30", datetime(2026, 3, 12, 14, 30, tzinfo=UTC)),
        ("2026-03-12T10h30", datetime(2026, 3, 12, 14, 30, tzinfo=UTC)),
        ("2026-03-12", datetime(2026, 3, 12, 13, 0, tzinfo=UTC)),
        ("2026-03-01 10:30", None),
        ("next Tuesday", None),
        ("", None),
    ],
)
def test_only_a_day_to_come_makes_an_entry(text: str, moment: datetime | None) -> None:
    assert starts_at(text, "America/New_York", datetime(2026, 3, 2, tzinfo=UTC)) == moment
