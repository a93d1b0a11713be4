"""All rules, in the order in which they are explained."""

from __future__ import annotations

from cadenced.wording.rule import MessageRule, Rule
from cadenced.wording.rules import asks, balance, fields, law, length, looks, stale, subject, value

MESSAGE: tuple[MessageRule, ...] = (
    *balance.RULES,
    *stale.RULES,
    *asks.RULES,
    *value.RULES,
    *length.RULES,
    *subject.RULES,
    *looks.RULES,
    *fields.RULES,
    *law.RULES,
)
ALL: tuple[Rule, ...] = (*MESSAGE,)
BY_CODE = {rule.code: rule for rule in ALL}
