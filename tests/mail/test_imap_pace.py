"""How much is asked of a server: logins in turn, and questions only where they cost nothing."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Iterator

import pytest

from cadenced.mail.imap import ImapSettings, Mailbox
from cadenced.mail.imap_pace import FAR_REST, NEAR, RHYTHM, Nearness, Pace
from peers import dovecot, imap_peer
from peers.imap_peer import Peer, Talk
from peers.patience import PATIENCE, comes


@pytest.fixture
async def peer() -> AsyncIterator[Peer]:
    async with imap_peer.serve() as running:
        yield running


def box_for(peer: Peer, pace: Pace | None = None) -> Mailbox:
    return Mailbox(
        ImapSettings(
            peer.host, peer.port, "none", "julie", "s3cret", timeout=0.5, reconnect=0.0, pace=pace or Pace(lambda: 0.5)
        )
    )


def test_a_few_logins_need_not_wait_and_a_thousand_come_at_a_gentle_rate() -> None:
    pace = Pace(lambda: 0.5)
    waits = [pace.reserve(100.0) for _ in range(1000)]
    assert waits[:10] == [0.0] * 10
    assert 30 < waits[-1] < 60
    assert all(later >= sooner for sooner, later in itertools.pairwise(waits))
    assert pace.reserve(500.0) == 0.0


def test_two_logins_never_keep_the_same_gap() -> None:
    chances = iter([0.0, 1.0] * 50)
    pace = Pace(lambda: next(chances))
    waits = [pace.reserve(0.0) for _ in range(100)]
    gaps = {round(later - sooner, 3) for sooner, later in itertools.pairwise(waits[50:])}
    assert gaps == {0.02, 0.06}


def test_a_server_that_turns_us_away_is_knocked_at_less_often_until_it_welcomes_us() -> None:
    pace = Pace(lambda: 0.5)
    for _ in range(20):
        pace.turned_away()
    waits = [pace.reserve(0.0) for _ in range(41)]
    assert waits[40] - waits[39] == pytest.approx(2.0)
    for _ in range(20):
        pace.welcomed()
    assert pace.reserve(1000.0) == 0.0
    waits = [pace.reserve(1000.0) for _ in range(60)]
    assert waits[-1] - waits[-2] == pytest.approx(0.04)


def test_many_that_listen_closely_share_what_is_asked_of_a_server() -> None:
    pace = Pace()
    assert pace.rhythm == RHYTHM
    pace.close = 1000
    assert pace.rhythm == 10.0


def test_one_slow_answer_among_three_is_our_own_haste_and_three_are_the_distance() -> None:
    nearness = Nearness()
    for trip in (NEAR * 9, NEAR * 9, NEAR / 9):
        nearness.note(trip, 5.0)
    assert not nearness.is_far(5.0)
    for trip in (NEAR * 2, NEAR * 3, NEAR * 4):
        nearness.note(trip, 6.0)
    assert nearness.is_far(6.0 + FAR_REST - 1)
    assert not nearness.is_far(6.0 + FAR_REST + 1)


async def test_who_listens_closely_asks_and_who_does_not_any_more_idles(peer: Peer) -> None:
    pace = Pace()
    box = box_for(peer, pace)
    assert await box.wait(5)
    assert not await box.wait(0.01)
    waiting = asyncio.create_task(box.wait(20))
    await asyncio.sleep(0.01)
    began = asyncio.get_running_loop().time()
    assert box.attend(4.0)
    assert await waiting  # how it listens has changed, and it looks once more
    while peer.verbs().count("NOOP") < 2:
        assert not await box.wait(0.1)
    assert pace.close == 1
    peer.once["NOOP"] = [[b"* 6 EXISTS\r\n{tag} OK\r\n"]]
    assert await box.wait(PATIENCE)
    assert peer.verbs().count("NOOP") <= 3 + (asyncio.get_running_loop().time() - began) / RHYTHM
    idled = peer.verbs().count("IDLE")
    while peer.verbs().count("IDLE") == idled:
        assert not await box.wait(0.05)
    assert peer.verbs().count("IDLE") == idled + 1
    assert pace.close == 0
    await box.close()


async def test_a_connection_that_ends_while_it_is_asked_does_not_count_as_close_any_more(peer: Peer) -> None:
    pace = Pace()
    box = box_for(peer, pace)
    assert await box.wait(5)
    box.attend(60)
    assert await box.wait(5)
    assert not await box.wait(0.01)
    assert pace.close == 1
    peer.once["NOOP"] = [[imap_peer.CLOSE]]
    assert await box.wait(5)
    assert pace.close == 0
    await box.close()
    assert pace.close == 0


def test_a_server_on_this_machine_is_never_far() -> None:
    nearness = Nearness(in_house=True)
    for _ in range(3):
        nearness.note(NEAR * 100, 6.0)
    assert not nearness.is_far(6.0)


async def test_a_server_that_is_far_away_is_listened_to(peer: Peer) -> None:
    async def slowly(talk: Talk, tag: str, _: bytes) -> None:
        await asyncio.sleep(0.02)
        await talk.play([b"{tag} OK\r\n"], tag)

    peer.on["NOOP"] = slowly
    box = box_for(peer)
    box._watch._nearness = Nearness()  # as if it were not on this machine
    assert await box.wait(5)
    assert box.attend(600)
    assert await box.wait(5)
    idled = peer.verbs().count("IDLE")
    waiting = asyncio.create_task(box.wait(20))
    await comes(lambda: peer.verbs().count("IDLE") == idled + 1)
    assert peer.verbs().count("NOOP") == 3
    assert not box.attend(600)
    await peer.push(b"* 6 EXISTS\r\n")
    assert await waiting
    await box.close()


@pytest.fixture(scope="module")
def server() -> Iterator[dovecot.Dovecot]:
    with dovecot.running() as one:
        yield one


@pytest.mark.dovecot
@pytest.mark.skipif(not dovecot.PROGRAM, reason="Debian's dovecot-imapd is not installed")
async def test_dovecot_tells_at_once_when_asked_what_it_tells_listeners_half_a_second_late(
    server: dovecot.Dovecot,
) -> None:
    box = Mailbox(ImapSettings("127.0.0.1", server.port, "none", "julie", "secret"))
    assert await box.wait(5)
    box.attend(60)
    assert await box.wait(5)
    spans = []
    for number in range(5):
        waiting = asyncio.create_task(box.wait(20))
        await asyncio.sleep(0.05)
        began = asyncio.get_running_loop().time()
        server.deliver(b"Subject: %d\r\n\r\nHello\r\n" % number)
        assert await waiting
        spans.append(asyncio.get_running_loop().time() - began)
    assert min(spans) < 0.4
    await box.close()


async def test_attention_that_is_paid_again_and_again_is_news_once(peer: Peer) -> None:
    box = box_for(peer)
    assert await box.wait(5)
    box.attend(600)
    assert await box.wait(5)
    for _ in range(20):
        box.attend(600)
        assert not await box.wait(0)
    await box.close()
