"""Whose answer it is: the surest sign wins, the vague ones are flagged, our own mail is nobody's."""

from typing import ClassVar

import pytest

from cadenced.core import address
from cadenced.reading import attribution, inbound
from cadenced.reading.attribution import Person, Sent
from cadenced.reading.verdict import Verdict

PAULA = Person(1, "paula@prospect.example", "Paula Prime", 10)
QUENTIN = Person(2, "quentin@prospect.example", "Quentin Quest", 10)
GRETA = Person(3, "greta.gale@gmail.com", "Greta Gale")


class Register:
    """What is known in these tests: three prospects, one touch to each of the first two."""

    touches: ClassVar = {"ref1": Sent(100, 50, 1), "ref2": Sent(200, 60, 2)}

    def sent(self, message_ids, refs):
        known = [one.partition("@")[0] for one in message_ids if one.endswith("@abc.example")]
        return [self.touches[one] for one in (*known, *refs) if one in self.touches]

    def people(self, addresses):
        everybody = (PAULA, QUENTIN, GRETA)
        return [one for one in everybody if {one.address, address.identity(one.address)} & set(addresses)]

    def colleagues(self, domain):
        return [one for one in (PAULA, QUENTIN) if one.address.endswith(f"@{domain}")]

    def subjects(self, prospect):
        return {1: ["Your next step"], 2: ["Renewal"]}.get(prospect, [])

    def is_ours(self, email):
        return email.split("+")[0].partition("@")[0] == "julie" and email.endswith("@abc.example")


REPLY = Verdict("reply.unclear")


def ask(verdict=REPLY, body="Yes.", **fields):
    head = "".join(f"{name.replace('_', '-')}: {value}\n" for name, value in fields.items())
    return attribution.attribute(inbound.parse(f"{head}\n{body}\n".encode()), verdict, Register())


def test_our_id_in_in_reply_to_names_touch_enrolment_and_prospect():
    found = ask(From="paula@prospect.example", In_Reply_To="<ref1@abc.example>")
    assert found == attribution.Attribution(1, 50, 100, "thread", flagged=False)


def test_the_last_reference_goes_before_the_first():
    found = ask(From="quentin@prospect.example", References="<ref1@abc.example> <x@y.example> <ref2@abc.example>")
    assert found is not None
    assert found.touch == 200


def test_an_id_whose_domain_a_relay_rewrote_is_known_by_its_left_side():
    found = ask(From="paula@prospect.example", In_Reply_To="<ref1@relay.example>")
    assert found is not None
    assert found.touch == 100


def test_an_answer_in_the_thread_from_another_address_counts_and_is_flagged():
    found = ask(From="paula.private@mail.example", In_Reply_To="<ref1@abc.example>")
    assert found is not None
    assert (found.prospect, found.flagged) == (1, True)


def test_a_reference_in_our_plus_address_counts():
    found = ask(From="paula@prospect.example", To="julie+ref1@abc.example")
    assert found is not None
    assert found.touch == 100


def test_a_bounce_is_known_by_the_mail_that_came_back():
    found = ask(Verdict("bounce.hard", returned_message_id="ref1@abc.example"), From="mailer-daemon@mx.example")
    assert found is not None
    assert (found.touch, found.how, found.flagged) == (100, "returned message", False)


def test_a_bounce_is_known_by_the_reference_in_the_returned_header():
    found = ask(Verdict("bounce.hard", returned_ref="ref2"), From="mailer-daemon@mx.example")
    assert found is not None
    assert found.prospect == 2


def test_a_bounce_without_the_mail_is_known_by_the_failed_address():
    found = ask(Verdict("bounce.hard", recipient="Paula@Prospect.example"), From="mailer-daemon@mx.example")
    assert found is not None
    assert (found.prospect, found.touch) == (1, None)


def test_a_bounce_is_never_attributed_to_the_postmaster_of_an_account():
    assert ask(Verdict("bounce.hard"), From="postmaster@prospect.example", Subject="Your next step") is None


@pytest.mark.parametrize("name", ["From", "Reply_To", "Sender"])
def test_the_prospects_own_address_suffices(name):
    fields = {"From": "somebody@mail.example", name: "Paula <PAULA@prospect.example>"}
    found = ask(**fields)
    assert found is not None
    assert (found.prospect, found.flagged) == (1, False)


@pytest.mark.parametrize(("written", "prospect"), [("paula+work@prospect.example", 1), ("gretagale@googlemail.com", 3)])
def test_variants_of_an_address_count_and_are_flagged(written, prospect):
    found = ask(From=written)
    assert found is not None
    assert (found.prospect, found.flagged) == (prospect, True)


@pytest.mark.parametrize("subject", ["Re: Your next step", "AW: RE: Your next step", "Fwd: [EXT] Your  next step"])
def test_a_colleague_with_our_subject_counts_and_is_flagged(subject):
    found = ask(From="rita@prospect.example", Subject=subject)
    assert found is not None
    assert (found.prospect, found.how, found.flagged) == (1, "same company and subject", True)


def test_the_same_name_in_the_same_company_counts_and_is_flagged():
    found = ask(From="Quentin Quest <q.quest@prospect.example>", Subject="Hello")
    assert found is not None
    assert (found.prospect, found.flagged) == (2, True)


def test_a_stranger_of_the_same_company_with_another_subject_is_nobody():
    assert ask(From="rita@prospect.example", Subject="Invoice 12") is None


def test_a_free_provider_is_no_company():
    assert ask(From="somebody@gmail.com", Subject="Re: Your next step") is None


def test_a_mail_forwarded_to_somebody_who_answers_is_known_by_its_quoted_header():
    body = "I take over.\n\nFrom: Julie <julie@abc.example>\nTo: paula@prospect.example\nSubject: Your next step\n"
    found = ask(From="rita@holding.example", Subject="Re: Fwd: Your next step", body=body)
    assert found is not None
    assert (found.prospect, found.flagged) == (1, True)


def test_a_prospect_named_without_our_address_is_no_sign():
    assert ask(From="rita@holding.example", Subject="Hello", body="Write to paula@prospect.example") is None


def test_our_own_mail_is_nobodys_answer():
    assert ask(From="Julie <julie@abc.example>", To="paula@prospect.example", In_Reply_To="<ref1@abc.example>") is None
    assert ask(From="julie+x@abc.example", In_Reply_To="<ref1@abc.example>") is None


def test_a_bounce_under_our_own_address_is_still_a_bounce():
    found = ask(Verdict("bounce.hard", returned_message_id="ref1@abc.example"), From="julie@abc.example")
    assert found is not None
