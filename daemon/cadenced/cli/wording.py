"""The commands about wording: lint templates and sequences, measure a voice, explain a rule."""

from __future__ import annotations

import json
import os
import sys
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cadenced.cli import program
from cadenced.errors import BrokenWorkspaceError, CadencedError, Problem

if TYPE_CHECKING:  # the linter is loaded by the commands that need it
    from cadenced.core.sequence import Sequence
    from cadenced.wording.findings import Finding
    from cadenced.wording.settings import Settings
    from cadenced.wording.voice import Balance

_FORMATS = ("text", "line", "json", "sarif", "github", "junit")
_TEMPLATES = (".md", ".markdown")
_SEQUENCES = (".yaml", ".yml")
_STDIN = "-"
_COLOURS = {"self": "red", "joint": "yellow", "you": "green"}
_PATHS = click.Path(exists=True, allow_dash=True)


def _spoken(_: click.Context, __: click.Parameter, code: str) -> str:
    """Refuse a language that there are no words of."""
    from cadenced.wording import language as languages  # noqa: PLC0415 - it loads word lists

    if code and not languages.code_of(code):
        raise click.BadParameter(f"'{code}' is not a language known here: {', '.join(languages.NAMES)}")
    return code


@click.command("lint")
@click.argument("paths", nargs=-1, type=_PATHS, metavar="FILE|DIR|-...")
@click.option("--format", "form", type=click.Choice(_FORMATS), default="text", show_default=True, help="How to print.")
@click.option("--fix", is_flag=True, help="Write the cures that are certain into the files.")
@click.option("--watch", is_flag=True, help="Lint again whenever a file changes.")
@click.option(
    "--language",
    default="",
    metavar="CODE",
    callback=_spoken,
    help="The language of texts that name none (en, fr, de, nl…).",
)
def lint(paths: tuple[str, ...], form: str, fix: bool, watch: bool, language: str) -> None:
    """Check the wording of templates, and of sequences as a whole.

    Without a path the workspace is linted. Exit status 1 where a finding of severity error stands.
    """
    if watch and _STDIN in paths:
        raise click.UsageError("--watch needs files, not standard input")
    names = paths or (str(_root()),)
    failed = _lint_once(names, form, fix, language)
    if watch:
        _lint_again(names, form, fix, language)
    click.get_current_context().exit(1 if failed else 0)


