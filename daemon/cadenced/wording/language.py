"""Languages: the word lists beside this module, loaded once and only when a text needs them."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module, resources
from typing import Any

from cadenced.wording.detect import detect
from cadenced.wording.voices.place import Doubt

DEFAULT = "en"
NAMES: Mapping[str, str] = {
    "en": "english",
    "fr": "french",
    "de": "german",
    "nl": "dutch",
    "es": "spanish",
    "it": "italian",
    "pt": "portuguese",
}


@dataclass(frozen=True, slots=True, eq=False)
class Language:
    """One language: how its pronouns are found and judged, and the words that the rules look for."""

    code: str
    pattern: re.Pattern[str]
    voices: Mapping[str, str]
    sure: Mapping[str, str]
    doubts: Mapping[str, Doubt]
    inside: Mapping[str, int]
    joint_words: frozenset[str]
    joint_before: tuple[str, ...]
    joint_after: re.Pattern[str]
    endings: tuple[tuple[re.Pattern[str], str], ...]
    data: Mapping[str, Any]

    def voice_of(self, word: str) -> str:
        """Self, joint, you, or "" for a folded word; where subjects are dropped the ending of a verb tells."""
        voice = self.voices.get(word, "")
        if voice or not self.endings:
            return voice
        return next((voice for ending, voice in self.endings if ending.search(word)), "")

    def words(self, table: str, key: str) -> tuple[str, ...]:
        """Return a list of the language's file, empty where the language does not have it."""
        return tuple(self.data.get(table, {}).get(key, ()))


def code_of(language: str) -> str:
    """Return the two letters of `fr`, `fr-CA` or `FR_ca` that a list exists for, else "" ."""
    short = language.strip().lower().replace("_", "-").split("-")[0]
    return short if short in NAMES else ""


NOTHING = Language(
    code="",
    pattern=re.compile("(?!)"),
    voices={},
    sure={},
    doubts={},
    inside={},
    joint_words=frozenset(),
    joint_before=(),
    joint_after=re.compile("(?!)"),
    endings=(),
    data={},
)
"""A language that no list exists for: nothing is found in it, and nothing held against it."""


def chosen(text: str, language: str) -> Language:
    """Return the language by its code, else the one the text is written in, else English."""
    return _named(language.strip() or detect(text) or DEFAULT)


@lru_cache(maxsize=64)
def _named(code: str) -> Language:
    known = code_of(code)
    return load(known) if known else NOTHING


@lru_cache(maxsize=len(NAMES))
def load(code: str) -> Language:
    """Read and compile one language; the code is one of `NAMES`."""
    file = resources.files("cadenced.wording").joinpath("languages", f"{code}.toml")
    data = tomllib.loads(file.read_text(encoding="utf-8"))
    module = import_module(f"cadenced.wording.voices.{NAMES[code]}")
    voice = data["voice"]
    voices = dict.fromkeys(voice["self"], "self") | dict.fromkeys(voice["you"], "you") | dict(module.VOICES)
    doubtful = {*module.DOUBTS, *module.INSIDE, *voice["joint_words"]}
    return Language(
        code=code,
        pattern=_pattern([*voice["self"], *voice["you"]], (*module.EXTRA, *_endings(voice))),
        voices=voices,
        sure={word: side for word, side in voices.items() if word not in doubtful},
        doubts=module.DOUBTS,
        inside=module.INSIDE,
        joint_words=frozenset(voice["joint_words"]),
        joint_before=tuple(voice["joint_before"]),
        joint_after=re.compile(voice["joint_after"]),
        endings=tuple(
            (re.compile(f"{ending}$"), side) for side in ("self", "you") for ending in voice.get(f"{side}_endings", ())
        ),
        data=data,
    )


def _endings(voice: Mapping[str, Any]) -> tuple[str, ...]:
    endings = (*voice.get("self_endings", ()), *voice.get("you_endings", ()))
    return tuple(f"[^\\W\\d_]{{2,}}{ending}(?!\\w)" for ending in endings)


def _pattern(words: list[str], extra: tuple[str, ...]) -> re.Pattern[str]:
    """One expression for all pronouns, over folded text; a word that ends in an apostrophe is a prefix."""
    ordered = sorted({*words}, key=lambda word: (-len(word), word))
    whole = "|".join(re.escape(word) for word in ordered if not word.endswith("'"))
    elided = [re.escape(word) + r"(?=\s?\w)" for word in ordered if word.endswith("'")]
    ahead = "|".join([f"(?:{whole})(?!\\w)", *elided, *extra])
    return re.compile(f"(?<!\\w)(?:{ahead})")


def fold(text: str) -> str:
    """Lower case with plain apostrophes, every character still at its place."""
    lower = text.lower()
    if len(lower) != len(text):
        lower = "".join(low if len(low := char.lower()) == 1 else char for char in text)
    if lower.isascii():
        return lower
    return lower.replace("’", "'").replace("‘", "'").replace("´", "'").replace("ʼ", "'")
