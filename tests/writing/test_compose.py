"""Laws of a message's bytes: fields that the program alone decides, two parts, one conversation."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any, cast

import pytest

from cadenced.core.model import Draft, Thread
from cadenced.errors import ComposeError
from cadenced.writing.compose import compose
from cadenced.writing.footer import Footer
from writing.samples import TOKEN, display_name, envelope

DRAFT = Draft("Your next step", "Hello Mike,\n\nYou asked for [the figures](https://abc.example/f).\n\nJulie")
FIELDS = ["Date", "From", "To", "Subject", "Message-ID", "X-Cadence-Ref", "MIME-Version", "Content-Type"]


def parsed(raw: bytes) -> EmailMessage:
    return cast(EmailMessage, message_from_bytes(raw, policy=policy.default))


def made(draft: Draft = DRAFT, footer: Footer | None = None, **changes: Any) -> EmailMessage:
    return parsed(compose(envelope(**changes), draft, footer))


def part(message: EmailMessage, kind: str) -> str:
    found = next(p for p in message.walk() if p.get_content_type() == kind)
    return str(found.get_content()).replace("\r\n", "\n")


def test_a_first_message_has_exactly_these_fields() -> None:
    assert made().keys() == FIELDS


def test_a_message_says_who_writes_to_whom_and_when() -> None:
    message = made()
    assert message["From"] == "Julie Martin <julie@abc.example>"
    assert message["To"] == "Mike O'Brien <mike@acme.example>"
    assert message["Subject"] == "Your next step"
    assert message["Date"].datetime == datetime(2026, 3, 2, 8, 30, tzinfo=UTC)
    assert message["Message-ID"] == f"<{TOKEN}@abc.example>"
    assert message["X-Cadence-Ref"] == TOKEN


def test_a_persons_mail_is_not_called_automatic() -> None:
    message = made()
    assert not {"Auto-Submitted", "Precedence", "Bcc", "Reply-To"} & set(message.keys())


def test_the_date_keeps_its_own_zone() -> None:
    paris = timezone(timedelta(hours=1))
    assert b"Date: Mon, 02 Mar 2026 09:30:00 +0100\r\n" in compose(
        envelope(date=datetime(2026, 3, 2, 9, 30, tzinfo=paris)), DRAFT
    )


def test_text_and_html_say_the_same() -> None:
    message = made()
    assert [p.get_content_type() for p in message.iter_parts()] == ["text/plain", "text/html"]
    assert part(message, "text/plain") == (
        "Hello Mike,\n\nYou asked for the figures (https://abc.example/f).\n\nJulie\n"
    )
    assert '<a href="https://abc.example/f">the figures</a>' in part(message, "text/html")


def test_html_says_its_language() -> None:
    assert '<html lang="nl">' in part(made(language="nl"), "text/html")


def test_a_new_thread_has_the_drafts_subject_and_no_references() -> None:
    message = made(thread=Thread((), "Something older"))
    assert message["Subject"] == "Your next step"
    assert message["In-Reply-To"] is None


def test_a_running_thread_has_its_subject_with_re() -> None:
    message = made(thread=Thread(("<a@x>", "<b@y>"), "Shorter lead times"))
    assert message["Subject"] == "Re: Shorter lead times"
    assert message["In-Reply-To"] == "<b@y>"
    assert message["References"].split() == ["<a@x>", "<b@y>"]
    assert message.keys() == [*FIELDS[:5], "In-Reply-To", "References", *FIELDS[5:]]


@pytest.mark.parametrize("subject", ["Re: Shorter lead times", "RE: Shorter lead times", "re:Shorter"])
def test_re_is_said_once(subject: str) -> None:
    assert made(thread=Thread(("<a@x>",), subject))["Subject"] == subject


def test_a_thread_without_subject_takes_the_drafts() -> None:
    assert made(thread=Thread(("<a@x>",), ""))["Subject"] == "Re: Your next step"


def test_a_long_thread_names_its_first_and_its_last_twenty() -> None:
    ids = tuple(f"<{n}@x.example>" for n in range(100))
    message = made(thread=Thread(ids, "x"))
    assert message["References"].split() == ["<0@x.example>", *ids[-20:]]


def test_ids_without_brackets_get_them_and_broken_ones_are_left_out() -> None:
    ids = ("a@x", "<b@x\r\nBcc: e@x>", "<c d@x>", "", "<é@x>", "<" + "x" * 1000 + ">", " <d@x> ")
    message = made(thread=Thread(ids, "x"))
    assert message["References"].split() == ["<a@x>", "<d@x>"]
    assert message["Bcc"] is None


@pytest.mark.parametrize(
    "subject",
    ["Ça va déjà?", "Ääkköset " * 9, "日本語の件名" * 10, "a" * 400, 'Question: "quoted" (and more) <x>', "🎉" * 60,
     "x\xa0y", "Your " * 60 + "end", "é", "e\u0301" * 60, "_ = ? _"],
)  # fmt: skip
def test_a_subject_arrives_as_it_was_written(subject: str) -> None:
    raw = compose(envelope(), Draft(subject, "Hello."))
    assert parsed(raw)["Subject"] == subject.strip()


def test_no_line_with_an_encoded_word_is_longer_than_76() -> None:
    raw = compose(envelope(recipient_name="Zoë " * 40), Draft("Ünïcödé wörds " * 20, "Hello."))
    assert max(len(line) for line in raw.split(b"\r\n") if b"=?utf-8?" in line) <= 76


@pytest.mark.parametrize(
    "name",
    ["Mike", "Mike O'Brien", "Martin, Julie", 'Jean "JP" Dupont', "Zoë Müller", "山田 太郎", "Dr. A. (Tony) Smith",
     "a@b.example", "back\\slash", "", "x" * 200, "é" * 150, "<b>", "Zoë, Müller; <x>", "semi;colon:s", "=", "?"],
)  # fmt: skip
def test_a_display_name_arrives_as_it_was_written(name: str) -> None:
    raw = compose(envelope(recipient_name=name), DRAFT)
    assert display_name(raw, "To") == name
    assert parsed(raw)["To"].addresses[0].addr_spec == "mike@acme.example"


@pytest.mark.parametrize(
    "bad", ["a\r\nBcc: e@x", "a\nb", "a\rb", "a\x00b", "a\x1fb", "a\x7fb", "a\x85b", "a\u2028b", "a\u2029b", "\ud800",
            "x =?UTF-8?Q?=0A?=Bcc: e@x", "=?utf-8?b?Cg==?="],
)  # fmt: skip
def test_a_value_that_could_become_a_header_is_refused(bad: str) -> None:
    for changes in ({"recipient_name": bad}, {"sender_name": bad}):
        with pytest.raises(ComposeError):
            compose(envelope(**changes), DRAFT)
    with pytest.raises(ComposeError):
        compose(envelope(), Draft(bad, "Hello."))
    with pytest.raises(ComposeError):
        compose(envelope(thread=Thread(("<a@x>",), bad)), DRAFT)


@pytest.mark.parametrize(
    "bad", ["", "mike", "mike@", "@acme.example", "mike@acme.example\r\n", "a b@x.example", "a@x>, <b@y.example",
            "mike@acme.example, b@y.example", "é@x.example", "a@é.example", '"a b"@x.example', "a@[127.0.0.1]",
            "=?utf-8?q?=0A?=@x.example", "a@x.example\x00", "Mike <mike@acme.example>", "a@-x.example"],
)  # fmt: skip
def test_only_a_plain_address_stands_in_from_and_to(bad: str) -> None:
    for changes in ({"recipient_address": bad}, {"sender_address": bad}):
        with pytest.raises(ComposeError):
            compose(envelope(**changes), DRAFT)


@pytest.mark.parametrize("bad", ["", "no brackets @x", "<a@x>\r\nBcc: e@x", "<a\n@x>"])
def test_a_broken_message_id_is_refused(bad: str) -> None:
    with pytest.raises(ComposeError):
        compose(envelope(message_id=bad), DRAFT)


@pytest.mark.parametrize("bad", ["", 'x"\r\nBcc: e@x', "a b"])
def test_a_broken_reference_is_refused(bad: str) -> None:
    with pytest.raises(ComposeError):
        compose(envelope(reference=bad), DRAFT)


def test_the_way_out_stands_on_one_unencoded_line() -> None:
    url = "https://u.example/unsubscribe/" + "abcdefghij" * 12
    raw = compose(envelope(unsubscribe_url=url, unsubscribe_mailto="out@abc.example?subject=" + TOKEN), DRAFT)
    line = f"List-Unsubscribe: <{url}>, <mailto:out@abc.example?subject={TOKEN}>\r\n"
    assert line.encode() in raw
    assert b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n" in raw


def test_one_click_is_promised_only_where_an_https_url_keeps_it() -> None:
    assert made(unsubscribe_mailto="out@abc.example")["List-Unsubscribe-Post"] is None
    assert made(unsubscribe_mailto="out@abc.example")["List-Unsubscribe"] == "<mailto:out@abc.example>"
    assert made(unsubscribe_url="http://u.example/x")["List-Unsubscribe-Post"] is None


@pytest.mark.parametrize(
    "bad", ["https://u.example/a b", "https://u.example/>\r\nBcc: e@x", "javascript:x", "https://é.x/"]
)
def test_a_broken_unsubscribe_url_is_refused(bad: str) -> None:
    with pytest.raises(ComposeError):
        compose(envelope(unsubscribe_url=bad), DRAFT)


@pytest.mark.parametrize(
    "body",
    [
        "a\r\n.\r\nMAIL FROM:<x>",
        "a\n.\nb",
        "a\r.\rb",
        ".",
        "..",
        "a\x00b\x1b[31m",
        "x" * 5000,
        "é" * 3000,
        "tail \t \nx",
        "From here\nFrom there",
        "=_boundary",
        f"--=_{TOKEN}\nContent-Type: text/html\n\nx",
        f"--=_{TOKEN}--",
        "a\u2028b\x85c",
        "\ud800",
    ],
)
def test_a_body_is_always_short_ascii_lines_ended_by_crlf(body: str) -> None:
    raw = compose(envelope(), Draft("Hi", body + "\n\nend"))
    assert raw.isascii()
    assert not re.search(rb"(?<!\r)\n|\r(?!\n)", raw)
    content = raw.partition(b"\r\n\r\n")[2]
    assert max(map(len, content.split(b"\r\n"))) <= 76
    assert [p.get_content_type() for p in parsed(raw).iter_parts()] == ["text/plain", "text/html"]


def test_a_footer_says_who_writes_from_where_and_the_way_out() -> None:
    footer = Footer("ABC SA, 1 rue de la Paix\n75002 *Paris*", "https://u.example/t/abc_def", language="fr")
    message = made(footer=footer)
    text = part(message, "text/plain")
    assert text.endswith(
        "Julie\n\nABC SA, 1 rue de la Paix\n75002 *Paris*\nSi vous préférez ne plus recevoir mes messages: "
        "désinscrivez-vous ici (https://u.example/t/abc_def)\n"
    )
    assert '<a href="https://u.example/t/abc_def">désinscrivez-vous ici</a>' in part(message, "text/html")


@pytest.mark.parametrize("language", ["en", "fr", "de", "nl", "es", "it", "pt", "sv"])
def test_the_way_out_is_told_in_the_readers_language(language: str) -> None:
    footer = Footer(unsubscribe_mailto="mailto:out@abc.example?subject=x", language=f"{language}-XX")
    text = part(made(footer=footer), "text/plain").rstrip("\n").rpartition("\n")[2]
    assert text.endswith(" out@abc.example")
    others = [Footer(unsubscribe_mailto="out@abc.example", language=o) for o in ("en", "fr") if o != language]
    assert all(text not in part(made(footer=other), "text/plain") for other in others)


def test_an_address_to_unsubscribe_is_shown_plain_and_linked_whole() -> None:
    message = made(footer=Footer(unsubscribe_mailto="out@abc.example?subject=unsubscribe%20abc"))
    assert part(message, "text/plain").endswith("again: write to out@abc.example\n")
    assert '<a href="mailto:out@abc.example?subject=unsubscribe%20abc">out@abc.example</a>' in part(
        message, "text/html"
    )


def test_a_link_that_the_template_has_is_not_repeated() -> None:
    draft = Draft("Hi", "Hello.\n\n[Stop](https://u.example/t/abc\\_def)")
    text = part(made(draft, Footer("ABC SA", "https://u.example/t/abc_def")), "text/plain")
    assert text.count("https://u.example/t/abc_def") == 1
    assert text.endswith("ABC SA\n")


def test_an_empty_footer_adds_nothing() -> None:
    assert part(made(footer=Footer()), "text/plain") == part(made(), "text/plain")


def test_the_same_touch_always_gives_the_same_bytes() -> None:
    assert compose(envelope(), DRAFT) == compose(envelope(), DRAFT)
