"""The first line of a file: which column is what, and what the others are called in templates."""

from __future__ import annotations

import functools
import keyword
import re
import tomllib
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from importlib import resources
from typing import Any

from cadenced.core.roster_places import word_key
from cadenced.errors import RefusedError

KNOWN = (
    "email",
    "first_name",
    "last_name",
    "company",
    "role",
    "phone",
    "timezone",
    "language",
    "country",
    "sequence",
    "stage",
    "mailbox",
    "account_role",
    "notes",
    "last_spoke_at",
    "discussed",
    "next_step",
    "next_step_at",
    "reason",
    "decision_process",
)
"""The columns that mean something to the program (CONTRACT 2)."""

LONG = frozenset({"notes", "discussed", "next_step", "reason", "decision_process"})
"""Known columns in which line breaks are text; in the others they are a mistake."""

COLUMNS_MAX = 200
_NAME_MAX = 60
_TEMPLATE_WORDS = frozenset({"account", "now", "step", "last_touch", "unsubscribe_url", "prospect", "loop", "self"})
_JINJA_WORDS = frozenset({"true", "false", "none", "block", "endif", "set", "call", "filter", "include", "extends"})
_NOT_WORD = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True, slots=True)
class Header:
    """Where what stands: ``known`` maps a column's name to its index, ``others`` lists (index, names in templates)."""

    width: int
    known: Mapping[str, int]
    others: tuple[tuple[int, tuple[str, ...]], ...] = ()
    titles: tuple[str, ...] = ()
    notes: tuple[str, ...] = field(default=())


def read(cells: Sequence[str]) -> Header:
    """Read a header; RefusedError says what is wrong with it and what to do."""
    titles = tuple(unicodedata.normalize("NFC", cell).strip().strip("\ufeff\u200b") for cell in cells)
    _check(titles)
    meanings = _meanings(titles)
    if "email" not in meanings.values():
        raise RefusedError(_no_email(titles))
    known, notes = _known(titles, meanings)
    taken = set(known.values())
    others = tuple((n, _names(title)) for n, title in enumerate(titles) if title and n not in taken)
    notes += [f"column {n} has no name and is left out" for n, title in enumerate(titles, 1) if not title]
    _refuse_same_names(others, titles)
    return Header(len(titles), known, others, titles, (*notes, *_renamed(others)))


def understood(cells: Sequence[str]) -> int:
    """Return how many cells are names of known columns: the separator that gives the most is the right one."""
    return len({_synonyms().get(word_key(cell), "") for cell in cells} - {""})


def _check(titles: Sequence[str]) -> None:
    if len(titles) > COLUMNS_MAX:
        raise RefusedError(f"the header has {len(titles)} columns; at most {COLUMNS_MAX} are read")
    for n, title in enumerate(titles, 1):
        if any(unicodedata.category(c) in {"Cc", "Zl", "Zp"} for c in title):
            raise RefusedError(f"the header has a control character or a line break in column {n}")
    seen: dict[str, str] = {}
    for title in filter(None, titles):
        key = word_key(title) or title
        if key in seen:
            raise RefusedError(f'two columns are called "{title[:60]}": rename one of them')
        seen[key] = title


def _meanings(titles: Sequence[str]) -> dict[int, str]:
    """Return what each column could mean; "name" is a last name only beside a first name."""
    found = {n: _synonyms()[key] for n, title in enumerate(titles) if (key := word_key(title)) in _synonyms()}
    alone = next((n for n, title in enumerate(titles) if word_key(title) == "name"), None)
    if alone is not None and "first_name" in found.values() and "last_name" not in found.values():
        found[alone] = "last_name"
    return found


def _known(titles: Sequence[str], meanings: Mapping[int, str]) -> tuple[dict[str, int], list[str]]:
    """Give each meaning to one column: the one with the very name, else the first; the others stay fields."""
    known: dict[str, int] = {}
    notes: list[str] = []
    for name in KNOWN:
        columns = [n for n, meaning in meanings.items() if meaning == name]
        if not columns:
            continue
        exact = [n for n in columns if word_key(titles[n]) == word_key(name)]
        if name == "email" and len(columns) > 1 and not exact:
            both = " and ".join(f'"{titles[n]}"' for n in columns)
            raise RefusedError(f"{both} could both be the address: call the right one email")
        known[name] = (exact or columns)[0]
        notes += [
            f'"{titles[n]}" is kept as a field of its own: {name} is read from "{titles[known[name]]}"'
            for n in columns
            if n != known[name]
        ]
    return known, notes


def _names(title: str) -> tuple[str, ...]:
    """Return the names by which templates may use a column: a plain one, and its own where that is a word."""
    plain = unicodedata.normalize("NFKD", title.casefold().replace("ß", "ss"))
    slug = _NOT_WORD.sub("_", "".join(c for c in plain if not unicodedata.combining(c))).strip("_")[:_NAME_MAX]
    if not slug:
        slug = "column_" + "_".join(f"{ord(c):x}" for c in title[:8])
    if slug[0].isdigit():
        slug = f"column_{slug}"
    if slug in _reserved():
        slug = f"{slug}_"
    own = title[:_NAME_MAX]
    is_word = own.isidentifier() and not keyword.iskeyword(own) and own not in _reserved() and own != slug
    return (slug, own) if is_word else (slug,)


@functools.cache
def _reserved() -> frozenset[str]:
    return frozenset(KNOWN) | _TEMPLATE_WORDS | _JINJA_WORDS | frozenset(keyword.kwlist)


def _renamed(others: Sequence[tuple[int, tuple[str, ...]]]) -> list[str]:
    return [f"column {n + 1} is called {{{{ {names[0]} }}}} in templates" for n, names in others if names[0][-1] == "_"]


def _refuse_same_names(others: Sequence[tuple[int, tuple[str, ...]]], titles: Sequence[str]) -> None:
    seen: dict[str, str] = {}
    for n, names in others:
        if names[0] in seen:
            both = f'"{seen[names[0]][:60]}" and "{titles[n][:60]}"'
            raise RefusedError(f"the columns {both} would have the same name in templates: rename one")
        seen[names[0]] = titles[n]


def _no_email(titles: Sequence[str]) -> str:
    if any("@" in title for title in titles):
        return "the first line must name the columns, such as email,first_name,company; it holds an address already"
    near = [title for title in titles if get_close_matches(word_key(title)[:60], ["email", "emailaddress"], 1, 0.75)]
    if near:
        return f'there is no column email; did you mean "{near[0][:60]}"? Call it email'
    seen = ", ".join(f'"{title[:40]}"' for title in titles[:12])
    return f"there is no column email: the first line must name the columns, and it says {seen[:600]}"


@functools.cache
def columns() -> Mapping[str, Any]:
    """Return the words that columns and their values go by."""
    return tomllib.loads((resources.files(__package__) / "columns.toml").read_text("utf-8"))


@functools.cache
def _synonyms() -> Mapping[str, str]:
    found = {word_key(word): name for name, words in columns()["synonyms"].items() for word in words}
    return found | {word_key(name): name for name in KNOWN}
