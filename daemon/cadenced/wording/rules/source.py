"""What only a template's source can show: fallbacks, waivers, broken Jinja."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from cadenced.wording.findings import ERROR, INFO, WARNING, Hit
from cadenced.wording.rule import TemplateRule
from cadenced.wording.settings import Settings

if TYPE_CHECKING:  # the gate needs no Jinja
    from cadenced.wording.template import Template

_FRONT = '---\nsubject: "Your plan, {{ company }}"\n---\n'
_STOPGAPS = frozenset(
    [
        "n/a",
        "na",
        "none",
        "null",
        "nil",
        "unknown",
        "undefined",
        "tbd",
        "todo",
        "xxx",
        "-",
        "?",
        "friend",
        "customer",
        "valued customer",
        "client",
        "sir/madam",
        "sir or madam",
        "sir / madam",
        "name",
        "first name",
        "[name]",
        "prospect",
        "user",
        "monsieur/madame",
        "madame/monsieur",
        "cher client",
        "kunde",
        "herr/frau",
        "damen und herren/herr",
        "klant",
    ]
)


def _nothing(_: Template, __: Settings) -> Iterable[Hit]:
    return ()


def _fallback(template: Template, _: Settings) -> Iterable[Hit]:
    for expression in template.expressions:
        if expression.fallback is None:
            continue
        words = expression.fallback.strip()
        if words.casefold() in _STOPGAPS or (
            not words and _leaves_a_hole(template.source, expression.start, expression.end)
        ):
            yield Hit(expression.start, expression.end, words or "nothing")


def _leaves_a_hole(source: str, start: int, end: int) -> bool:
    """Whether nothing in this place would leave a blank before punctuation, or two blanks."""
    before, after = source[start - 1 : start], source[end : end + 1]
    if before not in (" ", "\t"):
        return before in ("\n", "") and after in tuple(",.;:!?")
    return after in (" ", "\n", "") or after in tuple(",.;:!?)'’")


BROKEN = TemplateRule(
    code="template-broken",
    severity=ERROR,
    title="The template cannot be read",
    message="{detail}",
    cure="mend the Jinja on this line",
    source="Jinja2's own parser",
    check=_nothing,
    fires=("Hello {{ first_name\n", "{% if company %}Hello\n"),
    silent=("Hello {{ first_name }},\n",),
)
WAIVER_REASON = TemplateRule(
    code="waiver-reason",
    severity=ERROR,
    title="A waiver without a reason",
    message="`{detail}` is waived without a reason, so it is not waived",
    cure="write {# lint: allow RULE, the reason #}",
    source="a rule that may be broken silently is no rule",
    check=_nothing,
    fires=(_FRONT + "{# lint: allow self-centred #}\nWe are sorry.\n",),
    silent=(_FRONT + "{# lint: allow self-centred, an apology is about us #}\nWe are sorry.\n",),
)
WAIVER_IDLE = TemplateRule(
    code="waiver-idle",
    severity=INFO,
    title="A waiver of nothing",
    message="nothing here breaks `{detail}`",
    cure="take the waiver out, or mend the name of the rule",
    source="what waives nothing today hides a finding tomorrow",
    check=_nothing,
    fires=(_FRONT + "{# lint: allow too-long, it has to be #}\nYou asked.\n",),
    silent=(
        _FRONT + "{# lint: allow checking-in, it is about a hotel #}\nJust checking in, as you do at the hotel.\n",
    ),
)
FALLBACK = TemplateRule(
    code="bad-fallback",
    severity=WARNING,
    title="A fallback that reads badly",
    message="without a value this reads “{detail}”",
    cure="give words that fit the sentence, or put the sentence into {% if %}",
    source="the reader sees the hole, not the template",
    check=_fallback,
    fires=(
        _FRONT + "Hello {{ first_name | default('') }},\n\nyou asked.\n",
        _FRONT + 'Hello {{ first_name | default("customer") }},\n\nyou asked.\n',
        _FRONT + 'Your work at {{ company or "N/A" }} counts.\n',
    ),
    silent=(
        _FRONT + 'Hello {{ first_name | default("there") }},\n\nyou asked.\n',
        _FRONT + "{{ discussed | default('') }}\nYou asked.\n",
    ),
)
RULES = (FALLBACK, BROKEN, WAIVER_REASON, WAIVER_IDLE)
