"""The gate: every rendered message is judged before it is reserved."""

from __future__ import annotations

from collections.abc import Collection

from cadenced.wording import rules
from cadenced.wording.draft import Draft, View
from cadenced.wording.findings import ERROR, SEVERITIES, Finding, Hit, Lines
from cadenced.wording.rule import MessageRule, Rule
from cadenced.wording.settings import DEFAULTS, Settings

Found = tuple[MessageRule, Hit]

SUBJECT, BODY = "subject", "body"


def check(subject: str, body_markdown: str, language: str = "", settings: Settings = DEFAULTS) -> tuple[Finding, ...]:
    """Return the findings on a rendered message; `file` of each is `subject` or `body`, places are within that part.

    A message with a finding of severity `error` is not to be sent. What a template waives, the caller silences with
    `settings.without(codes)`.
    """
    draft = Draft(subject, body_markdown, language)
    return _findings(draft, settings, hits(draft, settings))


def refusals(subject: str, body_markdown: str, language: str, settings: Settings) -> tuple[Finding, ...]:
    """Return the findings of ``check`` for which a message is not to be sent; only rules that may refuse are asked."""
    return Judge(settings).refusals(subject, body_markdown, language)


class Judge:
    """Judges many messages by the same settings; only rules that may refuse are asked."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._asked = tuple(
            rule
            for rule in rules.MESSAGE
            if settings.speaks(rule.code) and settings.severity.get(rule.code, rule.severity) == ERROR
        )
        self._codes = frozenset(rule.code for rule in self._asked)

    def refusals(self, subject: str, body_markdown: str, language: str) -> tuple[Finding, ...]:
        """Return the findings of ``check`` for which a message is not to be sent."""
        draft = Draft(subject, body_markdown, language)
        view = View(draft, self._codes)
        found = [(rule, hit) for rule in self._asked for hit in rule.check(view, self._settings)]
        return tuple(finding for finding in _findings(draft, self._settings, found) if finding.severity == ERROR)


def _findings(draft: Draft, settings: Settings, found: Collection[Found]) -> tuple[Finding, ...]:
    """Return hits as findings, in order."""
    if not found:
        return ()
    lines = {SUBJECT: Lines(draft.subject), BODY: Lines(draft.body)}
    return tuple(sorted(_finding(rule, hit, lines[hit.part], settings) for rule, hit in found))


def hits(draft: Draft, settings: Settings) -> list[Found]:
    """Return every hit of every rule that speaks, with offsets into the draft."""
    view = View(draft)
    return [(rule, hit) for rule in rules.MESSAGE if settings.speaks(rule.code) for hit in rule.check(view, settings)]


def refuses(found: tuple[Finding, ...]) -> bool:
    """Return whether a message with these findings must not leave."""
    return any(finding.severity == ERROR for finding in found)


def severity_of(rule: Rule, hit: Hit, settings: Settings) -> str:
    """Return how severe a hit is: as the settings say, else the rule's own, one step less for a mild one."""
    severity = settings.severity.get(rule.code, rule.severity)
    if hit.mild and severity != SEVERITIES[-1]:
        return SEVERITIES[SEVERITIES.index(severity) + 1]
    return severity


def _finding(rule: Rule, hit: Hit, lines: Lines, settings: Settings) -> Finding:
    line, column = lines.place(hit.start)
    end_line, end_column = lines.place(hit.end)
    severity = severity_of(rule, hit, settings)
    return Finding(
        hit.part, line, column, end_line, end_column, rule.code, severity, rule.says(hit.detail), hit.replacements
    )
