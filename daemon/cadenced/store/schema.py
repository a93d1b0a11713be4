"""The tables. Unique keys, not care, make import, reading and reserving idempotent; times are UTC microseconds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.types import TypeDecorator

from cadenced.core import address

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Utc(TypeDecorator[datetime]):
    """An aware datetime, kept as microseconds since 1970: the same order and the same value on every database."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:  # noqa: ARG002 - SQLAlchemy's signature
        """Store an aware datetime; a naive one is a mistake of the caller."""
        return self.to_number(value)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - SQLAlchemy's signature
        """Return an aware datetime in UTC."""
        return self.from_number(value)

    @staticmethod
    def to_number(value: datetime | None) -> int | None:
        """Return the microseconds since 1970."""
        return None if value is None else (value - _EPOCH) // _MICROSECOND

    @staticmethod
    def from_number(value: int | None) -> datetime | None:
        """Return the moment so many microseconds after 1970."""
        return None if value is None else _EPOCH + timedelta(microseconds=value)


Key = BigInteger().with_variant(Integer, "sqlite")
metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _word(name: str, length: int = 80) -> Column[str]:
    return Column(name, String(length), nullable=False, server_default="")


def _text(name: str) -> Column[str]:
    return Column(name, Text, nullable=False, server_default="")


def _partial(name: str, *columns: str, where: str) -> Index:
    """Return an index of some rows; for PostgreSQL ``complete`` must know of it."""
    return Index(name, *columns, sqlite_where=text(where), info={"where": where})


def complete() -> MetaData:
    """Return the tables with what only PostgreSQL's own words say: its dialect takes 30 ms to load, statements none."""
    for table in metadata.tables.values():
        for index in table.indexes:
            if "where" in index.info:
                index.dialect_options["postgresql"]["where"] = text(index.info["where"])
    return metadata


def _untagged() -> Column[str]:
    """Return the column by which variants of one address are one person; filled from ``email`` by itself."""
    return Column(
        "untagged",
        String(320),
        nullable=False,
        server_default="",
        default=lambda context: address.untagged(context.get_current_parameters()["email"]),
    )


def _number(name: str) -> Column[int]:
    return Column(name, Integer, nullable=False, server_default="0")


meta = Table("meta", metadata, Column("key", String(80), primary_key=True), _text("value"))
"""One fact a row about the installation: ``install_key`` (hex), from which Message-IDs are derived."""

mailboxes = Table(
    "mailboxes",
    metadata,
    Column("name", String(80), primary_key=True),
    _text("hold"),
    Column("held_at", Utc),
    _text("smtp_fault"),
    _text("imap_fault"),
    Column("synced_at", Utc),
    Column("first_sent_at", Utc),
)
"""``hold`` stays until a human lifts it; the two faults heal by themselves."""

workers = Table(
    "workers",
    metadata,
    Column("boot", String(40), primary_key=True),
    Column("host", String(255), nullable=False),
    Column("pid", Integer, nullable=False),
    Column("since", Utc, nullable=False),
    Column("until", Utc, nullable=False),
)
"""The daemons on a PostgreSQL database; one lives until ``until``, by the database's clock."""

leases = Table(
    "leases",
    metadata,
    Column("name", String(120), primary_key=True),
    _word("owner", 40),
    _number("epoch"),
    Column("since", Utc),
)
"""What only one worker may do at a time; free where the owner does not live. ``epoch`` counts the changes of hand."""

accounts = Table(
    "accounts",
    metadata,
    Column("id", Key, primary_key=True),
    Column("key", String(255), nullable=False, unique=True),
    _text("name"),
)

