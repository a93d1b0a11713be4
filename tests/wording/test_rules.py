"""Every rule proves itself by its own examples."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cadenced.wording import gate, language, lint, phrases, rules
from cadenced.wording.draft import Draft
from cadenced.wording.rule import Course, Example, MessageRule, SequenceRule, TemplateRule

FIRES = [(rule, example) for rule in rules.MESSAGE for example in rule.fires]
SILENT = [(rule, example) for rule in rules.MESSAGE for example in rule.silent]


def _codes(example: Example) -> set[str]:
    draft = Draft(example.subject, example.body, example.language)
    return {rule.code for rule, _ in gate.hits(draft, example.settings)}


@pytest.mark.parametrize(("rule", "example"), FIRES, ids=lambda value: getattr(value, "code", None))
def test_a_rule_fires_on_its_bad_examples(rule: MessageRule, example: Example) -> None:
    assert rule.code in _codes(example)


@pytest.mark.parametrize(("rule", "example"), SILENT, ids=lambda value: getattr(value, "code", None))
def test_a_rule_is_silent_on_its_good_examples(rule: MessageRule, example: Example) -> None:
    assert rule.code not in _codes(example)


@pytest.mark.parametrize(
    ("rule", "source"), [(r, e) for r in rules.SOURCE for e in r.fires], ids=lambda v: getattr(v, "code", "")
)
def test_a_rule_of_sources_fires_on_its_bad_examples(rule: TemplateRule, source: str) -> None:
    assert rule.code in {finding.rule for finding in lint.template(source, "t.md")}


@pytest.mark.parametrize(
    ("rule", "source"), [(r, e) for r in rules.SOURCE for e in r.silent], ids=lambda v: getattr(v, "code", "")
)
def test_a_rule_of_sources_is_silent_on_its_good_examples(rule: TemplateRule, source: str) -> None:
    assert rule.code not in {finding.rule for finding in lint.template(source, "t.md")}


@pytest.mark.parametrize(
    ("rule", "course"), [(r, e) for r in rules.SEQUENCE for e in r.fires], ids=lambda v: getattr(v, "code", "")
)
def test_a_rule_of_sequences_fires_on_its_bad_examples(rule: SequenceRule, course: Course) -> None:
    found = lint.sequence(course.sequence, course.templates, "s.yaml")
    assert [finding.rule for finding in found] == [rule.code]


@pytest.mark.parametrize(
    ("rule", "course"), [(r, e) for r in rules.SEQUENCE for e in r.silent], ids=lambda v: getattr(v, "code", "")
)
def test_a_rule_of_sequences_is_silent_on_its_good_examples(rule: SequenceRule, course: Course) -> None:
    assert lint.sequence(course.sequence, course.templates, "s.yaml") == ()


def test_every_rule_explains_itself() -> None:
    for rule in rules.ALL:
        assert rule.code, rule
        assert rule.title, rule
        assert rule.message, rule
        assert rule.cure, rule
        assert rule.source, rule


def test_no_two_rules_share_a_code() -> None:
    assert len(rules.BY_CODE) == len(rules.ALL)


@pytest.mark.parametrize("code", sorted(language.NAMES))
def test_every_phrase_of_a_language_can_be_read_and_belongs_to_a_rule(code: str) -> None:
    asides = {phrases.NEXT_STEP}
    for anchor, entries in phrases.book(language.load(code)).items():
        for entry in entries:
            assert entry.pattern.pattern
            assert entry.code in rules.BY_CODE.keys() | asides, anchor


@pytest.mark.parametrize(("rule", "example"), FIRES + SILENT, ids=lambda value: getattr(value, "code", None))
def test_what_refuses_a_message_is_what_is_found_in_it_and_grave(rule: MessageRule, example: Example) -> None:
    strict = replace(example.settings, severity={rule.code: "error"})
    mild = replace(example.settings, severity={rule.code: "warning"})
    for settings in (example.settings, strict, mild):
        found = gate.check(example.subject, example.body, example.language, settings)
        grave = tuple(finding for finding in found if finding.severity == "error")
        assert gate.refusals(example.subject, example.body, example.language, settings) == grave
