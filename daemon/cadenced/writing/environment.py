"""Jinja2 behind bars: every attribute, call, operator and printed value of a template passes through here."""

from __future__ import annotations

import functools
from collections.abc import Callable
from datetime import date
from typing import Any

from jinja2 import pass_context
from jinja2.exceptions import SecurityError
from jinja2.runtime import Context, LoopContext
from jinja2.sandbox import ImmutableSandboxedEnvironment

from cadenced.writing import dates, escape
from cadenced.writing.filters import FILTERS, GUARDS, TESTS, language_of, replaced, split, today_of
from cadenced.writing.grammar import GROUPS, METHODS
from cadenced.writing.values import Group, Missing, bounded, joined, shown

_OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "+": lambda left, right: left + right,
    "-": lambda left, right: left - right,
    "*": lambda left, right: left * right,
    "/": lambda left, right: left / right,
    "//": lambda left, right: left // right,
    "%": lambda left, right: left % right,
}
_OWN_METHODS: dict[str, Callable[..., object]] = {"replace": replaced, "split": split}


class Environment(ImmutableSandboxedEnvironment):
    """Text, numbers, dates and groups; no globals, no loader, and nothing that grows without bound."""

    intercepted_binops = frozenset({"+", "-", "*", "/", "//", "%", "**"})

    def __init__(self, finalize: Callable[..., str]) -> None:
        super().__init__(
            undefined=Missing,
            finalize=finalize,
            trim_blocks=True,
            lstrip_blocks=True,
            optimized=False,
            cache_size=0,
        )
        self.globals.clear()
        self.filters = {**FILTERS, **GUARDS}
        self.tests = dict(TESTS)

    def getattr(self, obj: Any, attribute: str) -> Any:
        """Return a part of a group, a method of a text, or how far a loop is; nothing else has attributes."""
        if isinstance(obj, Group):
            return obj[attribute]
        if isinstance(obj, Missing):
            return functools.partial(_still_missing, obj) if attribute in METHODS else obj
        if isinstance(obj, str) and attribute in METHODS:
            own = _OWN_METHODS.get(attribute)
            return functools.partial(own, obj) if own else getattr(obj, attribute)
        if isinstance(obj, LoopContext) and attribute in GROUPS["loop"]:
            return getattr(obj, attribute)
        raise SecurityError(f"{attribute} cannot be used here")

    def getitem(self, obj: Any, argument: Any) -> Any:
        """Return a character, an item, or a part of a group."""
        if isinstance(obj, Missing):
            return obj
        if isinstance(obj, Group):
            return obj[str(argument)]
        if isinstance(obj, str | list | tuple) and isinstance(argument, int):
            return obj[argument] if -len(obj) <= argument < len(obj) else Missing(name=f"number {argument}")
        raise SecurityError("only text, lists and groups have parts")

    def call(self, __context: Context, __obj: Any, *args: Any, **kwargs: Any) -> Any:
        """Call a method of a text; the grammar has seen to it that nothing else is called."""
        return __obj(*(shown(arg) if isinstance(arg, Missing) else arg for arg in args), **kwargs)

    def call_binop(self, _context: Context, operator: str, left: Any, right: Any) -> Any:
        """Calculate with numbers; ``+`` also joins texts."""
        for side in (left, right):
            if isinstance(side, Missing):
                side.refuse()
        if operator == "+" and isinstance(left, str) and isinstance(right, str):
            return joined((left, right))
        if operator not in _OPERATORS or not isinstance(left, int | float) or not isinstance(right, int | float):
            raise TypeError(f"{operator} works on numbers only")
        return bounded(_OPERATORS[operator](bounded(left), bounded(right)))


def _still_missing(missing: Missing, *_: object) -> Missing:
    """Stand in for a method of a text that is not there."""
    return missing


@pass_context
def _as_text(context: Context, value: object) -> str:
    if isinstance(value, str):
        return shown(value)
    return shown(spoken(context, value))


@pass_context
def _as_markdown(context: Context, value: object) -> str:
    return escape.markdown(_as_text(context, value))


def spoken(context: Context, value: object) -> object:
    """Return a day as the language's own words, any other value as it is."""
    if isinstance(value, date):
        return dates.say_date(value, language_of(context), today_of(context))
    return value


SUBJECT = Environment(_as_text)
"""For subjects: values as they are."""

BODY = Environment(_as_markdown)
"""For bodies: values become Markdown that shows them literally."""