prospects = Table(
    "prospects",
    metadata,
    Column("id", Key, primary_key=True),
    Column("email", String(320), nullable=False, unique=True),
    Column("account_id", Key, ForeignKey("accounts.id"), index=True),
    _word("mailbox"),
    _word("timezone"),
    _word("country", 8),
    _word("language", 8),
    _word("stage", 40),
    _word("role", 40),
    Column("next_step_at", Utc),
    Column("fields", JSON, nullable=False),
    Column("created_at", Utc, nullable=False),
    Column("import_id", Key, index=True),
    _untagged(),
    _partial("ix_prospects_untagged", "untagged", where="untagged <> ''"),
)
"""``untagged`` is the address's identity where that differs: without +tag, without the dots that Gmail ignores."""

suppressions = Table(
    "suppressions",
    metadata,
    Column("email", String(320), primary_key=True),
    _text("reason"),
    Column("at", Utc, nullable=False),
    _untagged(),
    _partial("ix_suppressions_untagged", "untagged", where="untagged <> ''"),
)

forgotten = Table(
    "forgotten",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("at", Utc, nullable=False),
)
"""Who asked to be forgotten: a keyed hash of the address's identity, and nothing else (``store/forgotten.py``)."""

enrolments = Table(
    "enrolments",
    metadata,
    Column("id", Key, primary_key=True),
    Column("prospect_id", Key, ForeignKey("prospects.id"), nullable=False),
    Column("account_id", Key),
    Column("mailbox", String(80), nullable=False),
    Column("sequence", String(80), nullable=False),
    Column("generation", Integer, nullable=False),
    Column("state", String(16), nullable=False),
    _word("step"),
    Column("due_at", Utc),
    Column("anchor", Utc, nullable=False),
    _word("lane", 8),
    Column("fresh", Boolean, nullable=False, server_default=text("true")),
    _word("timezone"),
    _word("country", 8),
    _word("role", 40),
    _text("reason"),
    _word("outcome", 120),
    _word("then"),
    _number("soft_bounces"),
    Column("done", JSON, nullable=False),
    Column("next_step_at", Utc),
    Column("enrolled_at", Utc, nullable=False),
    Column("import_id", Key, index=True),
    UniqueConstraint("prospect_id", "sequence", "generation"),
    _partial("ix_enrolments_due", "mailbox", "lane", "fresh", "due_at", where="due_at IS NOT NULL"),
    _partial("ix_enrolments_account", "account_id", where="due_at IS NOT NULL"),
    _partial("ix_enrolments_primary", "account_id", where="role = 'primary'"),
)
"""``lane`` is ``mail`` where the next step is sent, ``desk`` where it is a task or an end; ``fresh``: untouched."""

touches = Table(
    "touches",
    metadata,
    Column("id", Key, primary_key=True),
    Column("prospect_id", Key, ForeignKey("prospects.id"), nullable=False),
    Column("enrolment_id", Key, ForeignKey("enrolments.id"), nullable=False, index=True),
    Column("sequence", String(80), nullable=False),
    Column("step", String(80), nullable=False),
    Column("generation", Integer, nullable=False),
    Column("mailbox", String(80), nullable=False),
    Column("recipient", String(320), nullable=False),
    Column("state", String(16), nullable=False),
    Column("message_id", String(255), nullable=False, unique=True),
    Column("ref", String(40), nullable=False, unique=True),
    Column("root_id", String(255), nullable=False),
    _text("subject"),
    Column("raw", LargeBinary),
    _word("sha256", 64),
    _word("template"),
    _word("template_version", 64),
    _word("boot_id", 40),
    _number("attempts"),
    Column("planned_at", Utc, nullable=False),
    Column("claimed_at", Utc),
    Column("armed_at", Utc),
    Column("settled_at", Utc),
    Column("sent_at", Utc),
    Column("copy_seen_at", Utc),
    Column("wire_id", String(255)),
    _text("reply"),
    _text("evidence"),
    UniqueConstraint("prospect_id", "sequence", "step", "generation"),
    _partial("ix_touches_open", "state", where="state IN ('claimed', 'armed', 'unknown', 'in_doubt')"),
    Index("ix_touches_sent", "mailbox", "sent_at"),
    Index("ix_touches_root", "root_id"),
    _partial("ix_touches_wire", "wire_id", where="wire_id IS NOT NULL"),
)
"""The ledger: one row per (prospect, sequence, step, generation) is the only arbiter of what was sent. ``wire_id`` is
the Message-ID that the mail travelled with, where a relay has given it another one."""

