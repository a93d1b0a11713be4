"""What must hold between files: named templates and sequences exist, chains rest, windows open."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from cadenced.config import forms
from cadenced.config.forms import FormError
from cadenced.config.positions import Path
from cadenced.config.spelling import did_you_mean
from cadenced.config.table import Report
from cadenced.core.sequence import Goto, InviteStep, MailStep, Move, Sequence, Snooze, Step
from cadenced.library import loops


@dataclass(frozen=True, slots=True)
class Whole:
    """All sequences with the reports of their files, and the names of all files there are, broken ones included."""

    sequences: Mapping[str, Sequence]
    reports: Mapping[str, Report]
    sequence_names: Collection[str]
    template_names: Collection[str]
    timezone: str = "UTC"

    def check(self) -> None:
        """Put every mistake between the files into the report of the file where it can be cured."""
        for name, sequence in self.sequences.items():
            report = self.reports[name]
            self._targets(sequence, report)
            self._templates(sequence, report)
            self._windows(sequence, report)
        loops.check(self.sequences, self.reports)

    def _targets(self, sequence: Sequence, report: Report) -> None:
        ids = [step.id for step in sequence.steps]
        for path, kind, name in _targets(sequence):
            names = ids if kind == "step" else sorted(self.sequence_names)
            if name not in names:
                report.problem(path, f'there is no {kind} "{name}"', did_you_mean(name, names))

    def _templates(self, sequence: Sequence, report: Report) -> None:
        for step in sequence.steps:
            if isinstance(step, MailStep) and step.template and step.template not in self.template_names:
                cure = did_you_mean(step.template, sorted(self.template_names)) or f"create {step.template}.md"
                report.problem(_path(sequence, step), f'there is no template "{step.template}"', cure)

    def _windows(self, sequence: Sequence, report: Report) -> None:
        """Refuse what can never happen: a mail whose hours no window has."""
        for step in sequence.steps or (Step(""),):
            try:
                forms.opens_ever(sequence.window.narrowed(step.hours), self.timezone)
            except FormError as wrong:
                path = (*_path(sequence, step)[:-1], "hours") if step.hours else ("window",)
                report.problem(path, wrong.message, wrong.cure)
                return


def _path(sequence: Sequence, step: Step) -> Path:
    key = "template" if isinstance(step, InviteStep) else "email"
    return ("steps", sequence.steps.index(step), key)


def _targets(sequence: Sequence) -> Iterator[tuple[Path, str, str]]:
    """Yield where another sequence or step is named: the place, what it is, the name."""
    if sequence.then:
        yield ("then",), "sequence", sequence.then
    for verdict, reaction in sequence.on.items():
        path = ("on", verdict)
        match reaction:
            case Goto(step):
                yield path, "step", step
            case Move(name):
                yield path, "sequence", name
            case Snooze(then=name) if name:
                yield path, "sequence", name
