"""Leases on PostgreSQL: one owner at a time, by the database's clock, and nothing of the living is taken."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, select, text, update

from cadenced.core.model import TouchState
from cadenced.store import leases, orphans, touches
from cadenced.store.database import Database
from cadenced.store.leases import Worker
from cadenced.store.schema import enrolments, prospects
from cadenced.store.schema import mailboxes as boxes
from cadenced.store.schema import touches as ledger
from peers import postgres

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.skipif(not postgres.available(), reason="PostgreSQL's programs are not installed"),
]

ANN, BOB = Worker("ann", "here", 1), Worker("bob", "there", 2)
JULIE = leases.of_mailbox("julie")
OTHERS = [leases.of_mailbox(name) for name in ("max", "zoe")]
NOW = datetime(2026, 5, 4, 9, tzinfo=UTC)


@pytest.fixture(scope="module")
def server() -> Iterator[postgres.Server]:
    with postgres.server() as one:
        yield one


@pytest.fixture
def store(server: postgres.Server) -> Iterator[Database]:
    database = Database(server.database(), inline=True)
    database.open()
    database.transact(lambda tx: leases.make_known(tx, [JULIE, *OTHERS]))
    yield database
    database.close()


def both(tx: Connection) -> None:
    leases.register(tx, ANN)
    leases.register(tx, BOB)


def die(tx: Connection, boot: str) -> None:
    """Let a worker's time be up."""
    tx.execute(text("UPDATE workers SET until = since WHERE boot = :boot"), {"boot": boot})


def test_of_two_workers_one_has_a_mailbox(store: Database) -> None:
    store.transact(both)
    assert store.transact(lambda tx: leases.take(tx, [JULIE], "ann")) == {JULIE}
    assert store.transact(lambda tx: leases.take(tx, [JULIE], "bob")) == set()
    assert store.read(leases.standing)[JULIE].owner == "ann"


def test_of_many_takers_at_once_one_is_first(store: Database) -> None:
    boots = [f"w{number}" for number in range(8)]
    for boot in boots:
        store.transact(lambda tx, boot=boot: leases.register(tx, Worker(boot, "here", 1)))
    got: list[set[str]] = []
    start = threading.Barrier(len(boots))

    def race(boot: str) -> None:
        start.wait()
        got.append(store.read(lambda tx: leases.take(tx, [JULIE, *OTHERS], boot)))

    threads = [threading.Thread(target=race, args=(boot,)) for boot in boots]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(name for names in got for name in names) == sorted([JULIE, *OTHERS])


def test_a_mailbox_of_the_dead_is_free_and_the_dead_do_not_come_back_by_renewing(store: Database) -> None:
    store.transact(both)
    store.transact(lambda tx: leases.take(tx, [JULIE], "ann"))
    store.transact(lambda tx: die(tx, "ann"))
    assert store.read(leases.standing)[JULIE].free
    assert store.transact(lambda tx: leases.renew(tx, "ann")) is None
    assert store.transact(lambda tx: leases.take(tx, [JULIE], "ann")) == set()
    assert store.transact(lambda tx: leases.take(tx, [JULIE], "bob")) == {JULIE}
    assert [worker.boot for worker in store.read(leases.living)] == ["bob"]


def test_who_comes_back_to_life_holds_nothing(store: Database) -> None:
    store.transact(both)
    store.transact(lambda tx: leases.take(tx, [JULIE], "ann"))
    store.transact(lambda tx: die(tx, "ann"))
    store.transact(lambda tx: leases.register(tx, ANN))
    assert store.read(leases.standing)[JULIE].free


def test_renewing_keeps_all_leases_by_one_row(store: Database) -> None:
    store.transact(lambda tx: leases.register(tx, ANN, timedelta(seconds=60)))
    store.transact(lambda tx: leases.take(tx, [JULIE, *OTHERS], "ann"))
    before = store.read(leases.living)[0].until
    clock = store.transact(lambda tx: leases.renew(tx, "ann", timedelta(seconds=90)))
    assert clock is not None
    assert before is not None
    after = store.read(leases.living)[0].until
    assert after is not None
    assert after - before > timedelta(seconds=20)
    assert not any(lease.free for lease in store.read(leases.standing).values())


def test_who_leaves_in_order_frees_everything_at_once(store: Database) -> None:
    store.transact(both)
    store.transact(lambda tx: leases.take(tx, [JULIE, *OTHERS], "ann"))
    store.transact(lambda tx: leases.leave(tx, "ann"))
    assert store.transact(lambda tx: leases.take(tx, [JULIE], "bob")) == {JULIE}


def test_each_change_of_hand_is_counted(store: Database) -> None:
    store.transact(both)
    for boot in ("ann", "bob", "ann"):
        store.transact(lambda tx, boot=boot: leases.take(tx, [JULIE], boot))
        store.transact(lambda tx, boot=boot: leases.release(tx, [JULIE], boot))
    assert (
        store.read(lambda tx: tx.execute(text("SELECT epoch FROM leases WHERE name = 'mailbox julie'")).scalar()) == 3
    )


def test_the_dead_are_forgotten_after_an_hour(store: Database) -> None:
    store.transact(both)
    store.transact(lambda tx: die(tx, "ann"))
    assert store.transact(leases.bury) == 0
    assert store.transact(lambda tx: leases.bury(tx, timedelta(0))) == 1


