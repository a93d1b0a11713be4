"""An older database was put back: what the pages say of it, and how ``release`` goes on."""

from __future__ import annotations

from typing import Any

import pytest
from story import Story, said

from cadenced.engine import restore
from cadenced.store import instance, mailboxes

ANN = "ann@a.example"


@pytest.fixture
def put_back(told: Story) -> Story:
    told.bring_in(ANN)
    told.transact(lambda tx: mailboxes.hold(tx, "julie", "550 5.7.1 blocked", told.clock.now()))
    told.transact(lambda tx: restore.enter(tx, told.workspace, "instance.json knows of 3 starts, the database of 1"))
    told.transact(lambda tx: restore.found_one(tx, told.workspace, "Sent"))
    return told


def test_every_page_says_that_nothing_is_sent_and_what_to_do(put_back: Story, capfd: Any) -> None:
    for words in (("status",), ("today",), ("why", ANN), ("doctor",)):
        page = " ".join(said(capfd, *words).out.split())
        assert "older database was put back" in page, words
        assert "cadenced release --restored" in page, words
    page = " ".join(said(capfd, "status").out.split())
    assert "Instance.json knows of 3 starts, the database of 1. Copies show 1 mail of which it knew nothing." in page
    found = said(capfd, "status", "--json").json["restored"]
    assert (found["found"], found["held"]) == (1, ["julie"])


def test_release_restored_says_what_was_made_up_for_and_an_older_hold_stands_again(put_back: Story, capfd: Any) -> None:
    answer = said(capfd, "release", "--restored")
    assert answer.status == 0
    assert "1 mail of which this database knew nothing was found by their copies" in " ".join(answer.out.split())
    assert "julie is still held: 550 5.7.1 blocked" in " ".join(answer.out.split())
    assert "sends again" not in answer.out
    assert "julie has not been read since" in " ".join(answer.out.split())
    state = put_back.workspace.database.read(lambda tx: (instance.restored(tx), mailboxes.get(tx, "julie").hold))
    assert state == (None, "550 5.7.1 blocked")
    assert said(capfd, "status", "--json").json["restored"] is None
    assert said(capfd, "release", "--restored").status == 1


def test_one_mailbox_may_be_named(put_back: Story, capfd: Any) -> None:
    assert "still held: 550 5.7.1 blocked" in " ".join(said(capfd, "release", "julie").out.split())
    assert "sends again" in said(capfd, "release", "julie").out
    assert said(capfd, "release", "julie").status == 1


@pytest.mark.parametrize("words", [(), ("julie", "--restored")])
def test_a_mailbox_is_named_or_all_of_them_are_meant(told: Story, capfd: Any, words: tuple[str, ...]) -> None:
    assert said(capfd, "release", *words).status == 2
