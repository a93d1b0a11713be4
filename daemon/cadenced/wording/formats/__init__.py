"""Findings for people, editors and machines: each format is a pure function."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from cadenced.wording.findings import Finding
from cadenced.wording.formats import machine, plain, report

Render = Callable[[Sequence[Finding], Mapping[str, str]], str]

FORMATS: Mapping[str, Render] = {
    "text": plain.text,
    "line": plain.line,
    "json": machine.json_list,
    "sarif": machine.sarif,
    "github": plain.github,
    "junit": report.junit,
}


def render(name: str, findings: Sequence[Finding], sources: Mapping[str, str]) -> str:
    """Return the findings in a format of `FORMATS`; `sources` are the linted texts by file name."""
    return FORMATS[name](findings, sources)
