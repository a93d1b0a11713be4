"""The pages say everything: each variable, filter, test, method, key and action has its place in them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cadenced.core import sequence
from cadenced.core.model import VERDICTS
from cadenced.writing import context
from cadenced.writing.filters import FILTERS, TESTS
from cadenced.writing.frontmatter import KEYS
from cadenced.writing.grammar import GROUPS, METHODS
from cadenced.writing.markdown import render
from cadenced.writing.template import parse
from writing.samples import given, rendered

DOCS = Path(__file__).parents[2] / "docs"
PARTS = [f"{group}.{part}" for group, parts in GROUPS.items() for part in parts]
ACTIONS = ["halt", "continue", "pause", "snooze", "goto", "move", "task", "suppress"]
SEQUENCE_KEYS = ["title", "stage", "language", "window", "steps", "then", "on", "account_scope", "primary_first"]
STEP_KEYS = [
    "email",
    "invite",
    "task",
    "wait",
    "after",
    "purpose",
    "hours",
    "to",
    "id",
    "thread",
    "template",
    "at",
    "brief",
]


def words(page: str) -> set[str]:
    code = re.findall(r"`([^`\n]+)`", (DOCS / page).read_text("utf-8"))
    return {word for span in code for word in re.findall(r"[\w.]+", span)}


@pytest.mark.parametrize("name", [*context.COLUMNS, *context.GIVEN, *FILTERS, *TESTS, *METHODS, *PARTS, *KEYS])
def test_the_page_of_templates_names_everything(name: str) -> None:
    assert name in words("templates.md") or any(word.startswith(f"{name}.") for word in words("templates.md"))


@pytest.mark.parametrize("name", [*SEQUENCE_KEYS, *STEP_KEYS, *ACTIONS, *VERDICTS, *sequence.DEFAULT_REACTIONS])
def test_the_page_of_sequences_names_everything(name: str) -> None:
    assert name in words("sequences.md")


GIVES = {
    "discussed": "shorter lead times and lower stocks in summer",
    "next_step_at": "2026-03-03 09:30",
    "company": "Acme",
    "role": "head of sales",
    "first_name": "Mike",
    "interests": "speed, price",
    "notes": "one two three four five six seven eight nine ten eleven twelve",
    "price": "100",
}


@pytest.mark.parametrize(
    "row", re.findall(r"^\| `[^|]*\| .*$", (DOCS / "templates.md").read_text("utf-8"), re.MULTILINE)
)
def test_the_examples_of_filters_give_what_the_page_says(row: str) -> None:
    cells = [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", row)[1:-1]]
    if len(cells) < 4 or not cells[3] or cells[2].startswith("`https"):
        return
    fields = {} if "default" in cells[0] else GIVES
    if "split(" in cells[2]:
        return
    made = render(rendered(f"{{{{ {cells[2].strip('`')} }}}}", **fields)).text.strip()
    assert made == cells[3].partition(" · ")[0]


def test_the_page_of_templates_begins_with_a_letter_that_works() -> None:
    page = (DOCS / "templates.md").read_text("utf-8")
    letter = re.search(r"```\n(---\n.*?)```", page, re.DOTALL)
    assert letter
    draft = parse(letter[1], "letter").render(given(first_name="Mike", company="Acme", discussed="shorter lead times"))
    quoted = "\n".join(line.removeprefix("> ").removeprefix(">") for line in page.split("\n") if line.startswith(">"))
    assert quoted == f"Subject: {draft.subject}\n\n{render(draft.body).text.strip()}"
