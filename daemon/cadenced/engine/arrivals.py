"""A mail as it arrives: read once, judged, attributed to a prospect, and acted upon, all in one transaction."""

from __future__ import annotations

import hashlib
import logging
import re
from dataclasses import dataclass, replace
from datetime import timedelta

from sqlalchemy import Connection
from sqlalchemy.exc import InterfaceError, InternalError, OperationalError

from cadenced.core import address, events
from cadenced.core.model import Prospect, State, TouchState
from cadenced.engine import answers, copies, doubts, moves, restored_copies
from cadenced.engine.answers import Taken
from cadenced.engine.register import StoreRegister
from cadenced.engine.workspace import Workspace
from cadenced.errors import InboundError
from cadenced.ports import Fetched
from cadenced.reading import attribution, inbound, verdict
from cadenced.reading.attribution import Attribution
from cadenced.reading.inbound import Inbound
from cadenced.reading.verdict import Verdict
from cadenced.store import enrolments, inbox, people, tasks, timeline, touches
from cadenced.store.inbox import Read

log = logging.getLogger(__name__)

RAW_KEPT = 8_000_000
"""Bytes of a mail that are kept; a longer one is acted upon, but cannot be read again by ``reclassify``."""

_OPT_OUT = re.compile(r"\bunsubscribe\s+([a-z2-7]{26})\b", re.IGNORECASE)
_TOKEN = re.compile(rb"\b[a-z2-7]{26}\b")
_UNSENT = frozenset(
    {TouchState.PLANNED, TouchState.CLAIMED, TouchState.CANCELLED, TouchState.UNKNOWN, TouchState.IN_DOUBT}
)
"""What a copy of it in a folder refutes; an armed touch is about to hear from the server itself."""
_SURE = ("thread", "returned message", "opt-out link")


@dataclass(frozen=True, slots=True)
class Arrived:
    """One mail in one folder of one mailbox."""

    mailbox: str
    folder: str
    mail: Fetched


@dataclass(frozen=True, slots=True)
class _Understood:
    """A mail with what was made of it."""

    where: Arrived
    message: Inbound
    judged: Verdict

    @property
    def digest(self) -> str:
        return digest(self.message, self.where.mail.raw)


def absorb(tx: Connection, workspace: Workspace, arrived: Arrived) -> bool:
    """Take one mail to heart; returns True for a copy of our own mail that belongs into the Sent folder.

    Whatever a mail makes of our own code, it stops its author's enrolments at most, and never the watcher (I18).
    """
    try:
        with tx.begin_nested():
            return _absorb(tx, workspace, arrived)
    except (OperationalError, InterfaceError, InternalError):  # the database failed, not the mail
        raise
    except Exception as fault:  # noqa: BLE001 - strangers write these bytes; a fault of ours must not end the daemon
        kind = type(fault).__name__
        log.error("mail not understood", extra={"folder": arrived.folder, "uid": arrived.mail.uid, "fault": kind})  # noqa: TRY400 - a traceback may quote the mail
        _unreadable(tx, workspace, arrived, f"it led to a fault of cadenced: {kind}")
        return False


def _absorb(tx: Connection, workspace: Workspace, arrived: Arrived) -> bool:
    raw = arrived.mail.raw
    try:
        message = inbound.parse(raw)
    except InboundError as fault:
        _unreadable(tx, workspace, arrived, str(fault))
        return False
    if message.author in workspace.own_addresses and not _is_report(message):
        return _own(tx, workspace, arrived, message)
    if not inbox.is_known(tx, arrived.mailbox, digest(message, raw)):
        _understand(tx, workspace, arrived, message)
    return False


def digest(message: Inbound | None, raw: bytes) -> str:
    """Return what makes a mail count once, in whichever folder it lies: its Message-ID with its author and date.

    The Message-ID alone does not do: there are mail programs that use one twice.
    """
    if message is None or not message.message_id:
        return hashlib.sha256(raw).hexdigest()
    marks = (message.message_id, message.author, message.headers.get("date"))
    return hashlib.sha256("\0".join(marks).encode("utf-8", "replace")).hexdigest()


