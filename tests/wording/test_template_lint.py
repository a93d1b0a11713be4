"""Templates are linted in all their branches, and findings stand in the source."""

from __future__ import annotations

import pytest

from cadenced.wording import lint, template
from cadenced.wording.findings import Finding
from cadenced.wording.settings import Settings

FRONT = '---\nsubject: "{{ company }}: your next step"\nlanguage: en\n---\n'


def _found(source: str, settings: Settings | None = None) -> list[Finding]:
    return list(lint.template(source, "t.md", settings or Settings()))


def _at(source: str, rule: str) -> tuple[int, int, int, int]:
    (one,) = [finding for finding in _found(source) if finding.rule == rule]
    return one.line, one.column, one.end_line, one.end_column


def test_a_finding_behind_an_expression_stands_at_its_place_in_the_source() -> None:
    source = FRONT + "Hello {{ first_name }},\n\n{{ company }} asked. Just checking in.\n"
    assert _at(source, "checking-in") == (7, 22, 7, 38)


def test_a_finding_in_the_subject_stands_in_the_front_matter() -> None:
    source = '---\nsubject: "Re: {{ company }}"\n---\nYou asked.\n'
    assert _at(source, "fake-reply") == (2, 11, 2, 15)


@pytest.mark.parametrize(
    "source",
    [
        "{% if role %}You asked.{% else %}Just checking in.{% endif %}",
        "{% if role %}Just checking in.{% endif %} You asked.",
        "{% if a %}You.{% elif b %}{% if c %}You.{% else %}Just checking in.{% endif %}{% endif %}",
        "{% for one in many %}Just checking in on {{ one }}.{% endfor %}",
        "{%- if a -%}\n  You asked.\n{%- elif b +%}\n  Just checking in.\n{%- endif -%}\n",
    ],
)
def test_every_branch_is_linted(source: str) -> None:
    assert "checking-in" in {finding.rule for finding in _found(FRONT + source)}


def test_what_stands_in_all_branches_is_told_once() -> None:
    source = FRONT + "Just checking in. {% if a %}You asked.{% else %}You called.{% endif %}\n"
    assert [finding.rule for finding in _found(source)].count("checking-in") == 1


def test_two_branches_are_never_read_as_one_sentence() -> None:
    source = FRONT + "You are {% if a %}just{% else %}checking{% endif %} in Paris.\n"
    assert "checking-in" not in {finding.rule for finding in _found(source)}


def test_what_is_raw_and_what_is_a_comment_is_not_prose() -> None:
    source = FRONT + "{# Just checking in #}\nYou asked for `just checking in`.\n"
    assert "checking-in" not in {finding.rule for finding in _found(source)}


def test_a_waiver_with_a_reason_silences_its_rule() -> None:
    source = FRONT + "{# lint: allow checking-in, it is a hotel #}\nYou asked. Just checking in.\n"
    assert not {"checking-in", "waiver-idle", "waiver-reason"} & {finding.rule for finding in _found(source)}
    assert lint.waived(source) == {"checking-in"}


def test_a_waiver_without_a_reason_waives_nothing_and_is_a_finding() -> None:
    source = FRONT + "{# lint: allow checking-in #}\nYou asked. Just checking in.\n"
    assert {"checking-in", "waiver-reason"} <= {finding.rule for finding in _found(source)}
    assert lint.waived(source) == frozenset()


def test_a_broken_template_is_one_finding_with_its_line() -> None:
    (found,) = _found(FRONT + "You.\n{% if %}\n")
    assert (found.rule, found.line, found.severity) == ("template-broken", 6, "error")


def test_a_template_that_uses_only_the_name_is_told_so() -> None:
    text = (
        "Hello {{ first_name }},\n\nyou have a large team and many tools, so I propose to see them on Tuesday at 9.\n"
    )
    bare = '---\nsubject: "Your next step"\n---\n'
    assert "not-personal" in {finding.rule for finding in _found(bare + text)}
    assert "not-personal" not in {finding.rule for finding in _found(FRONT + text)}


def test_a_date_that_comes_from_a_field_is_a_date() -> None:
    source = FRONT + "Would you be available on {{ next_step_at }}?\n"
    assert "open-ask" not in {finding.rule for finding in _found(source)}


def test_line_ends_of_windows_change_no_place() -> None:
    source = FRONT + "You asked.\n\nJust checking in.\n"
    assert _found(source.replace("\n", "\r\n")) == _found(source)


def test_the_language_of_the_front_matter_wins_over_the_sequence() -> None:
    source = "---\nsubject: Votre projet\nlanguage: fr\n---\nSeriez-vous disponible dans deux semaines ?\n"
    assert "open-ask" in {finding.rule for finding in lint.template(source, "t.md", Settings(), "en")}


def test_a_template_reads_as_long_as_it_is_written() -> None:
    source = FRONT + "{% if a %}\nYou {{ b\n | default('x') }}\n{% else %}We{% endif %}\n"
    for branch in template.parse(source).branches:
        assert len(branch) == len(source)
        assert branch.count("\n") == source.count("\n")


def test_branches_without_end_are_bounded() -> None:
    source = FRONT + "{% if a %}You.{% elif b %}Me.{% endif %}\n" * 300
    assert len(template.parse(source).branches) <= template.MOST_BRANCHES
