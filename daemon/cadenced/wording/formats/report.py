"""JUnit: a suite for each file, a failed case for each finding."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from xml.sax.saxutils import escape, quoteattr

from cadenced.wording.findings import Finding

_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


def junit(findings: Sequence[Finding], sources: Mapping[str, str]) -> str:
    """Return a report that build servers read; a file without findings is a case that passed."""
    files = sorted({*sources, *(finding.file for finding in findings)})
    suites = "".join(_suite(file, [one for one in findings if one.file == file]) for file in files)
    head = f'<testsuites name="cadenced lint" tests="{max(len(findings), len(files))}" failures="{len(findings)}">'
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{head}\n{suites}</testsuites>\n'


def _suite(file: str, findings: Sequence[Finding]) -> str:
    cases = (
        "".join(_case(finding) for finding in findings)
        or f'    <testcase name="no finding" classname={_quoted(file)}/>\n'
    )
    count = max(1, len(findings))
    return f'  <testsuite name={_quoted(file)} tests="{count}" failures="{len(findings)}">\n{cases}  </testsuite>\n'


def _case(finding: Finding) -> str:
    name = f"{finding.rule}:{finding.line}:{finding.column}"
    body = escape(_FORBIDDEN.sub("\ufffd", f"{finding.file}:{finding.line}:{finding.column}: {finding.message}"))
    return (
        f"    <testcase name={_quoted(name)} classname={_quoted(finding.file)}>\n"
        f"      <failure type={_quoted(finding.severity)} message={_quoted(finding.message)}>{body}</failure>\n"
        "    </testcase>\n"
    )


def _quoted(value: str) -> str:
    return quoteattr(_FORBIDDEN.sub("\ufffd", value))
