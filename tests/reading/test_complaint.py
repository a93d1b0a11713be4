"""Complaints: somebody marked our mail as spam, and their provider tells us."""

import pytest

from cadenced.reading import complaint, inbound

OURS = (
    "From: julie@abc.example\nTo: paula@prospect.example\nMessage-ID: <ref1@abc.example>\nX-Cadence-Ref: ref1\n\n"
    "Hello\n"
)


def arf(kind="abuse", fields="Original-Rcpt-To: paula@prospect.example\n"):
    return (
        "From: feedback@provider.example\nSubject: FW: Your next step\n"
        'Content-Type: multipart/report; report-type=feedback-report; boundary="B"\n\n--B\n\nAn abuse report.\n'
        f"--B\nContent-Type: message/feedback-report\n\nFeedback-Type: {kind}\nUser-Agent: X/1\nVersion: 1\n{fields}\n"
        f"--B\nContent-Type: message/rfc822\n\n{OURS}\n--B--\n"
    )


def hotmail(inner):
    return (
        "From: staff@hotmail.com\nReturn-Path: staff@hotmail.com\nSubject: complaint about message from 192.0.2.1\n"
        f'Content-Type: multipart/mixed; boundary="B"\n\n--B\nContent-Type: message/rfc822\n\n{inner}{OURS}\n--B--\n'
    )


AMAZON = (
    "From: no-reply@sns.amazonaws.com\nSubject: AWS Notification Message\n\n"
    '{"notificationType":"Complaint","complaint":{"complainedRecipients":[{"emailAddress":"paula@prospect.example"}]}}\n'
)
FORMS = {"arf": arf(), "hotmail": hotmail("X-HmXmrOriginalRecipient: paula@prospect.example\n"), "amazon": AMAZON}


@pytest.mark.parametrize("crlf", [False, True], ids=["LF", "CRLF"])
@pytest.mark.parametrize("name", FORMS)
def test_every_form_of_complaint_is_found_with_its_author(name, crlf):
    text = FORMS[name].replace("\n", "\r\n") if crlf else FORMS[name]
    found = complaint.find(inbound.parse(text.encode()))
    assert found is not None
    assert found.recipients == ("paula@prospect.example",)


def test_a_complaint_names_our_mail():
    found = complaint.find(inbound.parse(arf().encode()))
    assert found is not None
    assert (found.returned_message_id, found.returned_ref) == ("ref1@abc.example", "ref1")


def test_a_redacted_complaint_is_found_by_the_mail_that_it_returns():
    found = complaint.find(inbound.parse(arf(fields="").encode()))
    assert found is not None
    assert found.recipients == ("paula@prospect.example",)


@pytest.mark.parametrize("kind", ["auth-failure", "not-spam"])
def test_reports_that_nobody_made_are_no_complaints(kind):
    assert complaint.find(inbound.parse(arf(kind).encode())) is None


@pytest.mark.parametrize("kind", ["abuse", "fraud", "opt-out", "other", "virus"])
def test_every_other_type_counts(kind):
    assert complaint.find(inbound.parse(arf(kind).encode())) is not None


@pytest.mark.parametrize(
    "body",
    ["I complain about your message.", '{"notificationType":"Complaint"', '{"notificationType":"Bounce","bounce":{}}'],
)
def test_other_mail_is_no_complaint(body):
    assert complaint.find(inbound.parse(f"From: p@x.example\nSubject: Re: hi\n\n{body}\n".encode())) is None
