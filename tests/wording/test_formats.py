"""Formats, fixes and pages are pure functions of findings."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from cadenced.wording import fixes, formats, lint, pages, rules
from cadenced.wording.findings import Finding
from cadenced.wording.settings import Settings

SOURCE = '---\nsubject: "Re: you & <me>!!"\n---\nYou asked!! Héé just checking in\non it, %, ::.\n'
FINDINGS = lint.template(SOURCE, "a b/t.md")
NONE: tuple[Finding, ...] = ()


def _render(name: str, findings: tuple[Finding, ...] = FINDINGS) -> str:
    return formats.render(name, findings, {"a b/t.md": SOURCE})


def test_json_is_a_list_of_findings_with_their_places() -> None:
    first = json.loads(_render("json"))[0]
    keys = ["file", "line", "column", "end_line", "end_column", "rule", "severity", "message", "replacements"]
    assert list(first) == keys
    assert (first["line"], first["column"]) == (2, 11)


def test_text_underlines_what_is_meant() -> None:
    lines = _render("text").splitlines()
    shown = next(index for index, line in enumerate(lines) if line.startswith("   4 | "))
    block = [(line, lines[at + 1]) for at, line in enumerate(lines) if line.startswith("   4 | ") and at >= shown]
    (line, under) = next(pair for pair in block if pair[1].count("^") > 10)
    assert line[under.index("^") : under.rindex("^") + 1] == "just checking in"


def test_a_line_that_is_meant_as_a_whole_is_underlined_without_its_margin() -> None:
    found = Finding("plan.yaml", 2, 1, 2, 1, "no-purpose", "warning", "a step says not what it is for")
    *_, shown, under, _, _ = formats.render("text", (found,), {"plan.yaml": "steps:\n  - email: one  \n"}).splitlines()
    assert shown == "   2 |   - email: one  "
    assert under == "     |   ^^^^^^^^^^^^"


def test_line_is_one_line_for_each_finding() -> None:
    assert len(_render("line").splitlines()) == len(FINDINGS)
    assert _render("line").startswith("a b/t.md:2:11: warning: ")


def test_sarif_names_its_rules_and_regions() -> None:
    run = json.loads(_render("sarif"))["runs"][0]
    ids = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert all(ids[one["ruleIndex"]] == one["ruleId"] for one in run["results"])
    assert run["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "a%20b/t.md"


def test_github_escapes_what_would_end_a_command() -> None:
    found = (Finding("a,b:c.md", 1, 2, 1, 3, "spam-words", "info", "50 %\nhere"),)
    assert _render("github", found) == (
        "::notice file=a%2Cb%3Ac.md,line=1,col=2,endLine=1,endColumn=3,title=spam-words::50 %25%0Ahere\n"
    )


def test_junit_is_well_formed_and_counts() -> None:
    root = ET.fromstring(_render("junit").encode())  # noqa: S314 - our own text
    assert root.get("failures") == str(len(FINDINGS))
    assert ET.fromstring(_render("junit", NONE).encode()).get("failures") == "0"  # noqa: S314 - our own text


@pytest.mark.parametrize("name", sorted(formats.FORMATS))
def test_no_finding_is_a_report_as_well(name: str) -> None:
    assert _render(name, NONE) is not None


def test_a_fix_mends_what_is_certain_and_nothing_else() -> None:
    assert fixes.apply(SOURCE, FINDINGS) == (
        '---\nsubject: "you & <me>"\n---\nYou asked! Héé just checking in\non it, %, ::.\n'
    )


def test_a_source_that_was_mended_is_not_mended_again() -> None:
    mended = fixes.apply(SOURCE, FINDINGS)
    assert fixes.apply(mended, lint.template(mended, "t.md")) == mended


def test_each_rule_has_a_page_with_its_cure() -> None:
    for rule in rules.ALL:
        assert rule.cure in pages.rule_page(rule.code)


def test_the_page_of_rules_is_the_rules_own() -> None:
    assert (Path(__file__).parents[2] / "docs" / "rules.md").read_text(encoding="utf-8") == pages.all_pages()


def test_settings_are_read_from_a_table() -> None:
    settings = Settings.from_table({"ignore": ["guilt"], "severity": {"open-ask": "info"}, "most_words": 90})
    assert (settings.ignore, settings.severity["open-ask"], settings.most_words) == (frozenset({"guilt"}), "info", 90)


@pytest.mark.parametrize(
    ("table", "key"),
    [
        ({"ignroe": []}, "ignroe: unknown key, did you mean ignore"),
        ({"ignore": ["guild"]}, "no rule 'guild', did you mean guilt"),
        ({"severity": {"guilt": "fatal"}}, "severity.guilt"),
        ({"most_words": "many"}, "most_words"),
        ({"two_lines": 1}, "two_lines"),
        ({"most_words": True}, "most_words"),
        ({"select": "all of it"}, "select"),
    ],
)
def test_a_bad_setting_is_named(table: dict[str, object], key: str) -> None:
    with pytest.raises(ValueError, match=key.replace("(", r"\(")):
        Settings.from_table(table)
