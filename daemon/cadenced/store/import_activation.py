"""The one transaction that makes an import real: people, accounts, enrolments and their timeline, all or nothing.

Set-based: new people cost a few statements for the whole file. Every step may run again: unique keys decide who is new,
and what was sent, answered or suppressed before keeps its state (RELIABILITY 2.4, I19).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Boolean, ColumnElement, Connection, and_, case, func, literal, or_, select, update

from cadenced.core.roster import Rules
from cadenced.store import import_known, import_plans, imports
from cadenced.store.schema import Utc, accounts, enrolments, events, import_rows, prospects, suppressions

_row = import_rows.c
_CACHE = 32 * 1024
_IMPORTS_LOCK = 0x63616465


def activate(tx: Connection, import_id: int, rules: Rules, now: datetime) -> Mapping[str, int]:
    """Make everything that is staged real; return how many rows fared how. Done already: nothing happens."""
    found = imports.get(tx, import_id)
    if found is None or found.state != "staging":
        return dict(found.counts) if found else {}
    _prepare(tx)
    chosen = and_(_row.import_id == import_id, _row.verdict == "enrolled")
    _set_suppressed_aside(tx, chosen)
    _recognise(tx, chosen)
    _refuse_without_sequence(tx, chosen, rules)
    _keep_the_first(tx, chosen)
    _add_accounts(tx, chosen)
    import_known.update(tx, import_known.Work(import_id, found.name, rules, now))
    import_plans.fill(tx, import_id, rules, now)
    _add_prospects(tx, and_(chosen, _row.prospect_id.is_(None)), rules, now)
    _enrol(tx, chosen, now)
    _tell(tx, import_id, found.name, now)
    import_plans.drop(tx)
    counts = imports.finish(tx, import_id, now)
    _restore(tx)
    return counts


def _prepare(tx: Connection) -> None:
    """Give the long transaction room; keep a second import out on a database with several writers."""
    if tx.dialect.name == "sqlite":
        tx.exec_driver_sql(f"PRAGMA cache_size = -{_CACHE}")
        return
    tx.execute(select(func.pg_advisory_xact_lock(_IMPORTS_LOCK)))
    tx.exec_driver_sql("ANALYZE import_rows")


def _restore(tx: Connection) -> None:
    if tx.dialect.name == "sqlite":
        tx.exec_driver_sql("PRAGMA cache_size = -2000")


def identity() -> ColumnElement[str]:
    """Return what makes two staged rows one person."""
    return func.coalesce(func.nullif(_row.untagged, ""), _row.email)


def _set_suppressed_aside(tx: Connection, chosen: ColumnElement[bool]) -> None:
    """Leave suppressed people out, whatever variant of the address the file has (I10)."""
    plain = select(suppressions.c.email)
    variants = select(suppressions.c.untagged).where(suppressions.c.untagged != "")
    found = or_(*(column.in_(listed) for column in (_row.email, _row.untagged) for listed in (plain, variants)))
    reason = "never to be written to"
    tx.execute(update(import_rows).where(chosen, found).values(verdict="suppressed", reason=reason))


def _recognise(tx: Connection, chosen: ColumnElement[bool]) -> None:
    """Link rows to people who are known: by the address first, else by what its variants have in common."""
    same = prospects.c.email == _row.email
    tx.execute(update(import_rows).where(chosen, same).values(prospect_id=prospects.c.id))
    base = select(func.min(prospects.c.id)).where(prospects.c.email == _row.untagged).scalar_subquery()
    variant = and_(prospects.c.untagged == identity(), prospects.c.untagged != "")
    tagged = select(func.min(prospects.c.id)).where(variant).scalar_subquery()
    untagged = select(prospects.c.untagged).where(prospects.c.untagged != "")
    alike = or_(_row.untagged != "", _row.email.in_(untagged))
    found = func.coalesce(base, tagged)
    tx.execute(update(import_rows).where(chosen, _row.prospect_id.is_(None), alike).values(prospect_id=found))


def _keep_the_first(tx: Connection, chosen: ColumnElement[bool]) -> None:
    """Of several rows of one person the first counts: the first with a sequence, where only some name one."""
    order = (case((_row.sequence == "", 1), else_=0), _row.line)
    first = func.first_value(_row.line).over(partition_by=identity(), order_by=order).label("first")
    seen = select(_row.import_id, _row.line, first).where(chosen).subquery()
    again = and_(_row.import_id == seen.c.import_id, _row.line == seen.c.line, seen.c.line != seen.c.first)
    reason = (
        literal("the same person as in line ")
        .concat(func.cast(seen.c.first, _row.email.type))
        .concat("; the first row counts")
    )
    tx.execute(update(import_rows).where(again).values(verdict="unchanged", reason=reason))


def _refuse_without_sequence(tx: Connection, chosen: ColumnElement[bool], rules: Rules) -> None:
    """Refuse new people without a next step, in all of their rows; of known ones, a row may just tell something new."""
    names = ", ".join(list(rules.sequences)[:12])
    reason = (
        "no sequence: fill a column sequence, drop the file into the folder of a sequence, or set default_sequence"
        + (f" (there is {names})" if names else "")
    )
    housed = select(identity()).where(chosen, _row.sequence != "").correlate(None)
    homeless = and_(_row.sequence == "", _row.prospect_id.is_(None), identity().not_in(housed))
    tx.execute(update(import_rows).where(chosen, homeless).values(verdict="rejected", reason=reason))


def _add_accounts(tx: Connection, chosen: ColumnElement[bool]) -> None:
    found = select(_row.account, func.min(_row.company)).where(chosen, _row.account != "").group_by(_row.account)
    statement = imports.insert_new(tx, accounts).from_select(["key", "name"], found)
    tx.execute(statement.on_conflict_do_nothing())


def _add_prospects(tx: Connection, chosen: ColumnElement[bool], rules: Rules, now: datetime) -> None:
    account = select(accounts.c.id).where(accounts.c.key == _row.account, _row.account != "").scalar_subquery()
    columns: dict[str, ColumnElement[Any]] = {
        "email": _row.email,
        "untagged": _row.untagged,
        "account_id": account,
        "mailbox": _row.mailbox,
        "timezone": import_plans.timezone(rules),
        "country": import_plans.country(rules),
        "language": _row.language,
        "stage": func.coalesce(func.nullif(_row.stage, ""), _stage(rules)),
        "role": _row.role,
        "next_step_at": _row.next_step_at,
        "fields": _row.fields,
        "created_at": literal(now, Utc),
        "import_id": _row.import_id,
    }
    people = select(*columns.values()).where(chosen).order_by(_row.line)
    tx.execute(imports.insert_new(tx, prospects).from_select(list(columns), people).on_conflict_do_nothing())


def _stage(rules: Rules) -> ColumnElement[str]:
    stages = {plan.name: plan.stage for plan in rules.sequences.values() if plan.stage}
    return case(stages, value=_row.sequence, else_="") if stages else literal("")


def _enrol(tx: Connection, chosen: ColumnElement[bool], now: datetime) -> None:
    """Enrol new people by their address and known ones by their id; who is in the sequence already stays as is."""
    for who in (
        and_(_row.prospect_id.is_(None), prospects.c.email == _row.email),
        prospects.c.id == _row.prospect_id,
    ):
        columns = _enrolment(now)
        people = select(*columns.values()).where(chosen, who, import_plans.matches()).order_by(_row.line)
        tx.execute(imports.insert_new(tx, enrolments).from_select(list(columns), people).on_conflict_do_nothing())


def _enrolment(now: datetime) -> dict[str, ColumnElement[Any]]:
    plan = import_plans.plans.c
    return {
        "prospect_id": prospects.c.id,
        "account_id": prospects.c.account_id,
        "mailbox": prospects.c.mailbox,
        "sequence": _row.sequence,
        "generation": literal(1),
        "state": plan.state,
        "step": plan.step,
        "due_at": plan.due_at,
        "anchor": literal(now, Utc),
        "lane": plan.lane,
        "fresh": literal(True, Boolean),
        "timezone": prospects.c.timezone,
        "country": prospects.c.country,
        "role": prospects.c.role,
        "done": literal([], JSON),
        "next_step_at": prospects.c.next_step_at,
        "enrolled_at": literal(now, Utc),
        "import_id": _row.import_id,
    }


def _tell(tx: Connection, import_id: int, name: str, now: datetime) -> None:
    """Write the timeline of those who came in: imported, then enrolled."""
    at, names = literal(now, Utc), ["at", "prospect_id", "enrolment_id", "event", "data"]
    came = and_(prospects.c.import_id == import_id, prospects.c.created_at == now)
    data = literal({"import": import_id, "file": name}, JSON)
    people = select(at, prospects.c.id, literal(None, events.c.enrolment_id.type), literal("imported"), data)
    tx.execute(events.insert().from_select(names, people.where(came).order_by(prospects.c.id)))
    begun = and_(enrolments.c.import_id == import_id, enrolments.c.enrolled_at == now)
    for sequence in tx.execute(select(enrolments.c.sequence).where(begun).distinct()).scalars().all():
        data = literal({"sequence": sequence, "import": import_id}, JSON)
        rows = select(at, enrolments.c.prospect_id, enrolments.c.id, literal("enrolled"), data)
        rows = rows.where(begun, enrolments.c.sequence == sequence).order_by(enrolments.c.id)
        tx.execute(events.insert().from_select(names, rows))
