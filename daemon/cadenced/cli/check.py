"""``cadenced check``: config, sequences, templates and wording, all problems at once, before anybody is written to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click
from rich.text import Text

from cadenced import config as configuration
from cadenced import library
from cadenced.cli import opening, screen
from cadenced.cli.printing import document, json_option
from cadenced.config import Config, secret
from cadenced.core.sequence import Sequence
from cadenced.errors import BrokenWorkspaceError, Problem
from cadenced.library import Library, folder, loading
from cadenced.wording import lint
from cadenced.wording.findings import ERROR, Finding
from cadenced.wording.settings import Settings


@click.command()
@json_option
def check(*, as_json: bool) -> int:
    """Check config, sequences, templates and wording, and say all that is wrong at once.

    Exit status 3 where nothing could run with it, 1 where the wording of a template would keep its mails back.
    """
    config = configuration.load(configuration.find(opening.config_path()))
    known, problems = _library(config)
    problems += _settings_problems(config)
    if problems:
        if as_json:
            document({"problems": [_problem(one) for one in problems], "warnings": [], "findings": []})
        raise BrokenWorkspaceError(problems)
    warnings = [*config.warnings, *known.warnings, *_missing_secrets(config)]
    findings = list(_findings(config, known))
    if as_json:
        document(
            {
                "problems": [],
                "warnings": [_problem(one) for one in warnings],
                "findings": [_finding(one) for one in findings],
            }
        )
    else:
        _print(config, known, warnings, findings)
    return 1 if any(one.severity == ERROR for one in findings) else 0


def _library(config: Config) -> tuple[Library, list[Problem]]:
    try:
        return library.load(library.shelves(config)), []
    except BrokenWorkspaceError as broken:
        return Library({}, {}), list(broken.problems)


def _settings_problems(config: Config) -> list[Problem]:
    try:
        Settings.from_table(config.lint)
    except ValueError as wrong:
        return [Problem(str(config.path), 0, 0, str(wrong))]
    return []


def _missing_secrets(config: Config) -> Iterator[Problem]:
    """Yield a warning for every secret that cannot be read from here; the daemon may see more than we do."""
    named = {str(one): one for box in config.mailboxes for one in box.secrets(config.grants)}
    yield from secret.missing(named.values())


def _findings(config: Config, known: Library) -> Iterator[Finding]:
    settings = Settings.from_table(config.lint)
    languages = {used: course.language for course in known.sequences.values() for used in _used(course)}
    letters = folder.read(config.daemon.templates, loading.TEMPLATES).sources
    for letter in letters:
        yield from lint.template(letter.text, letter.file, settings, languages.get(letter.name, ""))
    sources = {letter.name: letter.text for letter in letters}
    files = {path.stem: folder.shown(path) for path in known.files if path.suffix in loading.SEQUENCES}
    for name, course in known.sequences.items():
        yield from lint.sequence(course, sources, files.get(name, name), settings)


def _used(sequence: Sequence) -> Iterator[str]:
    for step in sequence.steps:
        template = getattr(step, "template", "")
        if template:
            yield template


def _problem(problem: Problem) -> dict[str, Any]:
    return {
        "file": problem.file,
        "line": problem.line,
        "column": problem.column,
        "message": problem.message,
        "cure": problem.cure,
    }


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "file": finding.file,
        "line": finding.line,
        "column": finding.column,
        "rule": finding.rule,
        "severity": finding.severity,
        "message": finding.message,
    }


def _print(config: Config, known: Library, warnings: list[Problem], findings: list[Finding]) -> None:
    for warning in warnings:
        screen.show(_line("warning", str(warning), "yellow"))
    for finding in findings:
        place = f"{finding.file}:{finding.line}:{finding.column}: {finding.rule}: {finding.message}"
        screen.show(_line(finding.severity, place, "bold red" if finding.severity == ERROR else "yellow"))
    if warnings or findings:
        screen.blank()
    screen.show(screen.facts(_summary(config, known)))
    errors = sum(finding.severity == ERROR for finding in findings)
    screen.blank()
    if errors:
        text = f"{screen.counted(errors, 'finding')} would keep mails back. cadenced rule CODE explains a rule."
        screen.show(screen.paragraph(text, style="bold red"))
        return
    noted = len(warnings) + len(findings)
    text = f"It works; {screen.counted(noted, 'remark')} above." if noted else "All well."
    screen.show(screen.paragraph(text, style="bold green"))


def _summary(config: Config, known: Library) -> Iterator[tuple[str, str]]:
    yield "config", folder.shown(config.path)
    yield "mailboxes", ", ".join(f"{box.name} <{box.address}>" for box in config.mailboxes) or "none"
    yield "sequences", f"{len(known.sequences)}: {', '.join(sorted(known.sequences))}"
    yield "templates", str(len(known.templates))


def _line(word: str, text: str, style: str) -> Text:
    return screen.item(Text(f"{word}: ", style=style), text)


COMMANDS = (check,)
