"""A 5yz in the middle of a submission: the same reading, and the same effects, as a bounce that comes back later."""

from __future__ import annotations

from sqlalchemy import Connection

from cadenced.core.model import Enrolment
from cadenced.engine import answers
from cadenced.engine.answers import Taken
from cadenced.engine.workspace import Workspace
from cadenced.store import people


def read(text: str, mailbox: str, touch: int | None = None) -> Taken:
    """Return what a server's refusal says of the address (or, ``bounce.blocked``, of us)."""
    from cadenced.reading import bounce_advice, bounce_diagnosis  # noqa: PLC0415 - most mail is taken

    found = bounce_diagnosis.judge([text])
    kind, status = found.kind, found.status
    return Taken(
        verdict=f"bounce.{kind}",
        status=status,
        text=text,
        explanation=bounce_advice.explain(status, text) if kind == "blocked" else "",
        how="refused while sending",
        touch=touch,
        mailbox=mailbox,
    )


def exhausted(text: str, mailbox: str, touch: int) -> Taken:
    """Return what it means that a server has postponed a message for days: a soft bounce."""
    return Taken("bounce.soft", text=text, how="postponed for too long", touch=touch, mailbox=mailbox)


def take(tx: Connection, workspace: Workspace, enrolment: Enrolment, refusal: Taken) -> None:
    """Act on a refusal as on a bounce."""
    answers.take(tx, workspace, people.get(tx, enrolment.prospect), refusal)
