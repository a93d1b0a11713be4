"""Statements that the driver runs: the same rows, the same faults as by SQLAlchemy, and never a walk over a table."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from sqlalchemy import Connection, bindparam, create_engine, select, text, update
from sqlalchemy.exc import IntegrityError

from cadenced.errors import StoreError
from cadenced.store import copies, enrolments, inbox, mailboxes, people, touches, volume
from cadenced.store.database import Database
from cadenced.store.schema import events, meta
from cadenced.store.schema import mailboxes as boxes
from cadenced.store.statement import Among, Statement
from peers import postgres

ON_POSTGRES = (
    pytest.mark.postgres,
    pytest.mark.skipif(not postgres.available(), reason="PostgreSQL's programs are not installed"),
)
NOW = datetime(2026, 3, 29, 1, 30, 0, 123_456, tzinfo=UTC)
ODD = ["plain", "it's", 'a "quoted" one', "", "%s %(x)s ? :y", "Zoë 😀", "a\\b", "1", "x' OR '1'='1", "\n"]
ADD = Statement(events.insert(), "at", "event", "prospect_id", "enrolment_id", "data")
PUT = Statement(meta.insert(), "key", "value")
NAMED = Statement(select(meta.c.value).where(Among(meta.c.key, "keys")).order_by(meta.c.value))


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgres", marks=ON_POSTGRES)])
def url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path_factory.mktemp('statement')}/one.db"
        return
    with postgres.server() as server:
        yield server.database()


@pytest.fixture
def store(url: str) -> Iterator[Database]:
    database = Database(url, inline=True)
    database.open()
    yield database
    database.transact(lambda tx: [tx.execute(table.delete()) for table in (meta, events, boxes)])
    database.close()


def test_what_is_written_by_the_driver_is_read_by_sqlalchemy_and_the_other_way_round(store: Database) -> None:
    rows = [
        {"at": NOW + timedelta(microseconds=n), "event": "sent", "prospect_id": None if n else 7, "enrolment_id": n,
         "data": {"subject": word, "n": [n, None, True]}}
        for n, word in enumerate(ODD)
    ]  # fmt: skip
    columns = tuple(events.c[name] for name in rows[0])
    asked = select(*columns).where(events.c.at >= bindparam("since")).order_by(events.c.enrolment_id)

    def work(tx: Connection) -> tuple[list[Any], list[Any]]:
        ADD.run_each(tx, rows[:5])
        tx.execute(events.insert(), rows[5:])
        theirs = [tuple(row) for row in tx.execute(asked, {"since": NOW})]
        return list(Statement(asked).rows(tx, since=NOW)), theirs

    ours, theirs = store.transact(work)
    assert ours == theirs == [tuple(row.values()) for row in rows]


@pytest.mark.parametrize("count", [0, 1, len(ODD), 40_000])
def test_a_list_of_any_length_is_one_value(store: Database, count: int) -> None:
    def work(tx: Connection) -> list[str]:
        PUT.run_each(tx, [{"key": f"{word}!", "value": str(n)} for n, word in enumerate(ODD)])
        wanted = [f"{word}!" for word in ODD][:count]
        wanted += [f"nobody {n}" for n in range(count - len(wanted))]
        return [value for (value,) in NAMED.rows(tx, keys=wanted)]

    assert store.transact(work) == [str(n) for n in range(len(ODD))][:count]


def test_what_is_not_in_a_list_is_asked_for_as_easily(store: Database) -> None:
    others = Statement(select(meta.c.key).where(~Among(meta.c.key, "keys"), meta.c.value == bindparam("value")))

    def work(tx: Connection) -> list[list[str]]:
        PUT.run_each(tx, [{"key": word, "value": "v"} for word in "abc"])
        return [sorted(key for (key,) in others.rows(tx, keys=keys, value="v")) for keys in ([], ["a"], ["c", "b"])]

    assert store.transact(work) == [["a", "b", "c"], ["b", "c"], ["a"]]


def test_a_row_that_is_refused_is_told_as_by_sqlalchemy_and_without_its_values(store: Database) -> None:
    def twice(tx: Connection) -> None:
        PUT.run(tx, key="same", value="a secret body")
        PUT.run_each(tx, [{"key": "same", "value": "a secret body"}])

    with pytest.raises(IntegrityError) as caught:
        store.transact(twice)
    assert "INSERT INTO meta" in str(caught.value)
    assert "secret" not in str(caught.value)
    assert store.read(lambda tx: NAMED.rows(tx, keys=["same"])) == []


def test_a_statement_says_how_many_rows_it_concerned(store: Database) -> None:
    renamed = Statement(update(meta).where(meta.c.key == bindparam("this")).values(value=bindparam("to")))

    def work(tx: Connection) -> list[int]:
        PUT.run(tx, key="a", value="1")
        return [renamed.run(tx, this=key, to="2") for key in ("a", "b")]

    assert store.transact(work) == [1, 0]


def test_a_value_that_stands_in_the_statement_passes_its_type_as_well(store: Database) -> None:
    row = {"at": NOW, "event": "sent", "prospect_id": 1, "enrolment_id": 1, "data": {}}
    since = Statement(select(events.c.at).where(events.c.at == NOW, events.c.data.is_not(None)))

    def work(tx: Connection) -> list[Any]:
        ADD.run_each(tx, [row])
        return list(since.rows(tx))

    assert store.transact(work) == [(NOW,)]


def test_a_value_that_is_missing_is_a_mistake_of_the_caller(store: Database) -> None:
    with pytest.raises(KeyError):
        store.transact(lambda tx: PUT.run(tx, key="a"))


def test_a_mailbox_that_takes_mail_is_well_and_its_first_day_stays(store: Database) -> None:
    def work(tx: Connection) -> list[mailboxes.MailboxState]:
        mailboxes.make_known(tx, ["julie"])
        mailboxes.note_sent(tx, "julie", NOW)
        mailboxes.note_fault(tx, "julie", smtp="gone")
        before = mailboxes.get(tx, "julie")
        mailboxes.note_sent(tx, "julie", NOW + timedelta(days=3))
        return [before, mailboxes.get(tx, "julie")]

    before, after = store.transact(work)
    assert (before.smtp_fault, after.smtp_fault) == ("gone", "")
    assert before.first_sent_at == after.first_sent_at == NOW


@settings(deadline=None)
@given(some.lists(some.text(some.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)))
def test_any_texts_are_found_by_a_list(words: list[str]) -> None:
    wanted = list(dict.fromkeys(words))
    engine = create_engine("sqlite://")
    with engine.begin() as tx:
        meta.create(tx)
        PUT.run_each(tx, [{"key": word, "value": word} for word in wanted])
        assert {value for (value,) in NAMED.rows(tx, keys=wanted)} == set(wanted)


def test_a_full_disk_is_told_as_a_fault_of_the_store(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/small.db", inline=True)
    database.open()

    def fill(tx: Connection) -> None:
        tx.execute(text("PRAGMA max_page_count = 1"))  # never below what there is: the next page is refused
        PUT.run_each(tx, [{"key": f"key {n}", "value": "x" * 4000} for n in range(200)])

    with pytest.raises(StoreError, match="full"):
        database.transact(fill)
    database.close()


@pytest.mark.postgres
@pytest.mark.skipif(not postgres.available(), reason="PostgreSQL's programs are not installed")
def test_a_session_that_the_server_has_ended_is_told_as_a_fault_of_the_store_and_replaced() -> None:
    with postgres.server() as server:
        address = server.database()
        database, other = Database(address, inline=True), Database(address, inline=True)
        database.open()

        def cut_off(tx: Connection) -> None:
            mine = tx.execute(text("SELECT pg_backend_pid()")).scalar_one()
            end = text("SELECT pg_terminate_backend(:mine, 60000)")  # returns once it has ended
            other.read(lambda aside: aside.execute(end, {"mine": mine}))
            PUT.run(tx, key="a", value="b")

        with pytest.raises(StoreError):
            database.transact(cut_off)
        database.transact(lambda tx: PUT.run(tx, key="a", value="b"))
        assert database.read(lambda tx: NAMED.rows(tx, keys=["a"])) == [("b",)]
        database.close()
        other.close()


def ask_all_of_a_send(tx: Connection) -> None:
    enrolments.due_mails(tx, "julie", NOW, 50, [1, 2])
    enrolments.any_due(tx, "julie", "mail", NOW)
    enrolments.among(tx, [1, 2])
    enrolments.primaries_told(tx, [1, 2])
    people.known(tx, [1, 2])
    touches.of_prospects(tx, [1, 2])
    touches.references(tx, ["a", "b"])
    touches.arm(tx, [1, 2], "boot", NOW)
    touches.unwanted(tx, [1, 2])
    touches.settle_sent(tx, {1: "250", 2: "250"}, "boot", NOW)
    inbox.own_among(tx, "julie", ["a", "b"])
    mailboxes.get(tx, "julie")
    mailboxes.note_sent(tx, "julie", NOW)


def ask_all_of_doubts_and_limits(tx: Connection) -> None:
    enrolments.next_due(tx, "julie", NOW)
    volume.sent_since(tx, "julie", NOW)
    volume.last_sent_at(tx, "julie", NOW)
    touches.doubts(tx, touches.TouchState.UNKNOWN)
    touches.known(tx, ["<a@b>"], ["c"])
    touches.armed_for(tx, 1)
    touches.recover(tx, "boot")
    touches.settle(tx, 1, "boot", touches.TouchState.REJECTED, reply="550", settled_at=NOW)
    touches.resolve(tx, 1, touches.TouchState.SENT, "a copy", NOW)
    people.among(tx, ["a@b.example"])
    people.of_addresses(tx, ["a@b.example"])
    copies.read(tx, "c")
    copies.filing(tx, "julie", NOW, 20)


def test_no_statement_of_a_send_walks_over_a_table(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/plans.db", inline=True)
    database.open()
    asked: set[str] = set()

    def traced(tx: Connection) -> None:
        driver: Any = tx.connection.driver_connection
        driver.set_trace_callback(asked.add)
        ask_all_of_a_send(tx)
        ask_all_of_doubts_and_limits(tx)
        driver.set_trace_callback(None)

    def plans(tx: Connection) -> dict[str, list[str]]:
        return {one: [row[3] for row in tx.exec_driver_sql(f"EXPLAIN QUERY PLAN {one}")] for one in asked}

    database.transact(traced)
    assert len(asked) > 20
    for statement, steps in database.read(plans).items():
        walks = {step for step in steps if step.startswith("SCAN") and "VIRTUAL TABLE" not in step}
        assert walks <= {"SCAN CONSTANT ROW"}, statement
        of_whole_mailboxes = [step for step in steps if step.endswith("ix_touches_sent (mailbox=?)")]
        assert of_whole_mailboxes == [] or "LIMIT" in statement, statement
    database.close()
