"""Any bytes become an Inbound, or InboundError, never anything else."""

import email
import random
import time
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks import reading_figures
from cadenced.errors import InboundError
from cadenced.reading import bounce, calendar, charset, complaint, headers, inbound, mime, verdict

CORPUS = reading_figures.corpus()
PLAIN = b"From: Paul <p@x.example>\r\nSubject: Hi\r\nMessage-ID: <1@x.example>\r\n\r\nYes, let's talk.\r\n"


def machines(raw):
    """All that is read of a message before a person is supposed; the result does not matter here."""
    try:
        message = inbound.parse(raw)
    except InboundError:
        return None
    return message, complaint.find(message), bounce.find(message), calendar.find(message), message.readable()


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=3_000))
def test_any_bytes_are_read_or_refused(raw):
    machines(raw)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(
                [
                    "From",
                    "To",
                    "Subject",
                    "Date",
                    "Content-Type",
                    "Content-Transfer-Encoding",
                    "Return-Path",
                    "References",
                    "X-Failed-Recipients",
                    "Auto-Submitted",
                    "Content-Disposition",
                ]
            ),
            st.text(max_size=120),
        ),
        max_size=9,
    ),
    st.binary(max_size=600),
)
def test_any_header_values_are_read_or_refused(fields, body):
    head = "".join(f"{name}: {value}\n" for name, value in fields).encode("utf-8", "surrogatepass")
    machines(head + b"\n" + body)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=400), st.text(max_size=40))
def test_any_charset_gives_text_that_can_be_stored(data, name):
    charset.text_of(data, name).encode("utf-8")


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=300))
def test_addresses_dates_and_words_never_fail(text):
    headers.addresses(text)
    headers.date_of(text)
    headers.message_ids(text)
    charset.words_decoded(text)
    mime.parameter(text, "boundary")


@pytest.mark.corpus
@pytest.mark.skipif(CORPUS is None, reason="the folder of real mail is not here")
def test_mutilated_real_mail_is_read_or_refused():
    chance = random.Random(7)  # noqa: S311 - the same mutations every time
    paths = sorted(path for path in (CORPUS / "messages").rglob("*") if path.is_file())
    for path in chance.sample(paths, 150):
        raw = bytearray(path.read_bytes()[:20_000])
        for _ in range(4):
            _mutate(raw, chance)
            machines(bytes(raw))


def _mutate(raw, chance):
    """Flip, cut, double or move a piece: what relays and storage really do, and worse."""
    at, length = chance.randrange(len(raw) + 1), chance.randrange(1, 400)
    kind = chance.randrange(4)
    if kind == 0:
        raw[at : at + length] = bytes(chance.randrange(256) for _ in range(min(length, 40)))
    elif kind == 1:
        del raw[at : at + length]
    elif kind == 2:
        raw[at:at] = raw[at : at + length] * 2
    else:
        other = chance.randrange(len(raw) + 1)
        raw[other:other] = raw[at : at + length]


def test_a_plain_message_is_read():
    read = inbound.parse(PLAIN)
    assert read.header_from == (headers.Address("Paul", "p@x.example"),)
    assert (read.subject, read.text, read.message_id) == ("Hi", "Yes, let's talk.\n", "1@x.example")


@pytest.mark.parametrize("raw", [b"", b"\r\n\r\n", b"\x00\x00", b"   "])
def test_nothing_is_refused(raw):
    with pytest.raises(InboundError):
        inbound.parse(raw)


def test_a_message_beyond_all_measure_is_refused(monkeypatch):
    monkeypatch.setattr(inbound, "SIZE_LIMIT", 10)
    with pytest.raises(InboundError):
        inbound.parse(PLAIN)


@pytest.mark.parametrize("ends", [b"\n", b"\r\n"])
def test_line_ends_change_nothing(ends):
    lf = PLAIN.replace(b"\r\n", ends)
    assert inbound.parse(lf).text == "Yes, let's talk.\n"


def test_a_text_without_header_is_all_body():
    assert inbound.parse(b"just words\nmore\n").text == "just words\nmore\n"


def test_the_mbox_line_is_left_out():
    assert inbound.parse(b"From p@x.example Mon Jan 1 00:00:00 2026\n" + PLAIN).subject == "Hi"


@pytest.mark.parametrize(
    ("raw", "subject"),
    [
        ("=?utf-8?B?R3LDvMOfZQ==?=", "Grüße"),
        ("=?iso-8859-1?Q?Gr=FC=DFe?=", "Grüße"),
        ("=?utf-8?q?Gr=C3?= =?utf-8?q?=BC=C3=9Fe?=", "Grüße"),
        ("=?utf-8?Q?a_b?= c", "a b c"),
        ("=?iso-2022-jp?B?GyRCJDMkcxsoQg==?=", "こん"),
        ("=?nonsense?Q?ok?=", "ok"),
        ("=?utf-8?B?broken", "=?utf-8?B?broken"),
    ],
)
def test_encoded_words_are_decoded(raw, subject):
    assert inbound.parse(f"Subject: {raw}\n\nx".encode()).subject == subject


@pytest.mark.parametrize(
    "name", ["idna", "punycode", "base64", "rot13", "unicode_escape", "hex", "x" * 500, "", "utf-7"]
)
def test_dangerous_charsets_are_no_charsets(name):
    assert isinstance(charset.text_of(b"abc +2AA- \\u0041", name), str)


def test_an_alternative_gives_text_and_html():
    raw = (
        b'Content-Type: multipart/alternative; boundary="a"\n\n--a\nContent-Type: text/plain; charset=utf-8\n\nhi\n'
        b"--a\nContent-Type: text/html\n\n<p>hi</p>\n--a--\n"
    )
    read = inbound.parse(raw)
    assert (read.text.strip(), read.html.strip()) == ("hi", "<p>hi</p>")


