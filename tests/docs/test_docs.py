"""What the pages say is there: commands, options, keys, links, files, and examples that load."""

from __future__ import annotations

import re
import shlex
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from importlib import util
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from cadenced import config, library
from cadenced.cli import program
from cadenced.core.pacing import ALWAYS
from cadenced.core.sequence import Sequence
from cadenced.library import sequences
from cadenced.library.folder import Source
from cadenced.sandbox import script_file
from cadenced.wording.settings import Settings
from cadenced.writing import template

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").glob("*.md")])

_FENCE = re.compile(r"^(`{3,})(\w*)\n(.*?)^\1$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_CODE = re.compile(r"`([^`\n]+)`")
_CALL = re.compile(r"(?:^|&& |\| |; )[ \t]*(?:[$#] )?(?:\S*/bin/)?cadenced ([^|;&\n(]+)", re.MULTILINE)
_PATH = re.compile(r"(?:daemon|docs|systemd|tests|\.ci)/[\w./*-]+")
_MODULE = re.compile(
    r"(?:cadenced\.)?(?:core|reading|wording|writing|store|mail|library|engine|sandbox|cli)\.\w+(?:\.\w+)*"
)
_TARGET = re.compile(r"(?:^|[^\w-])make ([a-z]+)\b")

MAILBOX = """
[[mailbox]]
name = "me"
address = "me@company.example"
"""
SERVERS = """
[mailbox.smtp]
host = "smtp.company.example"
[mailbox.imap]
host = "imap.company.example"
username = "me"
password = "env:MAILBOX_PASSWORD"
"""


@dataclass(frozen=True)
class Block:
    """A fenced block of a page."""

    page: Path
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.page.name}:{self.line}"


def prose(page: Path) -> str:
    return _FENCE.sub("", page.read_text("utf-8"))


def blocks(*languages: str) -> list[Block]:
    return [block for page in PAGES for block in blocks_of(page) if block.language in languages]


def blocks_of(page: Path) -> Iterator[Block]:
    text = page.read_text("utf-8")
    for match in _FENCE.finditer(text):
        yield Block(page, text[: match.start()].count("\n") + 1, match[2], match[3])


def letters() -> list[Block]:
    return [block for block in blocks("", "markdown") if block.text.startswith("---\nsubject:")]


def indented(page: Path) -> list[str]:
    return re.findall(r"^ {4}(cadenced .*)$", prose(page), re.MULTILINE)


def spans(page: Path) -> list[str]:
    return _CODE.findall(prose(page))


def calls(page: Path) -> Iterator[list[str]]:
    """Yield every command line of ours on a page, without the program's name."""
    fenced = (block.text for block in blocks("", "console", "bash") if block.page == page)
    for text in [*spans(page), *indented(page), *fenced]:
        for found in _CALL.findall(text.replace("\\\n", " ")):
            try:
                words = shlex.split(found, comments=True)
            except ValueError:
                words = found.split()
            if words and re.fullmatch(r"-{0,2}[a-z]\S*", words[0]):
                yield words


def command_of(words: list[str]) -> tuple[str, list[str]]:
    """Return the command's name and the words after it; options before it belong to the program."""
    rest = list(words)
    while rest and rest[0].startswith("-"):
        option = rest.pop(0)
        if option in {"-c", "--config"} and rest:
            rest.pop(0)
    return (rest[0], rest[1:]) if rest else ("", [])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_of_a_page_exists_with_its_options(page: Path) -> None:
    for words in calls(page):
        name, rest = command_of(words)
        if not name or name.isupper():
            continue
        assert name in program.ENTRIES, f"{page.name}: cadenced {' '.join(words)}"
        known = options_of(name, rest)
        for word in rest:
            option = word.partition("=")[0]
            assert not re.fullmatch(r"--?[a-z][a-z-]*", option) or option in known, f"{page.name}: {name} {word}"


def options_of(name: str, rest: list[str]) -> set[str]:
    context = click.Context(program.root)
    command = program.root.get_command(context, name)  # type: ignore[attr-defined] # root is a LazyGroup
    below = [command]
    if isinstance(command, click.Group):
        below += [
            command.commands[word] for word in " ".join(rest).replace("|", " ").split() if word in command.commands
        ]
    return {"--help", "-h"} | {option for one in below for given in one.params for option in given.opts}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    for link in _LINK.findall(prose(page)):
        if re.match(r"[a-z]+:", link):
            continue
        name, _, anchor = link.partition("#")
        target = (page.parent / name) if name else page
        assert target.exists(), f"{page.name}: {link}"
        assert not anchor or anchor in anchors(target), f"{page.name}: {link}"


def anchors(page: Path) -> set[str]:
    titles = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_file_that_a_page_names_exists(page: Path) -> None:
    for text in [*spans(page), *(block.text for block in blocks("", "console", "bash") if block.page == page)]:
        for name in _PATH.findall(text):
            if text[: text.find(name)].endswith(("/", "-")):
                continue
            assert any(ROOT.glob(name.rstrip("/."))), f"{page.name}: {name}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_module_that_a_page_names_exists(page: Path) -> None:
    for text in spans(page):
        if _MODULE.fullmatch(text):
            name = f"cadenced.{text.removeprefix('cadenced.')}"
            assert _is_there(name), f"{page.name}: {text}"


def _is_there(name: str) -> bool:
    try:
        return util.find_spec(name) is not None
    except ModuleNotFoundError:  # the last part may name something inside of a module
        return _is_there(name.rpartition(".")[0])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_target_of_make_exists(page: Path) -> None:
    known = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for text in [*spans(page), *(block.text for block in blocks("console") if block.page == page)]:
        assert set(_TARGET.findall(text)) <= known, f"{page.name}: {text}"


def known_keys() -> dict[str, Any]:
    starter = tomllib.loads((ROOT / "daemon/cadenced/library/workspace.toml").read_text("utf-8"))
    return starter | {"lint": {one.name: None for one in fields(Settings)}}


def test_every_key_in_the_tables_of_operating_is_a_key_of_the_configuration() -> None:
    known = known_keys()
    text = (ROOT / "docs/operating.md").read_text("utf-8")
    table = text[text.index("### `[daemon]`") : text.index("### `[window]`")]
    named = {name for row in re.findall(r"^\| (`.+?) \|", table, re.MULTILINE) for name in _CODE.findall(row)}
    assert named == set(known["daemon"])