def _understand(tx: Connection, workspace: Workspace, arrived: Arrived, message: Inbound) -> None:
    register = StoreRegister(tx, workspace)
    judged = verdict.judge(message, None if message.date else workspace.now())
    found = _by_opt_out_link(message, register)
    if found is not None:
        judged = replace(judged, kind="reply.unsubscribe", evidence=("the opt-out link of our own mail",))
    else:
        found = attribution.attribute(message, judged, register)
    understood = _Understood(arrived, message, judged)
    if found is None or _before_our_time(tx, understood, found):
        _stranger(tx, workspace, understood)
    else:
        _take(tx, workspace, understood, found)


def _is_report(message: Inbound) -> bool:
    """Whether a mail from our own address is a server's report about one of ours, not our own words."""
    return message.content_type == "multipart/report" or message.return_path == ""


def _own(tx: Connection, workspace: Workspace, arrived: Arrived, message: Inbound) -> bool:
    """Take our own mail for what it is: never a reply; a copy that a server filed proves that its touch was sent."""
    ref = restored_copies.reference_of(message)
    touch = copies.note(tx, workspace, ref, message, arrived.mail.received_at) if ref else None
    if touch is None:
        whose = restored_copies.take(tx, workspace, arrived.mailbox, arrived.folder, (message, arrived.mail))
        if not whose:
            _written_by_hand(tx, workspace, arrived, message)
        return whose == "ours"
    if touch.state in _UNSENT:
        doubts.settle_as_sent(tx, workspace, touch, f"a copy of it lies in {arrived.folder}")
    return True


def _written_by_hand(tx: Connection, workspace: Workspace, arrived: Arrived, message: Inbound) -> None:
    """Let a mail that the human wrote from their own program count as a touch: the next step keeps its distance."""
    mark = digest(message, arrived.mail.raw)
    if inbox.is_known(tx, arrived.mailbox, mark):
        return
    now = workspace.now()
    written = min(message.date or arrived.mail.received_at or now, now)
    inbox.add(tx, Read(arrived.mailbox, mark, arrived.folder, arrived.mail.uid, now, how="written by hand"))
    named = {one.address.lower() for one in (*message.to, *message.cc)}
    for prospect in people.of_addresses(tx, named):
        timeline.note(tx, now, "written_by_hand", prospect.id, subject=message.subject)
        for enrolment in enrolments.of_prospect(tx, prospect.id):  # a halted one, too: it may be taken up again
            moves.move(tx, workspace, enrolment, events.WrittenByHand(written))


def _by_opt_out_link(message: Inbound, register: StoreRegister) -> Attribution | None:
    """Return whose touch an opt-out names: the link below each mail puts its reference into the subject."""
    named = _OPT_OUT.search(message.subject)
    found = register.sent((), (named[1].lower(),)) if named else ()
    return Attribution(found[0].prospect, found[0].enrolment, found[0].touch, "opt-out link", False) if found else None


def _before_our_time(tx: Connection, understood: _Understood, found: Attribution) -> bool:
    """Whether a mail that only its address attributes is older than anything we have to do with its author."""
    moments = [moment for moment in (understood.message.date, understood.where.mail.received_at) if moment]
    if not moments or found.how.startswith(_SURE):
        return False
    begun = enrolments.first_enrolled_at(tx, found.prospect)
    return begun is not None and max(moments) < begun - timedelta(days=1)  # a clock of theirs may be wrong; ours is not


def _take(tx: Connection, workspace: Workspace, understood: _Understood, found: Attribution) -> None:
    judged = understood.judged
    _keep(tx, workspace, understood, found)
    _proves(tx, workspace, found)
    if judged.kind == "unrelated":
        return
    named = judged.referral
    taken = Taken(
        verdict=judged.kind,
        until=judged.until,
        referral=" ".join(filter(None, (named.name, named.address))) if named else "",
        subject=understood.message.subject,
        text=judged.reply_text,
        status=judged.status,
        explanation=judged.explanation,
        how=found.how,
        evidence=judged.evidence,
        touch=found.touch,
        mailbox=understood.where.mailbox,
        facts={"from": understood.message.author} if found.flagged else {},
    )
    answers.take(tx, workspace, people.get(tx, found.prospect), taken)
    if taken.by_a_person:
        _take_for_author(tx, workspace, understood, found, taken)


