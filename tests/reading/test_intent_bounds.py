"""A gap between two words of a phrase is found in one way, so that no text takes longer than its length."""

from __future__ import annotations

import importlib
import re
import tomllib
from importlib import resources
from typing import Any

import pytest

PATTERNS = resources.files("cadenced.reading") / "patterns"
GAPS = [
    (file.name, name, text)
    for file in sorted(PATTERNS.iterdir(), key=lambda file: file.name)
    if file.name.startswith("intent_")
    for name, text in tomllib.loads(file.read_text("utf-8")).get("fragments", {}).items()
    if name in {"w3", "w5"}
]


def repeats_within(parsed: Any, again: bool = False) -> list[Any]:
    """The repetitions that give back what they took, within something that is repeated as well."""
    found = []
    for code, value in parsed:
        if str(code) in {"MAX_REPEAT", "MIN_REPEAT"}:
            low, high, body = value
            found += [body] if again and high > low else []
            found += repeats_within(body, again or high > 1)
        elif str(code) in {"SUBPATTERN", "BRANCH"}:
            bodies = value[1] if str(code) == "BRANCH" else [value[-1]]
            found += [one for body in bodies for one in repeats_within(body, again)]
    return found


def test_there_are_gaps_in_every_language() -> None:
    assert len(GAPS) == 17  # the wide one has a short gap only


@pytest.mark.parametrize(("file", "name", "text"), GAPS)
def test_the_words_of_a_gap_are_split_in_one_way_only(file: str, name: str, text: str) -> None:
    """`does-not-exist-on-` and the like, over and over: half a minute for six thousand bytes otherwise."""
    assert repeats_within(importlib.import_module("re._parser").parse(text)) == []


def test_a_gap_that_gives_back_is_seen() -> None:
    assert repeats_within(importlib.import_module("re._parser").parse(r"(?:[\w'-]+\W+){0,3}"))


@pytest.mark.parametrize(("file", "name", "text"), GAPS)
def test_a_gap_reaches_over_words_and_into_a_joined_one(file: str, name: str, text: str) -> None:
    words = int(name[1:])
    assert re.fullmatch(text, "one - 'two' " * (words // 2) + "l'" * (words % 2))
    assert re.fullmatch(text, "")
    assert not re.fullmatch(text, "one " * (words + 1))
