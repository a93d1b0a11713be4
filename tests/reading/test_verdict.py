"""The order of judgement, and what every verdict carries."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cadenced.core.model import VERDICTS
from cadenced.errors import InboundError
from cadenced.reading import inbound, verdict
from reading.test_automatic import AWAY, LEFT

REPORT = (
    'Content-Type: multipart/report; boundary="B"\n\n--B\n\n{words}\n--B\nContent-Type: message/delivery-status\n\n'
    "Reporting-MTA: dns; mx.example\n\nFinal-Recipient: rfc822; p@x.example\nAction: failed\nStatus: 5.1.1\n--B--\n"
)


def judge(body, subject="Re: Your next step", related=True, now=None, **headers):
    fields = {"From": "Paula <p@x.example>", "Date": "Mon, 2 Mar 2026 10:00:00 +0000", **headers}
    head = "".join(f"{name.replace('_', '-')}: {value}\n" for name, value in fields.items())
    text = body if body.startswith("Content-Type:") else f"Content-Type: text/plain; charset=utf-8\n\n{body}\n"
    return verdict.judge(inbound.parse(f"{head}Subject: {subject}\n{text}".encode()), now, related)


def test_a_bounce_is_judged_before_an_automatic_reply():
    found = judge(REPORT.format(words="failed"), "Automatic reply: x", Auto_Submitted="auto-replied")
    assert found.kind == "bounce.hard"


def test_a_complaint_is_judged_before_a_bounce():
    report = REPORT.format(words="x").replace(
        "--B--", "--B\nContent-Type: message/feedback-report\n\nFeedback-Type: abuse\n--B--"
    )
    assert judge(report).kind == "complaint"


def test_an_answer_to_an_invitation_is_judged_before_an_automatic_reply():
    text = "Content-Type: text/calendar; method=REPLY\n\nBEGIN:VCALENDAR\nMETHOD:REPLY\nATTENDEE;PARTSTAT=ACCEPTED:x\n"
    assert judge(text, Auto_Submitted="auto-generated").kind == "invite.accepted"


def test_an_automatic_reply_names_the_day_of_the_return():
    found = judge("I am out of the office and back on Monday, 9 March 2026.", "Automatic reply: Your next step")
    assert (found.kind, found.until) == ("auto.out_of_office", date(2026, 3, 9))


def test_the_day_of_the_return_may_stand_in_the_subject():
    found = judge("Limited access to email.", "Automatic reply: away, back on 9 March 2026")
    assert found.until == date(2026, 3, 9)


def test_dates_are_read_against_now_when_it_is_given():
    body = "I am on leave and back on 5 May."
    assert judge(body, now=datetime(2027, 4, 1, tzinfo=UTC)).until == date(2027, 5, 5)


def test_without_any_date_no_date_is_read():
    assert judge("I am on leave and back on 5 May.", Date="unknown").until is None


def test_who_has_left_names_the_successor():
    found = judge(
        "I am no longer with Prospect. Please contact Jane Moss at jane@x.example.", Auto_Submitted="auto-replied"
    )
    assert found.kind == "auto.left_company"
    assert found.referral is not None
    assert found.referral.address == "jane@x.example"


def test_a_blocked_bounce_explains_itself():
    report = REPORT.format(words="x").replace(
        "Status: 5.1.1", "Status: 5.7.26\nDiagnostic-Code: smtp; 550 5.7.26 This mail is unauthenticated"
    )
    found = judge(report)
    assert found.kind == "bounce.blocked"
    assert "SPF" in found.explanation


def test_other_bounces_need_no_explanation():
    assert judge(REPORT.format(words="x")).explanation == ""


@pytest.mark.parametrize(
    "text",
    [
        "Please take me off your list.\n\nI am out of the office until Monday.",
        "Merci de me retirer de votre liste. Je suis absent jusqu'à lundi.",
    ],
)
def test_an_opt_out_is_a_persons_even_when_he_is_away(text):
    assert judge(text).kind == "reply.unsubscribe"


def test_the_quoted_mail_is_not_what_the_person_wrote():
    found = judge(
        "Yes, let's talk.\n\nOn Mon, 2 Mar 2026 Julie <j@abc.example> wrote:\n> unsubscribe here\n> I am away"
    )
    assert found.kind == "reply.interested"
    assert found.reply_text == "Yes, let's talk."


def test_an_empty_answer_is_still_an_answer():
    assert judge("", In_Reply_To="<1@abc.example>").kind == "reply.unclear"


@pytest.mark.parametrize(
    "fields",
    [{"List_Id": "<l.example>"}, {"List_Unsubscribe": "<mailto:u@l.example>"}, {"From": "noreply@shop.example"}],
)
def test_a_new_message_of_a_list_or_robot_is_unrelated(fields):
    assert judge("Our news of this week.", "News", **fields).kind == "unrelated"


def test_an_answer_through_a_list_is_a_persons():
    assert judge("I agree.", "Re: News", List_Id="<l.example>", In_Reply_To="<1@abc.example>").kind.startswith("reply.")


def test_a_new_message_is_a_persons_unless_it_is_known_to_belong_to_nothing():
    assert judge("Hello Julie, a word.", "Hello").kind.startswith("reply.")
    assert judge("Hello Julie, a word.", "Hello", related=False).kind == "unrelated"


def test_an_answer_is_never_unrelated():
    assert judge("Yes.", related=False).kind.startswith("reply.")


@pytest.mark.parametrize("crlf", [False, True])
def test_html_alone_is_read(crlf):
    text = "Content-Type: text/html\n\n<p>Yes, let's talk.</p><blockquote type=cite>unsubscribe</blockquote>\n"
    raw = f"From: p@x.example\nSubject: Re: x\n{text}"
    found = verdict.judge(inbound.parse((raw.replace("\n", "\r\n") if crlf else raw).encode()))
    assert (found.kind, found.reply_text) == ("reply.interested", "Yes, let's talk.")


def test_the_json_has_the_keys_of_the_contract():
    found = verdict.as_json(judge("I am out of the office, back on 9 March 2026.", "Automatic reply: x"), "a.eml")
    assert {"file", "verdict", "recipient", "status", "until", "referral", "language", "reply_text", "evidence"} <= set(
        found
    )
    assert (found["file"], found["until"], found["referral"]) == ("a.eml", "2026-03-09", None)


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(["Re: x", "Automatic reply", "failure notice", "Accepted: x", ""]),
    st.sampled_from(["text/plain; charset=utf-8", "text/html; charset=utf-8", "text/calendar", "multipart/report"]),
    st.sampled_from(["p@x.example", "mailer-daemon@x.example", "staff@hotmail.com", ""]),
    st.text(max_size=400),
)
def test_every_message_gets_a_verdict_of_the_list(subject, kind, author, body):
    raw = f"From: {author}\nDate: Mon, 2 Mar 2026 10:00:00 +0000\nSubject: {subject}\nContent-Type: {kind}\n\n{body}"
    found = verdict.judge(inbound.parse(raw.encode("utf-8", "replace")))
    assert found.kind in VERDICTS
    assert isinstance(verdict.as_json(found, "x"), dict)


@settings(max_examples=150, deadline=None)
@given(st.binary(min_size=1, max_size=2_000))
def test_any_bytes_get_a_verdict_or_are_refused(raw):
    try:
        message = inbound.parse(raw)
    except InboundError:
        return
    assert verdict.judge(message).kind in VERDICTS


@pytest.mark.parametrize("text", [*AWAY, *LEFT])
def test_an_automatic_reply_with_the_null_return_path_is_no_bounce(text):
    found = judge(text, "Automatic reply: Your next step", Return_Path="<>", In_Reply_To="<1@abc.example>")
    assert found.kind.startswith("auto.")


@pytest.mark.parametrize("subject", ["Fwd: Undelivered Mail Returned to Sender", "Re: Undelivered Mail"])
def test_a_person_who_forwards_a_report_is_a_person(subject):
    text = REPORT.format(words="Your mail came back to me, see below.").replace("multipart/report", "multipart/mixed")
    assert judge(text, subject, In_Reply_To="<1@abc.example>").kind.startswith("reply.")


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("reply.not_interested", "Je ne suis plus intéressé, merci"),
        ("reply.not_interested", "Ça ne m'intéresse plus"),
        ("reply.not_interested", "Mi dispiace, non sono più interessato al progetto."),
        ("reply.not_interested", "Lo siento, ya no estoy interesada."),
        ("reply.not_interested", "Lamento, já não estou interessado."),
        ("reply.not_interested", "Sorry, I am no longer interested."),
        ("reply.not_interested", "Danke, ich bin nicht mehr interessiert."),
        ("reply.not_interested", "Helaas, ik ben niet meer geïnteresseerd."),
        ("reply.not_interested", "Tyvärr, jag är inte längre intresserad."),
        ("reply.interested", "Cela m'intéresse, appelez-moi."),
        ("reply.interested", "I am still interested."),
        ("reply.interested", "Ich bin weiterhin interessiert, rufen Sie an."),
        ("reply.referral", "Je ne suis plus responsable des achats, voyez avec Mme Petit."),
    ],
)
def test_a_plain_no_is_no_request_to_stop_and_no_referral_and_a_plain_yes_is_a_yes(kind, text):
    raw = f"From: p@x.example\nSubject: Re: Your next step\nIn-Reply-To: <1@abc.example>\n\n{text}\n"
    assert verdict.judge(inbound.parse(raw.encode())).kind == kind


def test_words_too_few_to_show_their_language_still_name_a_day_where_all_languages_agree():
    raw = (
        "From: p@x.example\nSubject: Re: Your next step\nDate: Tue, 10 Nov 2026 10:00:00 +0100\n\nEscríbame en abril.\n"
    )
    assert verdict.judge(inbound.parse(raw.encode())).until == date(2027, 4, 1)
