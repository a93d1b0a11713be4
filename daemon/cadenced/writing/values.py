"""What expressions in a template can hold: text, numbers, dates, groups of values, and what is missing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any, NoReturn

from jinja2.runtime import Undefined

LONGEST_TEXT = 16 * 1024
"""Characters that one expression may come to."""

LARGEST_NUMBER = 10**15

_SCALARS = (str, int, float, date)


class OutOfBoundsError(ValueError):
    """A template asks for more text, bigger numbers or more rounds than any letter needs."""


class UnfilledError(Exception):
    """A value that is not there was needed; ``blank``: the field is known, and empty."""

    def __init__(self, name: str, blank: bool) -> None:
        super().__init__(name)
        self.name = name
        self.blank = blank


class Missing(Undefined):
    """What a template finds for an unknown or empty field: false in a test, an error where it is to be shown."""

    __slots__ = ()

    @classmethod
    def blank(cls, name: str) -> Missing:
        """Return the stand-in for a field that is known and empty."""
        return cls(hint="blank", name=name)

    @property
    def name(self) -> str:
        """The field's name as the template writes it."""
        return str(self._undefined_name)

    def refuse(self, *_: object, **__: object) -> NoReturn:
        """Raise ``UnfilledError`` for this field."""
        raise UnfilledError(self.name, self._undefined_hint == "blank")

    def __bool__(self) -> bool:
        return False

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Missing) or other == ""

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash("")

    def never(self, _other: object) -> bool:
        """Answer every comparison: what is missing is neither more nor less than anything."""
        return False

    __str__ = __iter__ = __len__ = refuse
    __lt__ = __le__ = __gt__ = __ge__ = __contains__ = never  # type: ignore[assignment]  # the base class raises here


class Group(Mapping[str, object]):
    """Values that belong together (``mailbox.name``); the only thing in a template that has attributes."""

    __slots__ = ("_name", "_values")

    def __init__(self, name: str, values: Mapping[str, object]) -> None:
        self._name = name
        self._values = values

    def __getitem__(self, key: str) -> object:
        full = f"{self._name}.{key}"
        return prepared(full, self._values[key]) if key in self._values else Missing(name=full)

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __bool__(self) -> bool:
        return any(self._values.values())


def prepared(name: str, value: object) -> object:
    """Return a field's value as templates see it: stripped, ``Missing`` when empty, groups for mappings."""
    if isinstance(value, str):
        return value.strip() or Missing.blank(name)
    if value is None:
        return Missing.blank(name)
    return Group(name, value) if isinstance(value, Mapping) and not isinstance(value, Group) else value


def shown(value: object) -> str:
    """Return the text of a scalar; UnfilledError for what is missing, TypeError for a group, list or function."""
    if isinstance(value, Missing):
        value.refuse()
    if not isinstance(value, _SCALARS):
        raise TypeError("this is several values in one: name the one that is meant, such as mailbox.name")
    return short(str(value))


def short(text: str) -> str:
    """Return ``text``, or raise where it is longer than an expression may be."""
    if len(text) > LONGEST_TEXT:
        raise OutOfBoundsError(f"an expression comes to more than {LONGEST_TEXT // 1024} KB of text")
    return text


def bounded(number: Any) -> Any:
    """Return a number, or raise where it is beyond anything a letter needs."""
    if abs(number) > LARGEST_NUMBER:
        raise OutOfBoundsError("a number grows beyond all bounds")
    return number


def joined(parts: Iterable[object], glue: str = "") -> str:
    """Return the parts as one text, none of it longer than allowed."""
    texts: list[str] = []
    room = LONGEST_TEXT
    for part in parts:
        texts.append(shown(part))
        room -= len(texts[-1]) + len(glue)
        if room < -len(glue):
            raise OutOfBoundsError(f"an expression comes to more than {LONGEST_TEXT // 1024} KB of text")
    return glue.join(texts)
