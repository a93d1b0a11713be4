"""Files that are edited while the daemon reads them (row 55), and a doubt that two settle at once (row 68)."""

from __future__ import annotations

import os
import random
import sqlite3
import threading
import time
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from grounds import Ground, entered

from cadenced.core.model import TouchState
from cadenced.store import touches
from cadenced.store.database import Database
from peers import dovecot, warm
from peers.patience import until
from peers.workspace import TEMPLATE

pytestmark = pytest.mark.slow

EDITS = int(os.environ.get("CADENCED_EDITS", "40"))
RACES = int(os.environ.get("CADENCED_RESOLVE_RACES", "50"))


@pytest.mark.timeout(3600)
@pytest.mark.skipif(not dovecot.PROGRAM, reason="Debian's dovecot-imapd is not installed")
def test_templates_saved_and_cut_at_any_moment_never_become_half_a_letter(
    tmp_path: Path, server: dovecot.Dovecot, stable: warm.Stable
) -> None:
    dice = random.Random(55)  # noqa: S311 - a seed that repeats, not a secret
    with entered(tmp_path / "ground", server, stable) as ground:
        run = ground.start(patches={"cadenced.engine.housekeeping:RELOAD": "timedelta(seconds=0.1)"})
        until(lambda: " ready " in ground.said())
        people = [f"e{n}@edits.example" for n in range(EDITS)]
        for start in range(0, EDITS, 10):
            ground.drop(*people[start : start + 10], name=f"list{start}.csv")
            for _ in range(10):
                edit(ground, dice)
                time.sleep(dice.uniform(0, 0.25))
        (ground.root / "templates" / "one.md").write_text(TEMPLATE)
        until(lambda: len(ground.taken()) == EDITS)
        assert run.poll() is None
        for message in ground.sink.accepted:
            assert b"Hello E" in message.raw
            assert message.raw.count(b"10:00?") == 2  # as text and as HTML, to their ends
        assert set(ground.taken().values()) == {1}


def edit(ground: Ground, dice: random.Random) -> None:
    """Do to a template what editors, scripts and people do."""
    path = ground.root / "templates" / "one.md"
    ways = ("whole", "cut", "slow", "renamed", "broken", "gone", "unreadable")
    way = dice.choice(ways)
    if way == "whole":
        path.write_text(TEMPLATE.replace("Monday", dice.choice(["Monday", "Tuesday", "Friday"])))
    elif way == "cut":
        path.write_text(TEMPLATE[: dice.randrange(len(TEMPLATE))])
    elif way == "slow":
        with path.open("w") as file:
            for piece in (TEMPLATE[:40], TEMPLATE[40:90], TEMPLATE[90:]):
                file.write(piece)
                file.flush()
                time.sleep(0.02)
    elif way == "renamed":
        draft = path.with_name(".one.md.swp")
        draft.write_text(TEMPLATE)
        draft.rename(path)
    elif way == "broken":
        path.write_text(TEMPLATE.replace("{{ first_name }},\n\nyou", "{{ first_name \n\nyou"))
    elif way == "gone":
        path.unlink(missing_ok=True)
    else:
        path.write_bytes(b"\xff\xfe\x00broken")


def test_two_who_settle_one_doubt_at_once_do_not_both_win(tmp_path: Path) -> None:
    """A human and the resolver, each in a process of its own: here in threads with a store each."""
    path = tmp_path / "doubt.db"
    database = Database(f"sqlite:///{path}", inline=True)
    database.open()
    stores = {
        way: Database(database.url, inline=True) for way in (TouchState.SENT, TouchState.SKIPPED, TouchState.PLANNED)
    }
    for number in range(1, RACES + 1):
        doubtful(path, number)
        wins: list[TouchState] = []
        racers = [threading.Thread(target=settle, args=(store, number, way, wins)) for way, store in stores.items()]
        for racer in racers:
            racer.start()
        for racer in racers:
            racer.join()
        found = database.read(lambda tx, number=number: touches.get(tx, number))
        assert found is not None
        assert wins == [found.state]
    for store in (database, *stores.values()):
        store.close()


def doubtful(path: Path, number: int) -> None:
    """Write a touch in doubt, past the product."""
    row = {
        **dict.fromkeys(("prospect_id", "enrolment_id", "generation", "planned_at", "armed_at"), 1),
        **dict.fromkeys(("sequence", "mailbox", "recipient", "root_id"), "x"),
        **dict.fromkeys(("step", "ref", "message_id"), f"r{number}"),
        "id": number,
        "state": "in_doubt",
    }
    with closing(sqlite3.connect(path)) as store, store:
        statement = f"INSERT INTO touches ({', '.join(row)}) VALUES (:{', :'.join(row)})"  # noqa: S608 - our own names
        store.execute(statement, row)


def settle(store: Database, number: int, way: TouchState, wins: list[TouchState]) -> None:
    now = datetime.now(UTC)
    if store.transact(lambda tx: touches.resolve(tx, number, way, "a race", now)):
        wins.append(way)
