"""Sequences and templates from disk into one Library, checked as a whole: all of it is usable, or none."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from cadenced.config import Config, positions
from cadenced.config.spelling import did_you_mean
from cadenced.core.pacing import Window
from cadenced.core.sequence import Sequence
from cadenced.errors import BrokenWorkspaceError, Problem, TemplateError
from cadenced.library import fields, folder, sequences
from cadenced.library.admission import Admission
from cadenced.library.folder import Shelf
from cadenced.library.whole import Whole
from cadenced.writing.template import Template

SEQUENCES = (".yaml", ".yml")
TEMPLATES = (".md",)


@dataclass(frozen=True, slots=True)
class Shelves:
    """Where sequences and templates stand, and what they are read against.

    ``window`` and ``timezone`` are the workspace's. ``columns`` are the fields that prospects are known to have,
    None where any column may come. ``default_sequence`` is the configuration's, with the file that names it.
    """

    sequences: Path
    templates: Path
    window: Window = Window()
    timezone: str = "UTC"
    columns: Collection[str] | None = None
    default_sequence: str = ""
    config: Path = Path()


@dataclass(frozen=True, slots=True)
class Library:
    """All sequences and templates by name, checked together; ``files`` are the paths they came from."""

    sequences: Mapping[str, Sequence]
    templates: Mapping[str, Template]
    warnings: tuple[Problem, ...] = ()
    files: tuple[Path, ...] = ()


def shelves(config: Config) -> Shelves:
    """Return where a configuration keeps its sequences and templates."""
    daemon = config.daemon
    return Shelves(
        daemon.sequences,
        daemon.templates,
        config.window,
        daemon.timezone,
        default_sequence=daemon.default_sequence,
        config=config.path,
    )


def load(where: Shelves, admission: Admission | None = None) -> Library:
    """Read everything; BrokenWorkspaceError carries every problem. ``admission`` remembers what it has tried before."""
    texts, letters = folder.read(where.sequences, SEQUENCES), folder.read(where.templates, TEMPLATES)
    templates, refused = _templates(letters, admission or Admission())
    read = {source.name: sequences.read(source, where.window) for source in texts.sources}
    reports = {name: report for name, (_, report) in read.items()}
    found = {name: sequence for name, (sequence, _) in read.items() if sequence is not None}
    Whole(found, reports, texts.names, letters.names, where.timezone).check()
    unknown = fields.check(found, reports, letters.sources, templates, where.columns)
    problems = [*texts.problems, *letters.problems, *refused, *unknown.problems, *_default_sequence(where, texts.names)]
    problems += [problem for report in reports.values() for problem in report.problems]
    if problems:
        raise BrokenWorkspaceError(sorted(set(problems), key=_order))
    warnings = {*unknown.warnings, *(warning for report in reports.values() for warning in report.warnings)}
    files = tuple(source.path for source in (*texts.sources, *letters.sources))
    in_order = tuple(sorted(warnings, key=_order))
    return Library(MappingProxyType(found), MappingProxyType(templates), in_order, files)


def courses(where: Shelves) -> Mapping[str, Sequence]:
    """Return the sequences that can be read, unchecked and without templates: to look at dates, never to send."""
    read = {
        source.name: sequences.read(source, where.window)[0]
        for source in folder.read(where.sequences, SEQUENCES).sources
    }
    return {name: sequence for name, sequence in read.items() if sequence is not None}


def _order(problem: Problem) -> tuple[str, int, int, str]:
    return problem.file, problem.line, problem.column, problem.message


def _templates(letters: Shelf, admission: Admission) -> tuple[dict[str, Template], list[Problem]]:
    """Compile every template that a trial in a child process has shown to be harmless."""
    problems = admission.refusals(letters.sources)
    refused = {problem.file for problem in problems}
    found: dict[str, Template] = {}
    for source in letters.sources:
        if source.file not in refused:
            try:
                found[source.name] = admission.compiled(source)
            except TemplateError as wrong:
                problems.append(wrong.problem)
    return found, problems


def _default_sequence(where: Shelves, names: Collection[str]) -> list[Problem]:
    name = where.default_sequence
    if not name or name in names:
        return []
    cure = did_you_mean(name, sorted(names))
    line, column = _place(where.config)
    return [Problem(folder.shown(where.config), line, column, f'default_sequence: there is no sequence "{name}"', cure)]


def _place(config: Path) -> tuple[int, int]:
    """Return where the configuration names its default sequence; (0, 0) where it cannot be read any more."""
    try:
        found = positions.locate(config.read_text("utf-8", "replace")).get(("daemon", "default_sequence"))
    except OSError:
        return 0, 0
    return (found.value_line, found.value_column) if found else (0, 0)
