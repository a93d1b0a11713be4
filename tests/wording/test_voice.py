"""Voice against sentences whose pronouns were marked by hand."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cadenced.wording import voice

GOLD = Path(__file__).parent / "gold"
VOICES = {"{": "self", "<": "you", "[": "joint"}
LEAST = {"en": 0.996, "fr": 0.985, "de": 0.93, "nl": 0.99, "es": 0.95, "it": 0.95, "pt": 0.95}
_MARK = re.compile(r"[{<\[](.*?)[}>\]]")


def _read(line: str) -> tuple[str, set[tuple[int, int, str]]]:
    text, spans, at = "", set(), 0
    for match in _MARK.finditer(line):
        text += line[at : match.start()]
        spans.add((len(text) + 1, len(text) + 1 + len(match[1]), VOICES[line[match.start()]]))
        text += match[1]
        at = match.end()
    return text + line[at:], spans


def _sentences(language: str) -> list[tuple[str, set[tuple[int, int, str]]]]:
    lines = (GOLD / f"{language}.txt").read_text(encoding="utf-8").splitlines()
    return [_read(line) for line in lines if line and not line.startswith("#")]


def _found(text: str, language: str) -> set[tuple[int, int, str]]:
    return {(span.column, span.end_column, span.voice) for span in voice.measure(text, language).spans}


@pytest.mark.parametrize("language", sorted(LEAST))
def test_the_voice_is_found_in_sentences_marked_by_hand(language: str) -> None:
    right = wrong = missed = 0
    faults = []
    for text, gold in _sentences(language):
        found = _found(text, language)
        right, wrong, missed = right + len(found & gold), wrong + len(found - gold), missed + len(gold - found)
        faults += [(text, sorted(found - gold), sorted(gold - found))] if found != gold else []
    score = 2 * right / (2 * right + wrong + missed)
    assert score >= LEAST[language], faults
