"""The pattern files: phrases by language, each with examples that must and must not match.

A file `patterns/NAME.toml` holds a default `language`, an optional table `[fragments]` of regex pieces and a
list of `[[pattern]]` tables. In a regex `<<name>>` stands for a fragment. A file is read once and a regex is
compiled when first used, with IGNORECASE and MULTILINE; `case = true` makes it mind upper and lower case.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from importlib import resources
from typing import Any

from cadenced.reading import patterns_keys, presence

_FRAGMENT = re.compile(r"<<(\w+)>>")
_KNOWN = frozenset({"code", "language", "regex", "keys", "case", "must", "must_not"})


@dataclass(frozen=True)
class Pattern:
    """One phrase family. `tags` holds every other key of its table (`verdict`, `weight`, ...)."""

    code: str
    language: str
    source: str
    must: tuple[str, ...] = ()
    must_not: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    case: bool = False
    tags: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def regex(self) -> re.Pattern[str]:
        """The compiled expression, built at first use."""
        return re.compile(self.source, re.MULTILINE | (0 if self.case else re.IGNORECASE))

    @cached_property
    def branches(self) -> tuple[patterns_keys.Branch, ...]:
        """Its outermost alternatives, each with the pieces of text that it needs."""
        return patterns_keys.branches(self.source)

    def search(self, text: str, lowered: str | None = None) -> str:
        """Return the words of the phrase, in any of its alternatives, or ""; `lowered` is `text.lower()`.

        Without one of `keys` in it no regex is tried; without `keys` each alternative is asked for its own.
        """
        low = text.lower() if lowered is None else lowered
        if self.keys or self.case:
            match = self.regex.search(text) if not self.keys or any(key in low for key in self.keys) else None
        else:
            present = presence.within(self._pieces, low)
            found = (branch.find(text, low) for branch in self.branches if branch.possible(present))
            match = next(filter(None, found), None)
        return (patterns_keys.written(match, text) or self.code) if match else ""

    @cached_property
    def _pieces(self) -> frozenset[str]:
        return frozenset(key for branch in self.branches for key in branch.every)


@cache
def load(name: str) -> tuple[Pattern, ...]:
    """Read `patterns/NAME.toml` in file order; a missing file is FileNotFoundError."""
    return tuple(_pattern(raw, table(name)) for raw in table(name).get("pattern", ()))


@cache
def table(name: str) -> Mapping[str, Any]:
    """Return the whole of `patterns/NAME.toml`, for data that is not a list of patterns (month names, labels)."""
    source = resources.files("cadenced.reading").joinpath("patterns", f"{name}.toml")
    return tomllib.loads(source.read_text("utf-8"))


def _pattern(raw: Mapping[str, Any], whole: Mapping[str, Any]) -> Pattern:
    return Pattern(
        code=raw["code"],
        language=raw.get("language", whole.get("language", "")),
        source=expand(raw["regex"], whole.get("fragments", {})),
        must=tuple(raw.get("must", ())),
        must_not=tuple(raw.get("must_not", ())),
        keys=tuple(raw.get("keys", ())),
        case=raw.get("case", False),
        tags={key: value for key, value in raw.items() if key not in _KNOWN},
    )


def expand(regex: str, fragments: Mapping[str, str]) -> str:
    """Put fragments in place of `<<name>>`, also within fragments; an unknown name is KeyError."""
    while _FRAGMENT.search(regex):
        regex = _FRAGMENT.sub(lambda match: f"(?:{fragments[match[1]]})", regex)
    return regex
