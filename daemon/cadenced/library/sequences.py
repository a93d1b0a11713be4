"""One sequence from its YAML: every key of the file, checked by itself; ``whole`` checks what lies between files."""

from __future__ import annotations

import re
from types import MappingProxyType

from cadenced.config import forms
from cadenced.config.forms import FormError
from cadenced.config.table import Report
from cadenced.core.pacing import ALWAYS, Window
from cadenced.core.sequence import AccountScope, Sequence
from cadenced.library import reactions, steps
from cadenced.library.folder import Source
from cadenced.library.record import Record, YamlError, parse

_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})?")


def read(source: Source, default: Window) -> tuple[Sequence | None, Report]:
    """Read one sequence; None where nothing of it can be used. ``default`` is the workspace's window."""
    try:
        values, report = parse(source.text, source.file)
    except YamlError as wrong:
        report = Report(source.file, {})
        report.problems.append(wrong.problem)
        return None, report
    if not isinstance(values, dict):
        report.problem((), "a sequence is a table with steps", "begin it with title: … and steps:")
        return None, report
    return _sequence(source, Record(values, (), report, "a sequence"), default), report


def _sequence(source: Source, record: Record, default: Window) -> Sequence:
    report = record.report
    found = Sequence(
        name=source.name,
        title=record.read("title", forms.text, ""),
        stage=record.read("stage", forms.text, ""),
        language=record.read("language", _language, ""),
        window=record.read("window", lambda value: _window(value, report, default), default),
        steps=steps.read(record.read("steps", _as_is, None), report),
        then=record.read("then", _then, ""),
        on=MappingProxyType(dict(reactions.read(record.read("on", _as_is, None), report))),
        account_scope=AccountScope(record.read("account_scope", forms.word(AccountScope), AccountScope.HOLD.value)),
        primary_first=record.read("primary_first", switch, default=False),
        version=source.version,
    )
    record.close()
    return found


def _as_is(value: object) -> object:
    return value


def _then(value: object) -> str:
    """Read the name of a sequence; ``none`` is how people write that there is none."""
    return "" if value in ("", "none") else forms.name(value)


def _language(value: object) -> str:
    given = forms.text(value)
    if given and not _LANGUAGE.fullmatch(given):
        raise FormError(f'"{given[:40]}" is not a language', "use two letters, such as en or fr")
    return given


def switch(value: object) -> bool:
    """Read true or false from YAML's text."""
    words = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}
    given = forms.text(value).lower()
    if given not in words:
        raise FormError(f'"{given[:40]}" is neither true nor false')
    return words[given]


def _window(value: object, report: Report, default: Window) -> Window:
    """Read ``always``, or days and hours; what is not said is as in the workspace's window."""
    if value == "always":
        return ALWAYS
    if not isinstance(value, dict):
        raise FormError(
            f'a window is a table or the word always, not "{value}"', 'such as {days: mon-fri, hours: "09:00-12:00"}'
        )
    record = Record(value, ("window",), report, "window")
    if "always" in (value.get("days"), value.get("hours")) and len(value) == 1:
        return ALWAYS
    base = Window() if default.always else default
    opens, closes = record.read("hours", forms.hours, (base.opens, base.closes))
    found = Window(
        days=record.read("days", forms.days, base.days),
        opens=opens,
        closes=closes,
        timezone=record.read("timezone", forms.window_zone, base.timezone),
        holidays=record.read("holidays", switch, default=base.holidays),
    )
    record.close()
    return found