def test_html_alone_is_readable_without_what_nobody_sees():
    read = inbound.parse(b"Content-Type: text/html\n\n<style>p{}</style><p>Hello&nbsp;you</p><script>x()</script>")
    assert read.readable().split() == ["Hello", "you"]


def test_an_attached_text_is_not_the_text():
    raw = (
        b'Content-Type: multipart/mixed; boundary="a"\n\n--a\n\nmine\n--a\nContent-Type: text/plain\n'
        b'Content-Disposition: attachment; filename="log.txt"\n\nnot mine\n--a--\n'
    )
    assert inbound.parse(raw).text.strip() == "mine"


def test_a_forwarded_message_is_one_part_and_its_text_is_nobodys():
    raw = (
        b'Content-Type: multipart/mixed; boundary="a"\n\n--a\n\nsee below\n--a\nContent-Type: message/rfc822\n\n'
        b"Subject: inner\n\ninner words\n--a--\n"
    )
    assert inbound.parse(raw).text.strip() == "see below"


@pytest.mark.parametrize(
    "raw",
    [
        b"".join(b"Content-Type: multipart/mixed; boundary=%d\n\n--%d\n" % (n, n) for n in range(2_000)) + b"\nhi",
        b'Content-Type: multipart/mixed; boundary="a"\n\n' + b"--a\n\nx\n" * 30_000,
        b"Subject: " + b"=?utf-8?Q?a?= " * 30_000 + b"\n\nx",
        b"To: " + b'"' * 200_000 + b"\n\nx",
        b"To: " + b"(" * 200_000 + b"\n\nx",
        b"References: " + b"<" * 300_000 + b"\n\nx",
        b"Content-Type: text/html\n\n" + b"<" * 300_000,
        b"Content-Type: text/html\n\n" + b"<style>" * 40_000,
        b"Content-Type: a/b" + b"; x*0=y" * 40_000 + b"\n\nx",
        b"From: mailer-daemon@x\nSubject: failure notice\n\n" + b"550 " * 70_000,
        b"From: mailer-daemon@x\nSubject: failure notice\n\n" + b"a" * 300_000,
        b"From: mailer-daemon@x\nSubject: failure notice\n\n" + b"a@" * 150_000,
        b"From: mailer-daemon@x\nSubject: failure notice\n\n" + b"mailbox " * 40_000,
        b"From: mailer-daemon@x\nSubject: failure notice\n\n" + b"<a@b.c> " * 40_000,
        b"From: mailer-daemon@x\nSubject: failure notice\n\n" + b" " * 300_000,
        b"From: mailer-daemon@x\nSubject: failure notice\n\n" + b"Final-Recipient: a\n" * 15_000,
        b"From: mailer-daemon@x\nSubject: failure notice\n\n" + b"- " * 150_000,
        b"\n".join(b"X-%d: y" % n for n in range(30_000)) + b"\n\nx",
        b"Subject: x\n" + b" folded\n" * 40_000 + b"\nx",
        b"Content-Type: text/calendar\n\nBEGIN:VCALENDAR\nMETHOD:REPLY\n" + b"ATTENDEE;" * 40_000,
    ],
)
def test_hostile_mail_is_read_in_time(raw):
    began = time.process_time()
    machines(raw)
    assert time.process_time() - began < 0.05 * max(1.0, len(raw) / 100_000) * 3  # a slow machine's allowance


def test_25_megabytes_are_read_in_time():
    raw = (
        (
            b'Subject: big\nContent-Type: multipart/mixed; boundary="a"\n\n--a\n\nhello\n--a\n'
            b"Content-Type: application/pdf\nContent-Transfer-Encoding: base64\n\n" + b"QUJD" * 19 + b"\n"
        )
        + (b"QUJD" * 19 + b"\n") * 330_000
        + b"--a--\n"
    )
    began = time.process_time()
    assert inbound.parse(raw).text.strip() == "hello"
    assert time.process_time() - began < 3


def test_dates_are_aware_or_none():
    assert headers.date_of("Mon, 2 Mar 2026 10:00:00 -0000") == datetime(2026, 3, 2, 10, tzinfo=UTC)
    assert headers.date_of("yesterday") is None
    assert headers.date_of("Mon, 99 Mar 2026 10:00:00 +9999") is None


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ('"Martin, Julie" <j@abc.example>, p@x.example', ["j@abc.example", "p@x.example"]),
        ("p@x.example (Paul)", ["p@x.example"]),
        ("undisclosed-recipients:;", []),
        ("<p@x.example> <q@x.example>", ["p@x.example"]),
        ("", []),
    ],
)
def test_address_lists_are_read_as_they_come(raw, expected):
    assert [one.address for one in headers.addresses(raw)] == expected


@pytest.mark.corpus
@pytest.mark.skipif(CORPUS is None, reason="the folder of real mail is not here")
def test_ids_agree_with_the_standard_library_on_real_mail():
    paths = sorted(path for path in (CORPUS / "messages" / "sisimai").glob("*.eml"))[:120]
    for path in paths:
        raw = path.read_bytes()
        theirs = email.message_from_bytes(raw).get("message-id", "")
        assert str(theirs).strip().strip("<>") == inbound.parse(raw).message_id, path.name


@pytest.mark.parametrize("written", ["31 Dec 9999 23:59:59 +0000", "1 Jan 1900 10:00:00 +0000"])
def test_a_date_at_the_end_of_time_is_none(written):
    raw = f"From: a@x.example\nSubject: Re: x\nDate: {written}\n\nWrite to me again after Easter, in six weeks.\n"
    message = inbound.parse(raw.encode())
    assert message.date is None
    assert verdict.judge(message).until is None