# -- touches


def furnish(tx: Connection, *states: tuple[str, str]) -> list[int]:
    """Make one touch for each (state, boot); returns their ids."""
    tx.execute(boxes.insert().values(name="julie"))
    ids = []
    for number, (state, boot) in enumerate(states):
        row: dict[str, Any] = {"email": f"p{number}@x.example", "fields": {}, "created_at": NOW}
        prospect = tx.execute(prospects.insert().values(row).returning(prospects.c.id)).scalar_one()
        enrolment = {"prospect_id": prospect, "mailbox": "julie", "sequence": "plan", "generation": 1, "step": "one"}
        enrolment |= {"state": "active", "anchor": NOW, "done": [], "enrolled_at": NOW, "due_at": NOW, "lane": "mail"}
        known = tx.execute(enrolments.insert().values(enrolment).returning(enrolments.c.id)).scalar_one()
        touch = {"prospect_id": prospect, "enrolment_id": known, "sequence": "plan", "step": "one", "generation": 1}
        touch |= {"mailbox": "julie", "recipient": row["email"], "state": state, "message_id": f"m{number}"}
        touch |= {"ref": f"r{number}", "root_id": f"m{number}", "planned_at": NOW, "boot_id": boot}
        ids.append(tx.execute(ledger.insert().values(touch).returning(ledger.c.id)).scalar_one())
    return ids


def states(tx: Connection) -> list[str]:
    return list(tx.execute(select(ledger.c.state).order_by(ledger.c.id)).scalars())


def arm(boot: str, ids: list[int]) -> Callable[[Connection], set[int]]:
    return lambda tx: touches.arm(tx, ids, boot, NOW)


def test_nothing_is_armed_without_the_lease(store: Database) -> None:
    store.transact(both)
    ids = store.transact(lambda tx: furnish(tx, ("claimed", "ann"), ("claimed", "ann")))
    assert store.transact(arm("ann", ids)) == set()
    store.transact(lambda tx: leases.take(tx, [JULIE], "bob"))
    assert store.transact(arm("ann", ids)) == set()
    store.transact(lambda tx: leases.release(tx, [JULIE], "bob"))
    store.transact(lambda tx: leases.take(tx, [JULIE], "ann"))
    assert store.transact(arm("ann", ids[:1])) == set(ids[:1])
    store.transact(lambda tx: die(tx, "ann"))
    assert store.transact(arm("ann", ids[1:])) == set()


def test_adoption_spares_the_living_whatever_their_age(store: Database) -> None:
    store.transact(both)
    begun = ("claimed", "armed", "sent", "in_doubt", "planned")
    whole = [(state, boot) for boot in ("ann", "bob", "gone") for state in begun]
    store.transact(lambda tx: furnish(tx, *whole))
    store.transact(lambda tx: tx.execute(update(ledger).values(claimed_at=NOW, armed_at=NOW)))
    store.transact(lambda tx: die(tx, "bob"))
    assert store.read(orphans.any_left)
    assert store.transact(orphans.adopt) == orphans.Orphans(planned=2, unknown=2)
    left = ["planned", "unknown", "sent", "in_doubt", "planned"]
    assert store.read(states) == [*begun, *left, *left]
    assert not store.read(orphans.any_left)
    assert store.transact(orphans.adopt) == orphans.Orphans()


def test_a_late_answer_of_the_dead_changes_nothing(store: Database) -> None:
    store.transact(both)
    ids = store.transact(lambda tx: furnish(tx, ("claimed", "ann"), ("claimed", "ann")))
    store.transact(lambda tx: die(tx, "ann"))
    store.transact(orphans.adopt)
    store.transact(lambda tx: leases.take(tx, [JULIE], "bob"))
    assert store.transact(lambda tx: touches.claim(tx, ids[0], "bob", NOW))
    assert store.transact(arm("ann", ids)) == set()
    assert not store.transact(lambda tx: touches.settle(tx, ids[0], "ann", TouchState.PLANNED))
    assert store.transact(arm("bob", ids)) == {ids[0]}
    assert store.read(states) == ["armed", "planned"]


def test_who_lets_go_of_a_mailbox_leaves_nothing_of_it_under_way(store: Database) -> None:
    store.transact(both)
    store.transact(lambda tx: furnish(tx, ("claimed", "ann"), ("armed", "ann"), ("armed", "bob")))
    assert store.transact(lambda tx: orphans.abandon(tx, "ann", "max")) == orphans.Orphans()
    assert store.transact(lambda tx: orphans.abandon(tx, "ann", "julie")) == orphans.Orphans(1, 1)
    assert store.read(states) == ["planned", "unknown", "armed"]


def test_evidence_settles_a_touch_on_postgres_at_the_moment_it_was_armed(store: Database) -> None:
    ids = store.transact(lambda tx: furnish(tx, ("unknown", "gone"), ("unknown", "gone")))
    store.transact(lambda tx: tx.execute(update(ledger).where(ledger.c.id == ids[0]).values(armed_at=NOW)))
    later = NOW + timedelta(minutes=5)
    for touch in ids:
        assert store.transact(lambda tx, touch=touch: touches.resolve(tx, touch, TouchState.SENT, "a copy", later))
    assert store.read(lambda tx: list(tx.execute(select(ledger.c.sent_at).order_by(ledger.c.id)).scalars())) == [
        NOW,
        later,
    ]
