"""All rules, in the order in which they are explained."""

from __future__ import annotations

from cadenced.wording.rule import MessageRule, Rule, SequenceRule, TemplateRule
from cadenced.wording.rules import (
    asks,
    balance,
    course,
    fields,
    law,
    length,
    looks,
    source,
    stale,
    subject,
    value,
)
from cadenced.wording.rules.source import BROKEN, WAIVER_IDLE, WAIVER_REASON

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
"""What judges a message, rendered or as a template's branch."""
SOURCE: tuple[TemplateRule, ...] = source.RULES
"""What judges a template's source."""
SEQUENCE: tuple[SequenceRule, ...] = course.RULES
"""What judges a sequence as a whole."""
ALL: tuple[Rule, ...] = (*MESSAGE, *SOURCE, *SEQUENCE)
BY_CODE = {rule.code: rule for rule in ALL}

__all__ = ["ALL", "BROKEN", "BY_CODE", "MESSAGE", "SEQUENCE", "SOURCE", "WAIVER_IDLE", "WAIVER_REASON"]