probes = Table(
    "probes",
    metadata,
    Column("mailbox", String(80), primary_key=True),
    Column("at", Utc, nullable=False),
    Column("copies", String(12), nullable=False),
    Column("facts", JSON, nullable=False),
)
"""What a probe has found out about a mailbox: who files ``copies`` of sent mail, and how its servers behave."""

positions = Table(
    "positions",
    metadata,
    Column("mailbox", String(80), primary_key=True),
    Column("folder", String(255), primary_key=True),
    Column("uid_validity", BigInteger, nullable=False),
    Column("last_uid", BigInteger, nullable=False),
)

inbound = Table(
    "inbound",
    metadata,
    Column("id", Key, primary_key=True),
    Column("mailbox", String(80), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("folder", String(255), nullable=False),
    Column("uid", BigInteger, nullable=False),
    Column("seen_at", Utc, nullable=False),
    Column("sent_at", Utc),
    _word("message_id", 255),
    _word("header_from", 320),
    _text("subject"),
    Column("verdict", String(32), nullable=False),
    _word("classifier", 16),
    Column("prospect_id", Key, index=True),
    Column("enrolment_id", Key),
    Column("touch_id", Key),
    _word("how", 40),
    _word("until", 10),
    _text("reply_text"),
    Column("evidence", JSON, nullable=False),
    Column("raw", LargeBinary),
    UniqueConstraint("mailbox", "digest"),
)
"""Every mail that was read; ``digest`` is of its Message-ID, or of its bytes where it has none, so it counts once."""

tasks = Table(
    "tasks",
    metadata,
    Column("id", Key, primary_key=True),
    Column("kind", String(40), nullable=False),
    Column("prospect_id", Key, index=True),
    Column("enrolment_id", Key, index=True),
    Column("touch_id", Key),
    _word("step"),
    _text("brief"),
    Column("facts", JSON, nullable=False),
    Column("opened_at", Utc, nullable=False),
    Column("due_at", Utc, nullable=False),
    Column("done_at", Utc),
    _word("outcome"),
    _text("note"),
    _partial("ix_tasks_open", "due_at", where="done_at IS NULL"),
)

events = Table(
    "events",
    metadata,
    Column("id", Key, primary_key=True),
    Column("at", Utc, nullable=False),
    Column("prospect_id", Key, index=True),
    Column("enrolment_id", Key),
    Column("event", String(32), nullable=False),
    Column("data", JSON, nullable=False),
)
"""Append-only; a prospect's rows in order are the timeline."""

imports = Table(
    "imports",
    metadata,
    Column("id", Key, primary_key=True),
    Column("name", Text, nullable=False),
    Column("sha256", String(64), nullable=False),
    _word("sequence"),
    Column("state", String(12), nullable=False),
    Column("started_at", Utc, nullable=False),
    Column("finished_at", Utc),
    Column("counts", JSON, nullable=False),
    Column("notes", JSON, nullable=False),
    _number("reached"),
    UniqueConstraint("sha256", "sequence"),
)
"""``state``: ``staging activating active undoing undone given_up``; rows up to the place ``reached`` are real."""

import_verdicts = Table(
    "import_verdicts",
    metadata,
    Column("import_id", Key, primary_key=True, autoincrement=False),
    Column("line", Integer, primary_key=True, autoincrement=False),
    _word("verdict", 12),
    _text("reason"),
    sqlite_with_rowid=False,
)
"""What became of the rows of an import that fared otherwise than their own words said; dropped once its report is
written. The rows themselves wait in a spool (``import_spool``)."""

template_versions = Table(
    "template_versions",
    metadata,
    Column("version", String(64), primary_key=True),
    _word("name"),
    _text("source"),
    Column("seen_at", Utc, nullable=False),
)
