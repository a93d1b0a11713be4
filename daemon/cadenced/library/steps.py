"""The ``steps`` of a sequence: mails, invitations, tasks and waits, each with an id that stays."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from cadenced.config import forms
from cadenced.config.forms import FormError
from cadenced.config.spelling import did_you_mean
from cadenced.config.table import Report
from cadenced.core.pacing import Delay
from cadenced.core.sequence import EmailStep, InviteStep, MailStep, Step, TaskStep, WaitStep
from cadenced.errors import Problem
from cadenced.library.record import Record

KINDS = ("email", "task", "invite", "wait")
_FIELD = re.compile(r"[^\W\d]\w{0,63}")
_NOT_A_NAME = re.compile(r"[^a-z0-9_-]+")
_MOST_STEPS = 200


def read(values: object, report: Report) -> tuple[Step, ...]:
    """Read the list ``steps``; what is wrong in it goes to the report, and something keeps a broken step's place."""
    if not isinstance(values, list) or not values:
        found = "is missing" if values is None else "is empty" if values == [] else f"is {forms.kind(values)}"
        report.problem(("steps",), f"a sequence needs a list of steps, and this one {found}", "- email: TEMPLATE")
        return ()
    if len(values) > _MOST_STEPS:
        report.problem(("steps",), f"a sequence has at most {_MOST_STEPS} steps")
        return ()
    steps = [_step(n, values, report) or Step(f"?{n}") for n in range(len(values))]
    return _identified(steps, report)


def _step(n: int, values: list[object], report: Report) -> Step | None:
    value, path = values[n], ("steps", n)
    if not isinstance(value, dict):
        report.problem(path, f"step {n + 1} must be a table and is {forms.kind(value)}", "- email: TEMPLATE")
        return None
    kinds = [kind for kind in KINDS if kind in value]
    if len(kinds) == 1:
        thread = "continue" if any(_is_mail(before) for before in values[:n]) else "new"
        return _of_kind(kinds[0], Record(value, path, report, f"step {n + 1} ({kinds[0]})"), thread)
    if kinds:
        report.problem(path, f"step {n + 1} is {' and '.join(kinds)} at once", "make them two steps")
    else:
        cure = next((did_you_mean(key, KINDS) for key in value if "mean" in did_you_mean(key, KINDS)), "")
        report.problem(path, f"step {n + 1} is none of {', '.join(KINDS)}", cure or "begin it with one of them")
    return None


def _is_mail(value: object) -> bool:
    return isinstance(value, dict) and ("email" in value or "invite" in value)


def _of_kind(kind: str, record: Record, thread: str) -> Step:
    line = record.report.at((*record.path, kind), "", key=True).line
    common: dict[str, Any] = {
        "id": record.read("id", forms.name, ""),
        "after": record.read("after", forms.delay, Delay()),
        "purpose": record.read("purpose", forms.text, ""),
        "hours": record.read("hours", forms.hours, None),
        "to": record.read("to", forms.word(("all", "primary", "others")), "all"),
        "line": line,
    }
    if kind not in record:
        record.report.problem((*record.path, kind), f"{kind} needs something behind it", f"such as {_EXAMPLES[kind]}")
    if kind in {"email", "invite"}:  # the first mail of a sequence begins a conversation, the others continue it
        common["new_thread"] = record.read("thread", forms.word(("continue", "new")), thread) == "new"
        common["late"] = record.read("late", forms.word(("send", "skip", "hold")), "")
    step = _READERS[kind](record, common)
    record.close()
    return step


def _email(record: Record, common: Mapping[str, Any]) -> Step:
    return EmailStep(**common, template=record.read("email", forms.name, ""))


def _invite(record: Record, common: Mapping[str, Any]) -> Step:
    return InviteStep(
        **common,
        minutes=record.read("invite", _minutes, 30),
        template=record.need("template", forms.name, ""),
        at=record.read("at", _field, "next_step_at"),
    )


def _task(record: Record, common: Mapping[str, Any]) -> Step:
    return TaskStep(**common, kind=record.read("task", _short, "call"), brief=record.read("brief", forms.prose, ""))


def _minutes(value: object) -> int:
    length = forms.span(timedelta(minutes=5), timedelta(days=1))(value)
    return round(length.total_seconds() / 60)


def _field(value: object) -> str:
    given = forms.filled(value)
    if not _FIELD.fullmatch(given):
        raise FormError(f'"{given[:80]}" is not the name of a field', "such as next_step_at")
    return given


def _short(value: object) -> str:
    given = forms.filled(value)
    if len(given) > 60:
        raise FormError("a task's name is a word or two", "put the rest into brief: …")
    return given


def _some(value: object) -> Delay:
    if not (delay := forms.delay(value)).amount:
        raise FormError("a wait must be longer than nothing", "such as 10 days")
    return delay


def _wait(record: Record, common: Mapping[str, Any]) -> Step:
    return WaitStep(**common, span=record.read("wait", _some, Delay()))


_READERS: Mapping[str, Callable[[Record, Mapping[str, Any]], Step]] = {
    "email": _email,
    "invite": _invite,
    "task": _task,
    "wait": _wait,
}
_EXAMPLES = {
    "email": "email: proposal-recap",
    "invite": "invite: 30 min",
    "task": "task: call",
    "wait": "wait: 10 days",
}


def _identified(steps: list[Step], report: Report) -> tuple[Step, ...]:
    """Give every step its id: the one it has, else its template's or task's name, numbered when repeated."""
    own = [step.id for step in steps if step.id]
    for n, step in enumerate(steps):
        if step.id and step.id in [before.id for before in steps[:n]]:
            problem = Problem(report.file, step.line, 0, f'two steps have the id "{step.id}"', "each needs its own")
            report.problems.append(problem)
    taken, found = set(own), []
    for step in steps:
        named = step if step.id else replace(step, id=_free(_usual_id(step), taken))
        taken.add(named.id)
        found.append(named)
    return tuple(found)


def _usual_id(step: Step) -> str:
    if isinstance(step, TaskStep):
        return _NOT_A_NAME.sub("-", step.kind.lower()).strip("-")[:56] or "task"
    return step.template if isinstance(step, MailStep) and step.template else "wait"


def _free(wanted: str, taken: set[str]) -> str:
    count = 1
    while (candidate := wanted if count == 1 else f"{wanted}-{count}") in taken:
        count += 1
    return candidate
