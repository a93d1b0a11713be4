"""The linter: templates with all their branches, single drafts, and sequences as a whole."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache

from cadenced.core.sequence import Sequence
from cadenced.wording import gate, rules
from cadenced.wording import template as templates
from cadenced.wording.draft import Draft
from cadenced.wording.findings import SEVERITIES, Finding, Hit, Lines
from cadenced.wording.rule import Course, MessageRule, Rule
from cadenced.wording.settings import DEFAULTS, Settings
from cadenced.wording.template import BrokenError, Template

Found = tuple[Rule, Hit]


def message(draft: Draft, settings: Settings = DEFAULTS) -> tuple[Finding, ...]:
    """Return the findings on one draft, `file` of each being `subject` or `body`."""
    return gate.check(draft.subject, draft.body, draft.language, settings)


def template(source: str, name: str, settings: Settings = DEFAULTS, language: str = "") -> tuple[Finding, ...]:
    """Return the findings on a template's source, at their place in it, in order.

    The language is the template's own, else the one given (the sequence's), else detected.
    """
    source = source.replace("\r\n", "\n").replace("\r", "\n")
    try:
        parsed = templates.parse(source)
    except BrokenError as error:
        return (_broken(name, error, settings),) if settings.speaks(rules.BROKEN.code) else ()
    found = [*_branches(parsed, settings, language), *_of_source(parsed, settings)]
    waived = {waiver.code for waiver in parsed.waivers if waiver.reason}
    found = [
        *(one for one in found if one[0].code not in waived),
        *_waivers(parsed, {one[0].code for one in found}, settings),
    ]
    return _findings(name, source, found, settings)


def waived(source: str) -> frozenset[str]:
    """Return the codes that a template waives with a reason, for `Settings.without` before the gate."""
    return _waived(source)


@lru_cache(maxsize=1024)
def _waived(source: str) -> frozenset[str]:
    try:
        found = templates.parse(source.replace("\r\n", "\n").replace("\r", "\n")).waivers
    except BrokenError:
        return frozenset()
    return frozenset(waiver.code for waiver in found if waiver.reason)


def sequence(
    course: Sequence, sources: Mapping[str, str], name: str, settings: Settings = DEFAULTS
) -> tuple[Finding, ...]:
    """Return the findings on a sequence as a whole; `sources` are its templates by name.

    Lines are those of the steps in the sequence's file; the templates themselves are linted by `template`.
    """
    whole = Course(course, sources)
    found = [
        (rule, hit) for rule in rules.SEQUENCE if settings.speaks(rule.code) for hit in rule.check(whole, settings)
    ]
    return tuple(sorted(_of_step(course, name, rule, hit, settings) for rule, hit in found))


def _of_step(course: Sequence, name: str, rule: Rule, hit: Hit, settings: Settings) -> Finding:
    line = max(1, course.steps[hit.start].line) if hit.start >= 0 else 1
    severity = gate.severity_of(rule, hit, settings)
    return Finding(name, line, 1, line, 1, rule.code, severity, rule.says(hit.detail))


def _branches(parsed: Template, settings: Settings, language: str) -> Iterator[Found]:
    """Return what the message rules say of every branch, each thing once, at its place in the source."""
    start, end = parsed.subject
    if not end:  # a step that continues a thread has its subject from there
        settings = settings.without(["subject-missing"])
    seen: set[tuple[str, int, str]] = set()
    for branch in parsed.branches:
        draft = Draft(branch[start:end], branch[parsed.body :], parsed.language or language, parsed.fields)
        for rule, hit in gate.hits(draft, settings):
            offset = start if hit.part == gate.SUBJECT else parsed.body
            whole = isinstance(rule, MessageRule) and rule.whole
            key = (rule.code, 0 if whole else hit.start + offset, "" if whole else hit.detail)
            if key not in seen:
                seen.add(key)
                yield rule, hit._replace(start=hit.start + offset, end=hit.end + offset)


def _of_source(parsed: Template, settings: Settings) -> Iterator[Found]:
    for rule in rules.SOURCE:
        if settings.speaks(rule.code):
            for hit in rule.check(parsed, settings):
                yield rule, hit


def _waivers(parsed: Template, fired: set[str], settings: Settings) -> Iterator[Found]:
    for waiver in parsed.waivers:
        if not waiver.reason and settings.speaks(rules.WAIVER_REASON.code):
            yield rules.WAIVER_REASON, Hit(waiver.start, waiver.end, waiver.code)
        elif waiver.code not in fired and settings.speaks(rules.WAIVER_IDLE.code):
            yield rules.WAIVER_IDLE, Hit(waiver.start, waiver.end, waiver.code)


def _broken(name: str, error: BrokenError, settings: Settings) -> Finding:
    severity = settings.severity.get(rules.BROKEN.code, SEVERITIES[0])
    return Finding(name, error.line, 1, error.line, 1, rules.BROKEN.code, severity, rules.BROKEN.says(str(error)))


def _findings(name: str, source: str, found: Iterable[Found], settings: Settings) -> tuple[Finding, ...]:
    lines = Lines(source)
    return tuple(
        sorted(
            Finding(
                name,
                *lines.place(hit.start),
                *lines.place(hit.end),
                rule.code,
                gate.severity_of(rule, hit, settings),
                rule.says(hit.detail),
                hit.replacements,
            )
            for rule, hit in found
        )
    )
