"""Values on their way into Markdown: what a prospect's row says is shown as it was typed, and means nothing more."""

from __future__ import annotations

import re

_ACTIVE = re.compile(r"[\\`*_\[\]()<>&#!\"]")
_LINE_START = re.compile(r"^([ \t]*)([-+=.~:]|\d+(?=\.))", re.MULTILINE)


def markdown(value: str) -> str:
    """Return Markdown that shows ``value`` literally, wherever in a text it is put (CommonMark, 2.4)."""
    if value.replace(" ", "").isalnum():
        return value  # words and spaces are what most values are
    text = _ACTIVE.sub(r"\\\g<0>", value)
    return _LINE_START.sub(_at_line_start, text)


def _at_line_start(found: re.Match[str]) -> str:
    indent, mark = found[1], found[2]
    if mark.isdigit():  # "1." would begin a list
        return f"{indent}{mark}\\"
    return f"{indent}\\{mark}"
