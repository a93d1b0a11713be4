"""Fixes: replacements that are certain, written into the source."""

from __future__ import annotations

from collections.abc import Iterable

from cadenced.wording.findings import Finding, Lines


def apply(source: str, findings: Iterable[Finding]) -> str:
    """Return the source with each finding that has exactly one replacement mended; of overlapping ones the first."""
    lines = Lines(source.replace("\r\n", " \n").replace("\r", "\n"))  # as the linter counts, lengths kept
    edits = sorted(
        (lines.offset(one.line, one.column), lines.offset(one.end_line, one.end_column), one.replacements[0])
        for one in findings
        if len(one.replacements) == 1
    )
    parts, at = [], 0
    for start, end, text in edits:
        if start >= at:
            parts += [source[at:start], text]
            at = end
    return "".join([*parts, source[at:]])