def _take_for_author(
    tx: Connection, workspace: Workspace, understood: _Understood, found: Attribution, taken: Taken
) -> None:
    """Let an answer in somebody else's thread count for its author too, whose address we write to as well."""
    author = understood.message.author
    for other in people.of_addresses(tx, {author, address.identity(author)} if author else ()):
        if other.id != found.prospect:
            answers.take(tx, workspace, other, replace(taken, touch=None, how="answered in another thread"))
    if taken.verdict == "reply.unsubscribe" and author:
        people.suppress(tx, author, taken.verdict, workspace.now())


def _proves(tx: Connection, workspace: Workspace, found: Attribution) -> None:
    """Settle a doubt by what came back: an answer that names a touch proves that it was sent."""
    touch = touches.get(tx, found.touch) if found.touch is not None else None
    if touch is not None and touch.state in {TouchState.UNKNOWN, TouchState.IN_DOUBT}:
        doubts.settle_as_sent(tx, workspace, touch, "an answer refers to it")


def _stranger(tx: Connection, workspace: Workspace, understood: _Understood) -> None:
    """Note a mail that concerns nobody we write to; only an opt-out counts from whoever sends it."""
    author = understood.message.author
    if understood.judged.kind == "reply.unsubscribe" and author:
        people.suppress(tx, author, "reply.unsubscribe", workspace.now())
    seen = replace(understood, judged=replace(understood.judged, kind="unrelated"))
    _keep(tx, workspace, seen, None)


def _keep(tx: Connection, workspace: Workspace, understood: _Understood, found: Attribution | None) -> None:
    where, message, judged = understood.where, understood.message, understood.judged
    raw = where.mail.raw if found is not None and len(where.mail.raw) <= RAW_KEPT else None
    read = Read(
        mailbox=where.mailbox,
        digest=understood.digest,
        folder=where.folder,
        uid=where.mail.uid,
        seen_at=workspace.now(),
        sent_at=message.date,
        message_id=message.message_id[:255],
        header_from=message.author[:320],
        subject=message.subject[:500],
        verdict=judged.kind,
        classifier=judged.classifier,
        prospect_id=found.prospect if found else None,
        enrolment_id=found.enrolment if found else None,
        touch_id=found.touch if found else None,
        how=found.how[:40] if found else "",
        until=judged.until.isoformat() if judged.until else "",
        reply_text=judged.reply_text[:20_000] if found else "",
        evidence=judged.evidence[:10],
        raw=raw,
    )
    inbox.add(tx, read)


def _unreadable(tx: Connection, workspace: Workspace, arrived: Arrived, fault: str) -> None:
    """Hold whoever is named in bytes that are no message: it might be an answer, and silence is the safe side."""
    raw = arrived.mail.raw
    mark = digest(None, raw)
    if inbox.is_known(tx, arrived.mailbox, mark):
        return
    now = workspace.now()
    inbox.add(tx, Read(arrived.mailbox, mark, arrived.folder, arrived.mail.uid, now, evidence=(fault,)))
    for prospect in _named_in(tx, arrived.mailbox, raw.lower()):
        brief = f"A mail in {arrived.folder} names {prospect.email} and cannot be read ({fault}). Look at it by hand."
        for enrolment in enrolments.of_prospect(tx, prospect.id, live=True):
            task = tasks.NewTask("answer", brief, now, prospect.id, enrolment.id)
            task_id = tasks.add(tx, task, now)
            timeline.note_of(tx, now, "task_opened", enrolment, task=task_id, kind="answer", brief=brief)
            if enrolment.state is not State.PAUSED:  # which is held by the task when it wakes
                moves.move(tx, workspace, enrolment, events.TaskOpened(now, "", now, f"task {task_id}: {brief}"))


def _named_in(tx: Connection, mailbox: str, lowered: bytes) -> list[Prospect]:
    """Return the prospects whose address, or the reference of whose touch, stands in the bytes of a mail."""
    tokens = {token.decode() for token in _TOKEN.findall(lowered[:200_000])[:200]}
    ours = {touch.prospect for touch in touches.known(tx, (), tokens)} if tokens else set()
    named = [one for one in inbox.addresses_of_mailbox(tx, mailbox) if one.encode() in lowered]
    found = {prospect.id: prospect for prospect in people.among(tx, named[:20])}
    return [*found.values(), *(people.get(tx, one) for one in sorted(ours - found.keys()))]