@pytest.mark.parametrize("section", ["daemon", "window", "mailbox", "safety", "web"])
def test_every_key_of_the_configuration_is_explained(section: str) -> None:
    operating = (ROOT / "docs/operating.md").read_text("utf-8") + (ROOT / "docs/reliability.md").read_text("utf-8")
    table = known_keys()[section]
    for key in table[0] if isinstance(table, list) else table:
        assert f"`{key}`" in operating or f"`[mailbox.{key}]`" in operating, key


@pytest.mark.parametrize("block", blocks("toml"), ids=str)
def test_every_configuration_on_a_page_is_accepted(
    block: Block, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAILBOX_PASSWORD", "secret")
    text = block.text
    if "[mailbox." not in text:
        text += MAILBOX + SERVERS
    elif "[[mailbox]]" not in text:
        text = MAILBOX + text
    file = tmp_path / "cadenced.toml"
    file.write_text(text, "utf-8")
    found = config.load(file)
    Settings.from_table(found.lint)


def starter_sequences(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Mapping[str, Sequence]:
    monkeypatch.setenv("MAILBOX_PASSWORD", "secret")
    library.write_workspace(folder)
    return library.load(library.shelves(config.load(folder / "cadenced.toml"))).sequences


@pytest.mark.parametrize("block", blocks("yaml"), ids=str)
def test_every_sequence_on_a_page_is_accepted(block: Block, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    values = yaml.safe_load(block.text)
    if isinstance(values, list):  # scripted answers, which name steps of the starter set
        file = tmp_path / "answers.yaml"
        file.write_text(block.text, "utf-8")
        assert script_file.load(file, starter_sequences(tmp_path, monkeypatch))
        return
    if "steps" not in values:
        assert set(values) <= {"window", "repos"}
        return
    _, report = sequences.read(Source("example", "example.yaml", Path("example.yaml"), block.text, ""), ALWAYS)
    assert not report.problems, [str(problem) for problem in report.problems]


@pytest.mark.parametrize("block", letters(), ids=str)
def test_every_letter_on_a_page_is_accepted(block: Block) -> None:
    template.parse(block.text, "example", "example.md")


def test_every_sequence_of_the_starter_set_is_on_its_page() -> None:
    text = (ROOT / "docs/sequences.md").read_text("utf-8")
    for file in (ROOT / "sequences").glob("*.yaml"):
        assert f"`{file.stem}`" in text


def test_every_page_is_in_the_index() -> None:
    index = (ROOT / "docs/index.md").read_text("utf-8")
    for page in (ROOT / "docs").glob("*.md"):
        assert page.name == "index.md" or f"({page.name})" in index, page.name


def test_every_command_has_its_chapter() -> None:
    text = (ROOT / "docs/commands.md").read_text("utf-8")
    for name in program.ENTRIES:
        assert f"cadenced {name}" in text or f"`{name}`" in text, name


def test_the_first_try_is_a_whole_workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAILBOX_PASSWORD", "secret")
    library.write_workspace(tmp_path)
    page = ROOT / "docs/first-mailbox.md"
    (sequence,) = (block.text for block in blocks("yaml") if block.page == page)
    (letter,) = (block.text for block in letters() if block.page == page)
    (tmp_path / "sequences/hello.yaml").write_text(sequence, "utf-8")
    (tmp_path / "templates/hello.md").write_text(letter, "utf-8")
    known = library.load(library.shelves(config.load(tmp_path / "cadenced.toml")))
    assert "hello" in known.sequences
