"""A file of scripted answers, YAML or CSV: every mistake at once, each with its line and its cure.

- {email: ann@acme.example, after: meeting-recap, verdict: reply.not_now, until: 60 days}
- {email: bob@acme.example, after: 2 days, text: "Yes, Tuesday is fine."}
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from cadenced.config.spelling import did_you_mean
from cadenced.core import address, pacing
from cadenced.core.pacing import Delay
from cadenced.core.sequence import Sequence as Plan
from cadenced.errors import AddressError, BrokenWorkspaceError, Problem, RefusedError
from cadenced.library import record
from cadenced.sandbox import phrases
from cadenced.sandbox.script import PATIENCE, Cue, Script

KEYS = ("email", "after", "text", "verdict", "from", "until", "language", "thread")
_LARGEST = 4 * 1024 * 1024
_FORM = 'write a list, such as: - {email: ann@acme.example, after: 2 days, text: "Yes, Tuesday."}'


@dataclass(slots=True)
class _Line:
    """One entry and where it stands; complaints are gathered."""

    file: str
    line: int
    values: Mapping[str, str]
    problems: list[Problem] = field(default_factory=list)

    def wrong(self, message: str, cure: str = "") -> None:
        self.problems.append(Problem(self.file, self.line, 0, message, cure))


def load(path: Path, sequences: Mapping[str, Plan]) -> Script:
    """Read a file; BrokenWorkspaceError carries every problem. ``sequences`` are those whose steps may be named."""
    raw = path.read_bytes()
    if len(raw) > _LARGEST:
        raise RefusedError(f"{path} is too large for a script of answers")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as wrong:
        raise RefusedError(f"{path} is not UTF-8 text") from wrong
    read = _rows if path.suffix.lower() in {".csv", ".tsv", ".txt"} else _entries
    return Script(_cues(list(read(text, str(path))), sequences))


def parse(entries: Sequence[Mapping[str, str]], file: str, sequences: Mapping[str, Plan]) -> Script:
    """Read entries that stand in memory; BrokenWorkspaceError carries every problem with the entry's number."""
    return Script(_cues([_Line(file, n, entry) for n, entry in enumerate(entries, start=1)], sequences))


def _cues(lines: Sequence[_Line], sequences: Mapping[str, Plan]) -> list[Cue]:
    steps = frozenset(step.id for sequence in sequences.values() for step in sequence.steps)
    cues = [_cue(line, steps) for line in lines]
    problems = [problem for line in lines for problem in line.problems]
    if problems:
        raise BrokenWorkspaceError(problems)
    return cues


def _rows(text: str, file: str) -> Iterator[_Line]:
    first = text.partition("\n")[0]
    separator = max(",;\t", key=first.count)
    reader = csv.DictReader(io.StringIO(text), delimiter=separator)
    for row in reader:
        values = {str(key).strip().lower(): value.strip() for key, value in row.items() if isinstance(value, str)}
        yield _Line(file, reader.line_num, {key: value for key, value in values.items() if value})


def _entries(text: str, file: str) -> Iterator[_Line]:
    try:
        found, report = record.parse(text, file)
    except record.YamlError as wrong:
        raise BrokenWorkspaceError([wrong.problem]) from wrong
    if report.problems:
        raise BrokenWorkspaceError(report.problems)
    if not isinstance(found, list):
        raise BrokenWorkspaceError([Problem(file, 1, 0, "this is not a list of answers", _FORM)])
    for n, entry in enumerate(found):
        number = report.at((n,), "").line
        if not isinstance(entry, dict):
            raise BrokenWorkspaceError([Problem(file, number, 0, "this is not an answer", _FORM)])
        yield _Line(file, number, {key: value for key, value in entry.items() if isinstance(value, str)})


def _cue(line: _Line, steps: frozenset[str]) -> Cue:
    values = line.values
    for key in values.keys() - set(KEYS):
        line.wrong(f"unknown key {key}", did_you_mean(key, KEYS))
    step, delay = _after(line, values.get("after", ""), steps)
    return Cue(
        email=_address(line, "email"),
        verdict=_verdict(line, values.get("verdict", "")),
        step=step,
        delay=delay,
        text=values.get("text", ""),
        sender=_address(line, "from") if "from" in values else "",
        until=_until(line, values.get("until", "")),
        language=values.get("language", "en"),
        new_thread=values.get("thread") == "new",
    )


def _address(line: _Line, key: str) -> str:
    try:
        return address.normalise(line.values.get(key, ""))
    except AddressError as wrong:
        line.wrong(f"{key}: {wrong}")
        return ""


def _verdict(line: _Line, word: str) -> str:
    """Return the verdict meant by ``word``, which may lack its family; words of their own are a person's."""
    known = phrases.verdicts()
    found = next((name for name in known if word.lower() in {name, name.partition(".")[2]}), "")
    if found:
        return found
    if word:
        line.wrong(f"verdict: {word} is none that can be played", did_you_mean(word, known))
    elif not line.values.get("text"):
        line.wrong("an answer needs a text, or a verdict whose usual words are taken", _FORM)
    return "reply.unclear"


def _after(line: _Line, text: str, steps: frozenset[str]) -> tuple[str, Delay]:
    """Read ``STEP``, ``2 days`` or ``STEP + 2 days``."""
    step, plus, span = (part.strip() for part in text.partition("+"))
    if not text or (step in steps and not plus):
        return step, PATIENCE
    if not plus:
        step, span = "", text
    elif step not in steps:
        line.wrong(f"after: there is no step {step}", did_you_mean(step, sorted(steps)))
    try:
        return step, pacing.parse_delay(span)
    except ValueError:
        cure = did_you_mean(text, sorted(steps)) or "write a step, or a span such as 2 days"
        line.wrong(f"after: {text} is neither a step nor a span", cure)
        return step, PATIENCE


def _until(line: _Line, text: str) -> date | Delay | None:
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        pass
    try:
        return pacing.parse_delay(text)
    except ValueError:
        line.wrong(f"until: {text} is neither a day nor a span", "write 2027-03-01, or 60 days")
        return None
