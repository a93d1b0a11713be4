"""Every rule proves itself by its own examples."""

from __future__ import annotations

import pytest

from cadenced.wording import gate, rules
from cadenced.wording.draft import Draft
from cadenced.wording.rule import Example, MessageRule

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
