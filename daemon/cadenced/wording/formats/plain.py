"""Formats of lines: for a terminal, for an editor, for GitHub's annotations."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence

from cadenced.wording.findings import SEVERITIES, Finding

_GITHUB = {"error": "error", "warning": "warning", "info": "notice"}


def text(findings: Sequence[Finding], sources: Mapping[str, str]) -> str:
    """Each finding with its line, the words meant underlined, and a count at the end."""
    blocks = [_block(finding, sources.get(finding.file, "").split("\n")) for finding in findings]
    return "\n\n".join([*blocks, _summary(findings)]) + "\n"


def line(findings: Sequence[Finding], _: Mapping[str, str]) -> str:
    """`file:line:column: severity: message [rule]`, one a line."""
    return "".join(
        f"{one.file}:{one.line}:{one.column}: {one.severity}: {one.message} [{one.rule}]\n" for one in findings
    )


def github(findings: Sequence[Finding], _: Mapping[str, str]) -> str:
    """Workflow commands that GitHub shows beside the lines."""
    return "".join(_annotation(finding) for finding in findings)


def _block(finding: Finding, lines: Sequence[str]) -> str:
    head = f"{finding.file}:{finding.line}:{finding.column}: {finding.severity}[{finding.rule}] {finding.message}"
    if not 0 < finding.line <= len(lines):
        return head
    shown = lines[finding.line - 1].replace("\t", " ")
    end = finding.end_column if finding.end_line == finding.line else len(shown.rstrip()) + 1
    margin = f"{finding.line:>4} | "
    before, meant = shown[: finding.column - 1], shown[finding.column - 1 : end - 1]
    if finding.column == 1 and end == 1:  # the line as a whole
        meant = shown.strip()
        before = shown[: len(shown) - len(shown.lstrip())]
    under = " " * (_width(margin) - 2) + "| " + " " * _width(before) + "^" * max(1, _width(meant))
    return f"{head}\n{margin}{shown}\n{under}"


def _width(shown: str) -> int:
    """Return the columns that a terminal takes for it."""
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in shown
    )


def _summary(findings: Sequence[Finding]) -> str:
    if not findings:
        return "Nothing to mend."
    counts = Counter(finding.severity for finding in findings)
    told = [
        f"{counts[one]} {one}{'s' if counts[one] > 1 and one != 'info' else ''}" for one in SEVERITIES if counts[one]
    ]
    return ", ".join(told) + "."


def _annotation(finding: Finding) -> str:
    place = (
        f"file={_property(finding.file)},line={finding.line},col={finding.column},"
        f"endLine={finding.end_line},endColumn={finding.end_column},title={_property(finding.rule)}"
    )
    return f"::{_GITHUB[finding.severity]} {place}::{_data(finding.message)}\n"


def _data(value: str) -> str:
    return value.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(value: str) -> str:
    return _data(value).replace(":", "%3A").replace(",", "%2C")
