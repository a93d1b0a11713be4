"""Answers to invitations: the iTIP part decides, else subject and text together."""

import pytest

from cadenced.reading import calendar, inbound


def ics(method, partstat, folded=False):
    attendee = f"ATTENDEE;CUTYPE=INDIVIDUAL;PARTSTAT={partstat};CN=Paula:mailto:paula@prospect.example"
    line = f"{attendee[:40]}\r\n {attendee[40:]}" if folded else attendee
    return (
        f""
        f"BEGIN:VCALENDAR\r\nMETHOD:{method}\r\nBEGIN:VEVENT\r\nUID:1\r\nORGANIZER:mailto:julie@abc.example\r\n{line}\r\n"
        "END:VEVENT\r\nEND:VCALENDAR\r\n"
    )


def answer(calendar_text, subject="Call"):
    raw = (
        f"From: paula@prospect.example\nSubject: {subject}\nContent-Type: multipart/mixed; boundary=B\n\n--B\n\nfine\n"
        f"--B\nContent-Type: text/calendar; charset=utf-8; method=REPLY\n\n{calendar_text}\n--B--\n"
    )
    return calendar.find(inbound.parse(raw.encode()))


def written(subject, body):
    raw = f"From: paula@prospect.example\nSubject: {subject}\nContent-Type: text/plain; charset=utf-8\n\n{body}\n"
    return calendar.find(inbound.parse(raw.encode()))


@pytest.mark.parametrize("folded", [False, True])
@pytest.mark.parametrize(
    ("partstat", "kind"), [("ACCEPTED", "accepted"), ("DECLINED", "declined"), ("TENTATIVE", "tentative")]
)
def test_partstat_is_the_answer(partstat, kind, folded):
    found = answer(ics("REPLY", partstat, folded))
    assert found is not None
    assert found.kind == kind


def test_another_time_proposed_is_tentative():
    found = answer(ics("COUNTER", "NEEDS-ACTION"))
    assert found is not None
    assert found.kind == "tentative"


@pytest.mark.parametrize("method", ["REQUEST", "CANCEL", "PUBLISH"])
def test_an_invitation_is_no_answer(method):
    assert answer(ics(method, "ACCEPTED")) is None


@pytest.mark.parametrize(
    ("subject", "body", "kind"),
    [
        ("Accepted: Call @ Tue 3 Mar 2026 10am", "Paula has accepted this invitation.", "accepted"),
        ("Declined: Call @ Tue 3 Mar 2026", "Paula has declined this invitation.", "declined"),
        ("Tentatively Accepted: Call", "When: Tuesday, 3 March 2026 10:00-10:30.", "tentative"),
        ("Accepté : Appel", "Paula a accepté cette invitation.", "accepted"),
        ("Zugesagt: Termin", "Paula hat die Einladung angenommen.", "accepted"),
        ("Rechazado: Reunión", "Paula ha rechazado esta invitación.", "declined"),
    ],
)
def test_subject_and_text_together_are_an_answer(subject, body, kind):
    found = written(subject, body)
    assert found is not None
    assert found.kind == kind


@pytest.mark.parametrize(
    ("subject", "body"),
    [("Accepted: your paper", "Dear author, we liked it."), ("Re: call", "I have accepted the invitation of Acme.")],
)
def test_a_persons_words_are_no_answer(subject, body):
    assert written(subject, body) is None
