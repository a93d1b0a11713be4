"""IMAP's bytes: the same responses whatever the segments, in bounded memory, without recursion."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as some

from cadenced.mail import imap_names, imap_wire
from cadenced.mail.imap_wire import Framer, GarbageError, Listed, Response

TALK = (
    b"* OK [CAPABILITY IMAP4rev1] that is {5}\r\n"
    b"* 1 FETCH (UID 7 BODY[] {12}\r\na)(\r\n* BYE \r\n FLAGS (\\Seen))\r\n"
    b"* 2 FETCH (UID 8 BODY[]<0> {0}\r\n INTERNALDATE \" 1-Nov-2026 10:00:00 +0100\")\r\n"
    b'* LIST () "/" {3}\r\na"b\r\n'
    b"A1 OK done {9}\r\n"
)  # fmt: skip


def frames(*pieces: bytes) -> list[Response]:
    framer = Framer()
    return [response for piece in pieces for response in framer.feed(piece)]


def test_responses_are_the_same_wherever_the_segments_break() -> None:
    whole = frames(TALK)
    assert len(whole) == 5
    for at in range(len(TALK) + 1):
        assert frames(TALK[:at], TALK[at:]) == whole
    assert frames(*(TALK[n : n + 1] for n in range(len(TALK)))) == whole


@given(some.lists(some.binary(max_size=40), max_size=8))
def test_any_bytes_are_responses_or_garbage_and_never_anything_else(pieces: list[bytes]) -> None:
    try:
        for response in frames(*pieces):
            imap_wire.listed(response)
            imap_wire.status(response)
            imap_wire.searched(response)
            imap_wire.fetched(response)
            imap_wire.code(response, "UIDVALIDITY")
    except GarbageError:
        pass


@given(
    some.lists(
        some.sampled_from([b"* ", b"1 FETCH ", b"LIST ", b"(", b")", b'"', b"\\", b"{3}\r\n", b"\r\n", b"NIL", b"["])
    )
)
def test_what_looks_like_imap_and_is_not_is_garbage(parts: list[bytes]) -> None:
    try:
        for response in frames(b"".join(parts)):
            imap_wire.fetched(response)
            imap_wire.listed(response)
    except GarbageError:
        pass


def test_a_hundred_thousand_lines_in_one_buffer_are_read() -> None:
    talk = b"".join(b"* %d FETCH (UID %d RFC822.SIZE 5)\r\n" % (n, n) for n in range(1, 100_001))
    assert len(frames(talk)) == 100_000


def test_a_literal_of_25_megabytes_arrives_in_small_segments() -> None:
    body = bytes(range(256)) * 100_000
    talk = b"* 1 FETCH (UID 1 BODY[] {%d}\r\n%b)\r\n" % (len(body), body)
    [response] = frames(*(talk[n : n + 65_536] for n in range(0, len(talk), 65_536)))
    items = imap_wire.fetched(response)
    assert items is not None
    assert items["BODY[]"] == body


def test_a_line_or_a_literal_beyond_all_measure_is_garbage() -> None:
    with pytest.raises(GarbageError):
        frames(b"* 1 FETCH (BODY[] {999999999}\r\n")
    with pytest.raises(GarbageError):
        frames(b"* " + b"x" * (imap_wire.MAX_TEXT + 1))


@pytest.mark.parametrize("text", [b"* LIST " + b"(" * 1000, b"* LIST )", b"* LIST (", b"* LIST ((a)"])
def test_brackets_that_do_not_match_are_garbage(text: bytes) -> None:
    with pytest.raises(GarbageError):
        imap_wire.listed(Response((text,)))


def test_the_parts_of_a_fetch_are_found_in_any_order() -> None:
    fetches = [items for response in frames(TALK) if (items := imap_wire.fetched(response))]
    assert fetches[0] == {"UID": "7", "BODY[]": b"a)(\r\n* BYE \r\n"[:12], "FLAGS": ["\\Seen"]}
    assert fetches[1]["BODY[]"] == b""
    assert imap_wire.internal_date(fetches[1]["INTERNALDATE"]) == datetime(2026, 11, 1, 9, tzinfo=UTC)


def test_a_header_fetch_has_one_name_though_it_has_spaces() -> None:
    [response] = frames(b"* 3 FETCH (UID 9 BODY[HEADER.FIELDS (MESSAGE-ID X-CADENCE-REF)] {4}\r\na: b)\r\n")
    assert imap_wire.fetched(response) == {"UID": "9", "BODY[HEADER.FIELDS (MESSAGE-ID X-CADENCE-REF)]": b"a: b"}


@pytest.mark.parametrize(
    ("line", "name"),
    [
        (b'* LIST (\\HasNoChildren) "/" INBOX', b"INBOX"),
        (b'* LIST () "/" "a \\"b\\" \\\\ * (c)"', b'a "b" \\ * (c)'),
        (b'* LIST () "." [Gmail]', b"[Gmail]"),
        (b'* LIST () "/" Entw&APw-rfe', b"Entw&APw-rfe"),
        ("* LIST () NIL Entwürfe".encode(), "Entwürfe".encode()),
        (b'* list () "/" x', b"x"),
    ],
)
def test_a_folder_s_name_is_what_the_server_says(line: bytes, name: bytes) -> None:
    found = imap_wire.listed(Response((line,)))
    assert found is not None
    assert found.name == name


@pytest.mark.parametrize("value", ["x", "-1", "1.0", "9" * 40, b"1", None, ["1"], "٣"])
def test_what_is_no_number_is_garbage(value: object) -> None:
    with pytest.raises(GarbageError):
        imap_wire.number(value)


@pytest.mark.parametrize(
    "name", ["INBOX", "Entwürfe", "a & b", "~peter/mail/台北/日本語", "😀", "&", "&-", "é&é", "", "a+b,c"]
)
def test_a_name_survives_modified_utf_7(name: str) -> None:
    assert imap_names.decode(imap_names.encode(name).encode()) == name
    assert imap_names.encode(name).isascii()


def test_modified_utf_7_is_that_of_the_rfc() -> None:
    assert imap_names.encode("~peter/mail/台北/日本語") == "~peter/mail/&U,BTFw-/&ZeVnLIqe-"


@pytest.mark.parametrize("raw", [b"&", b"&AP", b"&!!-", b"&AOk", b"&AGE-", b"\xff\xfe", "Entwürfe".encode(), b"&2AA-"])
def test_what_is_no_modified_utf_7_stays_as_it_is(raw: bytes) -> None:
    assert imap_names.decode(raw).encode("utf-8", "surrogateescape") == raw


@given(some.binary(max_size=30))
def test_any_name_can_be_decoded(raw: bytes) -> None:
    imap_names.decode(raw)


@pytest.mark.parametrize("text", ["a\r\nA1 DELETE INBOX", "a\n", "\0"])
def test_no_quoted_string_holds_an_end_of_line(text: str) -> None:
    with pytest.raises(ValueError, match="NUL, CR or LF"):
        imap_names.quote(text)


def listed(*names: str, **attributes: str) -> list[Listed]:
    return [Listed(frozenset(filter(None, [attributes.get(n)])), "/", imap_names.encode(n).encode()) for n in names]


@pytest.mark.parametrize(
    "names",
    [
        ("Sent", "Drafts", "Junk", "Trash"), ("Gesendete Elemente", "Entwürfe", "Junk-E-Mail", "Gelöschte Elemente"),
        ("Éléments envoyés", "Brouillons", "Courrier indésirable", "Corbeille"),
        ("Sent Items", "Drafts", "Junk Email", "Deleted Items"),
        ("Elementos enviados", "Borradores", "Correo no deseado", "Papelera"),
        ("Posta inviata", "Bozze", "Spam", "Cestino"),
        ("INBOX/Sent", "INBOX/Drafts", "INBOX/Spam", "INBOX/Trash"), ("已发送", "草稿", "垃圾邮件", "已删除邮件"),
    ],
)  # fmt: skip
def test_folders_without_special_use_are_known_by_their_names(names: tuple[str, ...]) -> None:
    found = imap_names.roles(listed("INBOX", "Projekte/Sent", *names))
    assert [found[imap_names.encode(name).encode()] for name in names] == ["sent", "drafts", "junk", "trash"]
    assert found[b"INBOX"] == "inbox"


def test_an_attribute_counts_more_than_a_name() -> None:
    found = imap_names.roles(listed("INBOX", "Sent", "Ausgang", Ausgang="sent"))
    assert found.get(b"Sent", "") == ""
    assert found[b"Ausgang"] == "sent"


def test_the_configured_folder_of_sent_mail_counts_more_than_all() -> None:
    found = imap_names.roles(listed("INBOX", "Sent", "Ausgang", Sent="sent"), sent="Ausgang")
    assert (found[b"Ausgang"], found[b"Sent"]) == ("sent", "")


def test_the_configured_folder_of_replies_is_the_inbox() -> None:
    found = imap_names.roles(listed("INBOX", "Antworten"), inbox="Antworten")
    assert found == {b"Antworten": "inbox"}
