"""The grammar of addresses, and what makes two of them one person."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cadenced.core import address
from cadenced.errors import AddressError

ON_THE_WIRE = re.compile(r"[a-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@[a-z0-9.-]{4,253}")


@pytest.mark.parametrize(
    ("cell", "kept"),
    [
        ("bob@abc.example", "bob@abc.example"),
        ("Bob.Smith@ABC.Example", "bob.smith@abc.example"),
        ("  bob@abc.example\t", "bob@abc.example"),
        ("\u200bbob@abc.example\xa0", "bob@abc.example"),
        ("\ufeffbob@abc.example", "bob@abc.example"),
        ("mailto:bob@abc.example", "bob@abc.example"),
        ("MAILTO:bob@abc.example?subject=Hello", "bob@abc.example"),
        ("Bob Smith <bob@abc.example>", "bob@abc.example"),
        ('"Smith, Bob" <bob@abc.example>', "bob@abc.example"),
        ("<bob@abc.example>", "bob@abc.example"),
        ("bob@müller.example", "bob@xn--mller-kva.example"),
        ("bob@XN--MLLER-KVA.example", "bob@xn--mller-kva.example"),
        ("bob@straße.example", "bob@xn--strae-oqa.example"),
        ("o'neill+list@abc.example", "o'neill+list@abc.example"),
    ],
)
def test_what_stands_in_spreadsheets_becomes_one_form(cell: str, kept: str) -> None:
    assert address.normalise(cell) == kept
    assert address.normalise(kept) == kept


@pytest.mark.parametrize(
    ("cell", "says"),
    [
        ("", "no address"),
        ("bob", "no @"),
        ("@abc.example", "before the @"),
        ("bob@", "behind the @"),
        ("bob@abc", "not a full domain"),
        ("bob@abc..example", "not a domain"),
        ("bob@-abc.example", "not a domain"),
        ("bob@abc.example.", "not a domain"),
        ("bob@[192.0.2.1]", "not a domain"),
        ("bob@192.0.2.1", "not a domain"),
        ("bob@xn--zzzzzzz999.example", "not a domain"),
        (".bob@abc.example", "dot"),
        ("bo..b@abc.example", "dot"),
        ("bo b@abc.example", "space"),
        ("a@abc.example; b@abc.example", "more than one"),
        ("a@abc.example,b@abc.example", "more than one"),
        ('"bob x"@abc.example', "space"),
        ('"bob"@abc.example', "'\"'"),
        ("bob(comment)@abc.example", r"'\('"),
        ("bób@abc.example", "'ó'"),
        ("bob@abc.example\nBcc: eve@evil.example", "line break"),
        ("bob\r\n@abc.example", "line break"),
        ("bob\x00@abc.example", "control"),
        ("bob\u2028@abc.example", "line break"),
        ("b@x> NOTIFY=NEVER", "not a full domain|space|'>'"),
        ("a<b@abc.example>, c@abc.example", "more than one"),
        ("x" * 65 + "@abc.example", "64"),
        ("x@" + "a" * 64 + ".example", "not a domain"),
        ("x" * 60 + "@" + ".".join(["a" * 60] * 4), "254"),
    ],
)
def test_what_could_be_misread_is_refused_with_its_reason(cell: str, says: str) -> None:
    with pytest.raises(AddressError, match=says):
        address.normalise(cell)


@given(st.text(max_size=80))
def test_any_text_becomes_an_address_of_the_grammar_or_an_error(text: str) -> None:
    try:
        kept = address.normalise(text)
    except AddressError:
        return
    assert ON_THE_WIRE.fullmatch(kept)
    assert address.normalise(kept) == kept


@given(st.text(alphabet="ab@.<>\"' ,;:+-\r\n\x00\u200b()[]\\é", max_size=40))
def test_signs_that_smuggle_never_get_through(text: str) -> None:
    try:
        kept = address.normalise(text)
    except AddressError:
        return
    assert ON_THE_WIRE.fullmatch(kept)


def test_a_mailbox_has_a_name_and_an_address() -> None:
    julie = address.parse_mailbox("Julie Martin <julie@abc.example>")
    assert (julie.local, julie.domain, julie.display) == ("julie", "abc.example", "Julie Martin")
    assert julie.email == "julie@abc.example"
    assert address.parse_mailbox("julie@abc.example").display == ""


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("bob+fair@abc.example", "bob@abc.example"),
        ("b.ob@gmail.com", "bob@gmail.com"),
        ("bob+x@googlemail.com", "b.o.b@gmail.com"),
    ],
)
def test_variants_of_one_address_are_one_person(one: str, other: str) -> None:
    assert address.identity(one) == address.identity(other)


def test_dots_make_a_difference_where_the_provider_does_not_ignore_them() -> None:
    assert address.identity("b.ob@abc.example") != address.identity("bob@abc.example")


def test_an_address_of_a_free_provider_is_no_account() -> None:
    assert address.account_key("", "bob@gmail.com") == ""
    assert address.account_key("", "bob@free.fr") == ""
    assert address.account_key("", "bob@abc.example") == "abc.example"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ABC SA", "abc"),
        ("ABC S.A.", "ABC, Inc."),
        ("Société Générale", "SOCIETE GENERALE"),
        ("Müller GmbH & Co. KG", "Muller"),
    ],
)
def test_a_company_is_the_same_with_and_without_its_legal_form(one: str, other: str) -> None:
    assert address.account_key(one, "a@x.example") == address.account_key(other, "b@y.example")
