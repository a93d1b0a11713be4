"""A folder with more than one batch is searched once, and nothing is missed by that."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from cadenced import ports
from cadenced.mail.imap import ImapSettings, Mailbox
from cadenced.mail.imap_messages import Backlog
from peers import dovecot

pytestmark = dovecot.needs_dovecot
PLACE = ("INBOX", 7)


@pytest.fixture(scope="module")
def server() -> Iterator[dovecot.Dovecot]:
    with dovecot.running(users={"one": "secret", "two": "secret"}) as running:
        yield running


@pytest.fixture
async def box(server: dovecot.Dovecot, request: pytest.FixtureRequest) -> AsyncIterator[Mailbox]:
    user = "one" if "batch" in request.node.name else "two"
    one = Mailbox(ImapSettings("127.0.0.1", server.port, "none", user, "secret"))
    yield one
    await one.close()


def fill(server: dovecot.Dovecot, user: str, count: int) -> None:
    for number in range(count):
        server.deliver(b"Subject: %d\r\n\r\nHello\r\n" % number, user=user)


async def inbox_of(box: Mailbox) -> ports.Folder:
    return (await box.folders())[0]


def test_what_was_found_above_a_place_serves_all_places_above_it() -> None:
    backlog = Backlog()
    backlog.keep(PLACE, 10, [11, 12, 20, 21])
    assert backlog.above(PLACE, 10) == [11, 12, 20, 21]
    assert backlog.above(PLACE, 12) == [20, 21]
    assert backlog.above(PLACE, 21) == []


def test_what_was_found_serves_no_place_below_and_no_other_folder() -> None:
    backlog = Backlog()
    backlog.keep(PLACE, 10, [11, 12])
    assert list(backlog.above(PLACE, 9)) == []
    assert list(backlog.above(("INBOX", 8), 10)) == []
    assert list(backlog.above(("Junk", 7), 10)) == []


async def test_a_folder_of_many_batches_is_searched_once(
    server: dovecot.Dovecot, box: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(server, "one", 23)
    inbox = await inbox_of(box)
    asked: list[str] = []
    run = type(box._connection).run

    async def counted(connection: object, name: str, *words: str, **more: object) -> object:
        asked.append(name)
        return await run(connection, name, *words, **more)

    monkeypatch.setattr(type(box._connection), "run", counted)
    read: list[int] = []
    while batch := await box.fetch(inbox, read[-1] if read else 0, 5):
        read += [mail.uid for mail in batch]
    assert read == list(range(1, 24))
    assert asked.count("SEARCH") == 2  # at the beginning, and at the end to be sure of it


async def test_what_comes_while_a_backlog_is_expunged_is_read_all_the_same(
    server: dovecot.Dovecot, box: Mailbox
) -> None:
    fill(server, "two", 12)
    first = await box.fetch(await inbox_of(box), 0, 5)
    assert [mail.uid for mail in first] == [1, 2, 3, 4, 5]
    other = server.client("two")
    other.select()
    other.store("6:12", "+FLAGS", r"(\Deleted)")
    other.expunge()
    other.logout()
    fill(server, "two", 3)
    inbox = await inbox_of(box)
    assert [mail.uid for mail in await box.fetch(inbox, 5, 5)] == [13, 14, 15]
