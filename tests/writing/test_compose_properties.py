"""The fast path against the standard library: whatever goes in, its parser reads back the same."""

from __future__ import annotations

from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import cast

from hypothesis import given, settings
from hypothesis import strategies as st

from cadenced.core.model import Draft, Thread
from cadenced.errors import ComposeError
from cadenced.writing.compose import compose
from cadenced.writing.parts import text_and_html
from writing.samples import display_name, envelope

LINE = st.text(alphabet=st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), max_size=120).filter(
    lambda text: "=?" not in text and text.strip() == text
)
ANYTHING = st.text(max_size=200)
ANY_NAME = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=60)
IDS = st.lists(st.from_regex(r"<[a-z0-9]{1,30}@[a-z]{1,10}\.example>", fullmatch=True), max_size=30).map(tuple)


def parsed(raw: bytes) -> EmailMessage:
    return cast(EmailMessage, message_from_bytes(raw, policy=policy.default))


@given(LINE.filter(bool), LINE, LINE, ANYTHING, IDS)
@settings(max_examples=300)
def test_the_standard_library_reads_back_what_went_in(
    subject: str, sender: str, recipient: str, body: str, ids: tuple[str, ...]
) -> None:
    about = envelope(sender_name=sender, recipient_name=recipient, thread=Thread(ids, subject))
    draft = Draft(subject, body)
    raw = compose(about, draft)
    message = parsed(raw)
    expected = subject if not ids or subject[:3].lower() == "re:" else f"Re: {subject}"
    assert message["Subject"] == expected
    assert display_name(raw, "From") == " ".join(sender.split())
    assert display_name(raw, "To") == " ".join(recipient.split())
    assert message["To"].addresses[0].addr_spec == "mike@acme.example"
    assert (message["References"] or "").split()[-20:] == list(ids[-20:])
    assert not message.defects
    assert_parts(message, draft)


def assert_parts(message: EmailMessage, draft: Draft) -> None:
    wanted = text_and_html(draft, None, "en")
    parts = list(message.iter_parts())
    assert [p.get_content_type() for p in parts] == ["text/plain", "text/html"]
    for part, text in zip(parts, wanted, strict=True):
        raw = part.get_payload(decode=True)
        assert isinstance(raw, bytes)
        assert raw.decode().replace("\r\n", "\n") == text.encode("utf-8", "replace").decode()


@given(ANY_NAME, ANY_NAME, ANY_NAME, st.text(alphabet="ab\r\n:<>@ =?\x00\u2028", max_size=20))
@settings(max_examples=500)
def test_no_value_adds_or_changes_a_field(subject: str, sender: str, recipient: str, wild: str) -> None:
    about = envelope(sender_name=sender + wild, recipient_name=recipient, thread=Thread((wild, f"<{wild}@x>"), subject))
    try:
        raw = compose(about, Draft(subject or "x", wild or "x"))
    except ComposeError:
        return
    names = parsed(raw).keys()
    fixed = ["Date", "From", "To", "Subject", "Message-ID", "X-Cadence-Ref", "MIME-Version", "Content-Type"]
    assert [name for name in names if name not in {"In-Reply-To", "References"}] == fixed
    assert len(names) == len(set(names))