@click.command("voice")
@click.argument("path", type=_PATHS, metavar="FILE|-")
@click.option(
    "--language", default="", metavar="CODE", callback=_spoken, help="The text's language; else it is detected."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def voice(path: str, language: str, as_json: bool) -> None:
    """Show whether a text speaks of its reader or of its writer."""
    from cadenced.wording import voice as voices  # noqa: PLC0415 - it loads word lists

    text = _text(path)
    balance = voices.measure_message(text, language)
    click.echo(json.dumps(_object(balance), ensure_ascii=False) if as_json else _drawn(text, balance))


@click.command("rule")
@click.argument("code", required=False, metavar="[CODE]")
def rule(code: str | None) -> None:
    """Explain a rule of wording with its examples; without CODE list them all."""
    from cadenced.wording import pages, rules  # noqa: PLC0415 - it loads every rule

    if code is None:
        width = max(map(len, rules.BY_CODE))
        click.echo("\n".join(f"{one.code:<{width}}  {one.severity:<7}  {one.title}" for one in rules.ALL))
        return
    if code not in rules.BY_CODE:
        from cadenced.config.spelling import did_you_mean  # noqa: PLC0415 - only for a mistake

        raise click.BadParameter(f"there is no rule '{code}'; {did_you_mean(code, rules.BY_CODE)}")
    click.echo(pages.rule_page(code), nl=False)


COMMANDS: tuple[click.Command, ...] = (lint, voice, rule)


def _lint_once(names: tuple[str, ...], form: str, fix: bool, language: str) -> bool:
    """Lint, mend where asked, print; return whether an error stands."""
    from cadenced.wording import formats  # noqa: PLC0415 - it loads every rule

    chosen = settings()
    sources, courses = _gathered(names)
    languages = {template: course.language for course, _ in courses.values() for template in _templates_of(course)}
    findings: list[Finding] = []
    for name, source in sources.items():
        known = languages.get(Path(name).stem, "") or language
        findings += _lint_template(name, source, chosen, known, fix=fix)
    for name, (course, texts) in courses.items():
        findings += _lint_sequence(name, course, texts, chosen)
    shown = sources | {name: _text(name) for name in courses}
    if fix:
        shown |= {name: _text(name) for name in sources if name != _STDIN}
    click.echo(formats.render(form, findings, shown), nl=False)
    return any(finding.severity == "error" for finding in findings)


def _lint_template(name: str, source: str, settings: Settings, language: str, *, fix: bool) -> tuple[Finding, ...]:
    from cadenced.wording import fixes, lint as linter  # noqa: PLC0415, I001 - it loads every rule

    found = linter.template(source, name, settings, language)
    mended = fixes.apply(source, found) if fix else source
    if mended == source:
        return found
    if name == _STDIN:
        raise click.UsageError("--fix needs files, not standard input")
    Path(name).write_text(mended, encoding="utf-8", newline="")
    return linter.template(mended, name, settings, language)


def _lint_sequence(name: str, course: Sequence, texts: Mapping[str, str], settings: Settings) -> tuple[Finding, ...]:
    from cadenced.wording import lint as linter  # noqa: PLC0415 - it loads every rule

    return linter.sequence(course, texts, name, settings)


def _lint_again(names: tuple[str, ...], form: str, fix: bool, language: str) -> None:
    from watchfiles import watch  # noqa: PLC0415 - only --watch needs it

    for changes in watch(*names):
        if any(Path(path).suffix in (*_TEMPLATES, *_SEQUENCES, ".toml") for _, path in changes):
            click.clear()
            try:
                _lint_once(names, form, fix, language)
            except CadencedError as error:  # half a file is no reason to stop watching
                click.echo(str(error), err=True)


_Courses = dict[str, tuple["Sequence", dict[str, str]]]


def _gathered(names: tuple[str, ...]) -> tuple[dict[str, str], _Courses]:
    """Return template sources and sequences (each with its templates' sources) by file name."""
    sources: dict[str, str] = {}
    courses: _Courses = {}
    for name in names:
        for path in _files(name):
            if path.suffix.lower() in _SEQUENCES and str(path) != _STDIN:
                course = _sequence(path)
                if course is not None:
                    courses[str(path)] = (course, _sources_of(course, path))
            else:
                sources[str(path)] = _text(str(path))
    return sources, courses


def _files(name: str) -> Iterator[Path]:
    root = Path(name)
    if name == _STDIN or root.is_file():
        yield root
        return
    if (root / "cadenced.toml").is_file():
        table = _toml(root / "cadenced.toml").get("daemon", {})
        for kind in ("templates", "sequences"):
            below = root / str(table.get(kind, kind))
            yield from _below(below) if below.is_dir() else ()
        return
    yield from _below(root)


def _below(root: Path) -> Iterator[Path]:
    for path in sorted(root.rglob("*")):
        hidden = any(part.startswith(".") for part in path.relative_to(root).parts)
        if path.suffix.lower() in (*_TEMPLATES, *_SEQUENCES) and not hidden and path.stem.lower() != "readme":
            yield path


def _sequence(path: Path) -> Sequence | None:
    """Read a sequence; None where the YAML is something else. BrokenWorkspaceError carries what is wrong with it."""
    from cadenced.core.pacing import Window  # noqa: PLC0415 - only sequences need it
    from cadenced.library import folder, sequences  # noqa: PLC0415 - only sequences need it

    text = _text(str(path))
    if "steps" not in text:
        return None
    course, report = sequences.read(folder.Source(path.stem, str(path), path, text, ""), Window())
    if course is None or report.problems:
        raise BrokenWorkspaceError(report.problems)
    return course


def _templates_of(course: Sequence) -> list[str]:
    return [step.template for step in course.steps if hasattr(step, "template")]


def _sources_of(course: Sequence, path: Path) -> dict[str, str]:
    """Return the sources of a sequence's templates, from the workspace's folder or the one beside the sequences."""
    folders = (path.parent.parent / "templates", path.parent / "templates", path.parent, _root() / "templates")
    found = {}
    for name in _templates_of(course):
        file = next((one for below in folders if (one := below / f"{name}.md").is_file()), None)
        if file is not None:
            found[name] = _text(str(file))
    return found


def _text(name: str) -> str:
    """Read a file or standard input as UTF-8."""
    raw: bytes = sys.stdin.buffer.read() if name == _STDIN else Path(name).read_bytes()
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as wrong:
        line = raw.count(b"\n", 0, wrong.start) + 1
        raise BrokenWorkspaceError([Problem(name, line, 0, "is not UTF-8 text", "save it as UTF-8")]) from wrong


def _config() -> Path | None:
    context = click.get_current_context(silent=True)
    named = context.meta.get(program.CONFIG) if context else None
    named = named or os.environ.get("CADENCED_CONFIG")
    if named:
        path = Path(named)
        return path / "cadenced.toml" if path.is_dir() else path
    return next((path for path in (Path("cadenced.toml"), Path("/etc/cadenced/cadenced.toml")) if path.is_file()), None)


def _root() -> Path:
    """Return the workspace's folder, the current one where there is no workspace."""
    path = _config()
    return path.parent if path else Path()


def _toml(path: Path) -> Mapping[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as wrong:
        raise BrokenWorkspaceError([Problem(str(path), 0, 0, f"cannot be read: {wrong}")]) from wrong


def settings() -> Settings:
    """Return what the workspace's `[lint]` says, with its postal address; the defaults where there is none."""
    from cadenced.wording.settings import DEFAULTS, Settings  # noqa: PLC0415 - it loads every rule

    path = _config()
    if path is None:
        return DEFAULTS
    values = _toml(path)
    address = str(values.get("daemon", {}).get("postal_address", ""))
    try:
        return Settings.from_table({"postal_address": address, **values.get("lint", {})})
    except ValueError as wrong:
        raise BrokenWorkspaceError([Problem(str(path), 0, 0, str(wrong))]) from wrong


def _object(balance: Balance) -> dict[str, object]:
    """Return a balance as `--json` prints it."""
    return {
        "self": balance.self,
        "joint": balance.joint,
        "you": balance.you,
        "share": balance.share,
        "words": balance.words,
        "spans": [span._asdict() for span in balance.spans],
    }


def _drawn(text: str, balance: Balance) -> str:
    """Return the text with its pronouns coloured, and the balance below."""
    lines = text.split("\n")
    for span in reversed(balance.spans):
        line = lines[span.line - 1]
        told = click.style(span.text, fg=_COLOURS[span.voice], bold=True)
        lines[span.line - 1] = line[: span.column - 1] + told + line[span.end_column - 1 :]
    told = (
        f"you {balance.you}, self {balance.self}, joint {balance.joint} in {balance.words} words; "
        f"share of the reader {balance.share:.0%}"
    )
    return "\n".join([*lines, "", told]) if text.strip() else told
