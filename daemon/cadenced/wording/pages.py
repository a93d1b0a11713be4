"""The rules explained: one page each for `cadenced rule`, and all of them as docs/rules.md."""

from __future__ import annotations

from collections.abc import Sequence

from cadenced.core.sequence import EmailStep, InviteStep, Step, TaskStep, WaitStep
from cadenced.wording import rules
from cadenced.wording.rule import Course, Example, MessageRule, Rule, SequenceRule, TemplateRule

_HEAD = """# The rules

Generated from the rules themselves by `python -m cadenced.wording.pages`; do not edit. Each example is a test.
Why these rules: [wording.md](wording.md). A template breaks a rule on purpose with `{# lint: allow RULE, reason #}`.

A finding of severity `error` keeps a message from leaving: it becomes a task that shows the finding. Where a rule knows
milder forms, those count one step less.
"""


def rule_page(code: str) -> str:
    """Return one rule in Markdown; raise KeyError where there is none of this code."""
    rule = rules.BY_CODE[code]
    parts = [
        f"# {rule.code}: {rule.title}",
        f"Severity: {rule.severity}. {_kind(rule)}",
        f"Says: {rule.message.replace('{detail}', '…')}.",
        f"Cure: {rule.cure}.",
        f"Source: {rule.source}.",
    ]
    fires, silent = _examples(rule)
    parts += _shown("Fires on", fires) + _shown("Silent on", silent)
    return "\n\n".join(parts) + "\n"


def all_pages() -> str:
    """Return the page of all rules."""
    index = "\n".join(f"| [{rule.code}](#{_anchor(rule)}) | {rule.severity} | {rule.title} |" for rule in rules.ALL)
    table = f"| rule | severity | what |\n|---|---|---|\n{index}"
    pages = [rule_page(rule.code).replace("# ", "## ", 1) for rule in rules.ALL]
    return "\n".join([_HEAD, table, "", *pages]).rstrip() + "\n"


def _anchor(rule: Rule) -> str:
    kept = "".join(char for char in f"{rule.code}: {rule.title}".lower() if char.isalnum() or char in " -")
    return kept.replace(" ", "-")


def _kind(rule: Rule) -> str:
    if isinstance(rule, SequenceRule):
        return "Judges a sequence as a whole."
    return "Judges a template's source." if isinstance(rule, TemplateRule) else "Judges each message."


def _examples(rule: Rule) -> tuple[list[str], list[str]]:
    if isinstance(rule, MessageRule):
        return [_message(one) for one in rule.fires], [_message(one) for one in rule.silent]
    if isinstance(rule, TemplateRule):
        return list(rule.fires), list(rule.silent)
    if isinstance(rule, SequenceRule):
        return [_course(one) for one in rule.fires], [_course(one) for one in rule.silent]
    return [], []


def _shown(title: str, examples: Sequence[str]) -> list[str]:
    blocks = [_fenced(example.strip("\n")) for example in examples]
    return [f"{title}:", *blocks] if blocks else []


def _fenced(text: str) -> str:
    return f"````\n{_shortened(text)}\n````"


def _shortened(text: str) -> str:
    return text if len(text) <= 600 else text[:300].rstrip() + " …"


def _message(example: Example) -> str:
    return f"Subject: {example.subject.strip()}\n\n{example.body}"


def _course(course: Course) -> str:
    steps = [_step(step) for step in course.sequence.steps]
    texts = [f"\n{name}.md:\n{source}" for name, source in course.templates.items()]
    return "\n".join(["steps:", *steps, f"then: {course.sequence.then or 'none'}", *texts])


def _step(step: Step) -> str:
    if isinstance(step, WaitStep):
        return f"  - wait: {step.span}"
    kind = "invite" if isinstance(step, InviteStep) else "email" if isinstance(step, EmailStep) else "task"
    purpose = f", purpose: {step.purpose}" if step.purpose and not isinstance(step, TaskStep) else ""
    return f"  - {kind}: {step.id}, after: {step.after}{purpose}"


def main() -> None:
    """Write the page of all rules to standard output."""
    print(all_pages(), end="")  # noqa: T201 - this is a command


if __name__ == "__main__":
    main()
