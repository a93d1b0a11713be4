"""JSON and SARIF."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any
from urllib.parse import quote

from cadenced.wording import rules
from cadenced.wording.findings import Finding

_LEVELS = {"error": "error", "warning": "warning", "info": "note"}


def json_list(findings: Sequence[Finding], _: Mapping[str, str]) -> str:
    """Return a list of findings as objects, places from 1."""
    return json.dumps([asdict(finding) for finding in findings], ensure_ascii=False, indent=2) + "\n"


def sarif(findings: Sequence[Finding], _: Mapping[str, str]) -> str:
    """SARIF 2.1.0 with the rules that spoke; columns are code points."""
    codes = sorted({finding.rule for finding in findings})
    run = {
        "tool": {
            "driver": {
                "name": "cadenced lint",
                "rules": [_rule(code) for code in codes],
            }
        },
        "columnKind": "unicodeCodePoints",
        "results": [_result(finding, codes.index(finding.rule)) for finding in findings],
    }
    whole = {"$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0", "runs": [run]}
    return json.dumps(whole, ensure_ascii=False, indent=2) + "\n"


def _rule(code: str) -> dict[str, Any]:
    rule = rules.BY_CODE[code]
    return {
        "id": code,
        "shortDescription": {"text": rule.title},
        "help": {"text": f"{rule.cure}. Source: {rule.source}"},
        "defaultConfiguration": {"level": _LEVELS[rule.severity]},
    }


def _result(finding: Finding, index: int) -> dict[str, Any]:
    region = {
        "startLine": finding.line,
        "startColumn": finding.column,
        "endLine": finding.end_line,
        "endColumn": finding.end_column,
    }
    uri = quote(finding.file.replace("\\", "/"), safe="/:")
    result: dict[str, Any] = {
        "ruleId": finding.rule,
        "ruleIndex": index,
        "level": _LEVELS[finding.severity],
        "message": {"text": finding.message},
        "locations": [{"physicalLocation": {"artifactLocation": {"uri": uri}, "region": region}}],
    }
    if finding.replacements:
        result["fixes"] = [_fix(uri, region, text) for text in finding.replacements]
    return result


def _fix(uri: str, region: Mapping[str, int], text: str) -> dict[str, Any]:
    change = {"deletedRegion": region, "insertedContent": {"text": text}}
    return {
        "description": {"text": f"write “{text}”" if text else "leave it out"},
        "artifactChanges": [{"artifactLocation": {"uri": uri}, "replacements": [change]}],
    }
