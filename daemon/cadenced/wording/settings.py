"""Settings of the linter: which rules speak, how loudly, and where their thresholds lie."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

from cadenced.wording.findings import SEVERITIES


@dataclass(frozen=True, slots=True)
class Settings:
    """Frozen, with defaults; the keys of `[lint]` in `cadenced.toml` are the field names."""

    select: frozenset[str] = frozenset()
    """Codes that speak; empty means all."""
    ignore: frozenset[str] = frozenset()
    severity: Mapping[str, str] = field(default_factory=dict)
    least_share: float = 0.25
    """The share of the reader among pronouns below which a message is self-centred; subject and opening weigh more."""
    least_self: int = 3
    """So many words about the sender there must be before the share is judged."""
    most_words: int = 125
    best_words: int = 50
    two_lines: bool = False
    """The two-line mode: a message is two sentences at most."""
    most_grade: float = 12.0
    most_sentence_words: int = 35
    most_subject: int = 60
    most_asks: int = 1
    fewest_touches: int = 4
    most_emails_in_row: int = 3
    least_gap_days: float = 1.0
    most_gap_days: float = 21.0
    commercial: bool = False
    """Whether the law wants an opt-out and a postal address in each message."""
    postal_address: str = ""

    @classmethod
    def from_table(cls, table: Mapping[str, Any]) -> Settings:
        """Read the keys of a TOML table; raise ValueError that names the bad key."""
        known = {one.name: one for one in fields(cls)}
        values: dict[str, Any] = {}
        for key, value in table.items():
            if key not in known:
                raise ValueError(_unknown(key, known))
            values[key] = _converted(key, value, str(known[key].type))
        return cls(**values)

    def speaks(self, code: str) -> bool:
        """Whether a rule is selected and not ignored."""
        return code not in self.ignore and (not self.select or code in self.select)

    def without(self, codes: Iterable[str]) -> Settings:
        """Return the same with some rules silent, for a template that waives them."""
        codes = frozenset(codes)
        return replace(self, ignore=self.ignore | codes) if codes else self


def _unknown(key: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(key, known, 1)
    return f"lint.{key}: unknown key" + (f", did you mean {near[0]}?" if near else "")


def _converted(key: str, value: Any, kind: str) -> Any:
    if kind.startswith("frozenset"):
        return _codes(key, value)
    if kind.startswith("Mapping"):
        return _severities(key, value)
    wanted = {"float": (int, float), "int": (int,), "bool": (bool,), "str": (str,)}[kind]
    if not isinstance(value, wanted) or (isinstance(value, bool) and kind != "bool"):
        raise ValueError(f"lint.{key}: {value!r} is not a {kind}")
    return value


def _codes(key: str, value: Any) -> frozenset[str]:
    if isinstance(value, str):
        value = [value]
    if not isinstance(value, list) or not all(isinstance(code, str) for code in value):
        raise ValueError(f"lint.{key}: a list of rule codes is wanted")
    for code in value:
        _check_code(key, code)
    return frozenset(value)


def _severities(key: str, value: Any) -> Mapping[str, str]:
    if not isinstance(value, Mapping):
        raise ValueError(f"lint.{key}: a table of rule = severity is wanted")  # noqa: TRY004 - a mistake in a file
    for code, severity in value.items():
        _check_code(key, code)
        if severity not in SEVERITIES:
            raise ValueError(f"lint.{key}.{code}: {severity!r} is none of {', '.join(SEVERITIES)}")
    return dict(value)


def _check_code(key: str, code: str) -> None:
    from cadenced.wording import rules  # noqa: PLC0415 - the rules read these settings; only a mistake needs the list

    if code not in rules.BY_CODE:
        near = difflib.get_close_matches(code, rules.BY_CODE, 1)
        raise ValueError(f"lint.{key}: no rule {code!r}" + (f", did you mean {near[0]}?" if near else ""))


DEFAULTS = Settings()
