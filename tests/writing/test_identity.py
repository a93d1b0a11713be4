"""Laws of a touch's name: the same for ever, different for every other, and not to be guessed."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re

import pytest

from cadenced.writing.identity import TouchKey, message_id, reference
from writing.samples import KEY

TOUCH = TouchKey("mike@acme.example", "proposal", "recap", 0)


def test_a_reference_is_26_letters_and_digits_of_an_hmac() -> None:
    digest = hmac.new(KEY, b"mike@acme.example|proposal|recap|0", hashlib.sha256).digest()
    assert reference(KEY, TOUCH) == base64.b32encode(digest).decode()[:26].lower()
    assert re.fullmatch("[a-z2-7]{26}", reference(KEY, TOUCH))


@pytest.mark.parametrize(
    "other",
    [
        TouchKey("mike@acme.example", "proposal", "recap", 1),
        TouchKey("mike@acme.example", "proposal", "question", 0),
        TouchKey("mike@acme.example", "nurture", "recap", 0),
        TouchKey("mary@acme.example", "proposal", "recap", 0),
    ],
)
def test_every_other_touch_has_another_reference(other: TouchKey) -> None:
    assert reference(KEY, other) != reference(KEY, TOUCH)


def test_another_installation_gives_another_reference() -> None:
    assert reference(b"another key", TOUCH) != reference(KEY, TOUCH)


def test_the_message_id_carries_the_reference_at_the_senders_domain() -> None:
    token = reference(KEY, TOUCH)
    assert message_id(token, "abc.example") == f"<{token}@abc.example>"
