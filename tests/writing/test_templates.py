"""Laws of templates: what a source must be, and what a row must fill."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest

from cadenced.errors import Problem, TemplateError
from cadenced.writing import context
from cadenced.writing.template import parse
from writing.samples import OCCASION, given, prospect, rendered, template


def problem(source: str, /, **fields: str) -> Problem:
    with pytest.raises(TemplateError) as caught:
        parse(source, "recap", "templates/recap.md").render(given(**fields))
    return caught.value.problem


def in_body(body: str, /, **fields: str) -> Problem:
    return problem(f'---\nsubject: "Your next step"\n---\nHello,\n\n{body}\n', **fields)


def test_a_template_has_a_subject_a_body_and_a_version() -> None:
    read = parse("---\nsubject: Your next step\n---\nHello {{ first_name }},\n", "recap")
    assert (read.name, read.subject, read.body) == ("recap", "Your next step", "Hello {{ first_name }},\n")
    assert len(read.version) == 64
    assert read.body_offset == 3
    assert read.variables == {"first_name"}


def test_a_draft_knows_its_template_and_version() -> None:
    read = template("Hello.")
    draft = read.render(given())
    assert (draft.subject, draft.body, draft.template, draft.version) == (
        "Your next step",
        "Hello.",
        "sample",
        read.version,
    )


def test_a_byte_order_mark_and_windows_line_ends_change_nothing() -> None:
    read = parse("\ufeff---\r\nsubject: Hi\r\n---\r\nOne\r\ntwo {{ x }}\r\n", "recap")
    with pytest.raises(TemplateError) as caught:
        read.render(given())
    assert caught.value.problem.line == 5


@pytest.mark.parametrize(
    ("source", "line", "words"),
    [
        ("Hello,\n", 1, "no front matter"),
        ("", 1, "no front matter"),
        ("---\nsubject: Hi\nHello\n", 1, "no front matter"),
        ("---\ndescription: x\n---\nHello\n", 1, "no subject"),
        ("---\n---\nHello\n", 1, "no subject"),
        ("---\nsubject: ''\n---\nHello\n", 2, "subject is empty"),
        ("---\nsubject: [a, b]\n---\nHello\n", 2, "not text"),
        ('---\nsubject: "a\\nb"\n---\nHello\n', 2, "more than one line"),
        ("---\nsubjct: Hi\n---\nHello\n", 2, "'subjct' is not known"),
        ("---\nsubject: Hi\nsubject: Ho\n---\nHello\n", 3, "stands twice"),
        ("---\nsubject: &a Hi\ndescription: *a\n---\nHello\n", 1, "alias"),
        ("---\nsubject: Hi\n---\n\n  \n", 4, "body is empty"),
        ("---\nsubject: Hi\n---\n" + "x" * 70_000, 1, "64 KB"),
    ],
)
def test_a_broken_front_matter_is_told_with_its_line(source: str, line: int, words: str) -> None:
    found = problem(source)
    assert found.file == "templates/recap.md"
    assert found.line == line
    assert words in found.message


def test_an_unquoted_variable_in_the_subject_is_told_how_to_quote_it() -> None:
    found = problem("---\nsubject: {{ company }}: your next step\n---\nHello\n")
    assert found.line == 2
    assert "quotes" in found.cure


def test_days_are_said_in_the_templates_own_language_where_it_has_one() -> None:
    read = parse("---\nsubject: Bonjour\nlanguage: fr\n---\n{{ now | day }}\n", "bonjour")
    assert read.language == "fr"
    assert read.render(given()).body == "lundi 2 mars"
    assert problem("---\nsubject: Hi\nlanguage: french\n---\nHello\n").line == 3


def test_a_misspelt_key_of_the_front_matter_is_guessed() -> None:
    assert problem("---\nsubjct: Hi\n---\nHello\n").cure == "did you mean subject?"


def test_an_unknown_variable_is_told_with_line_column_and_guess() -> None:
    found = in_body("You work at {{ compnay }}.")
    assert (found.line, found.column) == (6, 16)
    assert "'compnay'" in found.message
    assert found.cure == "did you mean company?"


def test_an_empty_variable_is_told_with_line_and_cure() -> None:
    found = in_body("\nYou work at {{ company }}.", company="  ")
    assert (found.line, found.column) == (7, 16)
    assert found.message == "company is empty"
    assert "default" in found.cure


def test_an_unfilled_variable_of_the_subject_is_told_at_its_line() -> None:
    found = problem('---\n\nsubject: "{{ company }}: next"\n---\nHello\n')
    assert (found.line, found.column) == (3, 14)


@pytest.mark.parametrize("value", ["", "   ", "\n"])
def test_a_fallback_stands_in_for_what_is_unknown_or_empty(value: str) -> None:
    assert rendered('Hello {{ first_name | default("there") }},', first_name=value) == "Hello there,"
    assert rendered('Hello {{ nickname | default("there") }},') == "Hello there,"
    assert rendered('Hello {{ first_name or "there" }},', first_name=value) == "Hello there,"
    assert rendered('Hello {{ first_name | title | default("there", true) }},', first_name=value) == "Hello there,"


def test_a_fallback_that_is_empty_itself_refuses() -> None:
    assert "company is empty" in in_body("{{ first_name | default(company) }}").message


@pytest.mark.parametrize("use", ["| upper", '~ "!"', '| replace("a", "b")', '+ "!"', "[0]", ".upper()", "| first"])
def test_no_filter_or_operator_hides_an_empty_variable(use: str) -> None:
    assert in_body(f"{{{{ company {use} }}}}").message == "company is empty"


@pytest.mark.parametrize(
    "asked",
    ["company", "compnay", "company and x", 'company == "Acme"', '"Ac" in company', "company is defined",
     "mailbox.signature and company", "next_step_at is coming", "company is defined and company", "last_touch.at",
     "company | length > 3", 'company.startswith("A")', "company[0]", 'company < "b"', 'company | lower == "acme"',
     "company | first", "price | int > 3", '"a" in interests | split', "account.name.upper()"],
)  # fmt: skip
def test_asking_whether_a_field_is_filled_never_refuses(asked: str) -> None:
    assert rendered(f"{{% if {asked} %}}yes{{% else %}}no{{% endif %}}") == "no"


def test_loops_over_nothing_make_no_rounds() -> None:
    assert rendered("A{% for x in interests %}{{ x }}{% endfor %}B") == "AB"


def test_loops_work_on_parts_of_a_field() -> None:
    body = (
        '{% for x in interests | split(";") %}{{ loop.index }} {{ x }}{% if not loop.last %}, {% endif %}{% endfor %}'
    )
    assert rendered(body, interests="price; speed;") == "1 price, 2 speed"


def test_a_line_of_nothing_but_tags_disappears() -> None:
    body = "One\n{# a note #}\n  {% if company %}\ntwo\n{% endif %}\nthree"
    assert rendered(body, company="Acme") == "One\ntwo\nthree"


def test_a_tag_at_the_end_of_a_line_keeps_the_new_line() -> None:
    assert rendered("You{% if company %} at {{ company }}{% endif %}\nand me", company="Acme") == "You at Acme\nand me"


def test_a_value_is_never_compiled() -> None:
    assert rendered("{{ company }}", company="{{ 7 * 7 }}{% raw %}") == "{{ 7 \\* 7 }}{% raw %}"


def test_required_variables_are_those_without_a_way_round() -> None:
    read = template(
        '{{ role }} {{ first_name | default("x") }} {% if company %}{{ company }}{% else %}{{ reason }}{% endif %} '
        "{{ phone if phone }} {{ discussed or next_step }} {% set word = industry %}{{ word }}"
    )
    assert read.required == {"role", "reason", "next_step", "industry"}
    assert read.optional == {"first_name", "company", "phone", "discussed"}


def test_groups_have_only_their_parts() -> None:
    assert in_body("{{ mailbox.nmae }}").cure == "did you mean name?"
    assert "cannot be rendered" in in_body("{{ mailbox }}").message
    assert rendered("{{ mailbox.first_name }} {{ account.name }}", company="Acme") == "Julie Acme"


def test_the_parts_of_the_touch_are_known() -> None:
    occasion = replace(OCCASION, last_touch=context.LastTouch("Your goals", datetime(2026, 2, 26, 9)))  # noqa: DTZ001 - a local time
    read = template("{{ step.purpose }}, {{ last_touch.subject }}, {{ last_touch.at | day }}, {{ now }}")
    assert read.render(given(occasion)).body == "recap what was agreed, Your goals, Thursday 26 February, 2 March"


def test_known_columns_win_over_nothing_and_ours_win_over_columns() -> None:
    values = context.build(prospect(mailbox="julie", now="x", notes="CSV", _language="xx"), *_ours())
    assert isinstance(values["mailbox"], dict)
    assert values["now"] == OCCASION.now
    assert values["notes"] == "CSV"
    assert values["_language"] == "en"
    assert values["role"] == ""


def test_a_next_step_agreed_since_the_import_wins_over_the_column() -> None:
    agreed = replace(OCCASION, next_step_at=datetime(2026, 3, 20, 9))  # noqa: DTZ001 - a local time
    assert (
        template("{{ next_step_at | day }}").render(given(agreed, next_step_at="2026-03-12")).body == "Friday 20 March"
    )


def test_a_mailbox_without_a_name_is_called_as_its_address_says() -> None:
    for name in ("", "julie.martin@abc.example"):
        values = context.build(prospect(), context.Sender(name, "julie.martin@abc.example"), "", OCCASION)
        assert template("{{ mailbox.name }}, {{ mailbox.first_name }}").render(values).body == "Julie Martin, Julie"


def _ours() -> tuple[context.Sender, str, context.Occasion]:
    return context.Sender("Julie", "julie@abc.example"), "", OCCASION


@pytest.mark.parametrize("value", ["a\nb", "a\rb", "a\u2028b", "a\tb", "=?utf-8?q?=0A?=", "a\x00"])
def test_a_subject_that_could_break_its_line_is_refused(value: str) -> None:
    found = problem('---\nsubject: "{{ company }}: next"\n---\nHello\n', company=value)
    assert found.line == 2
    assert "subject" in found.message


def test_an_endless_subject_is_refused() -> None:
    assert "characters" in problem('---\nsubject: "{{ company }}"\n---\nHello\n', company="x" * 600).message


def test_a_text_that_comes_out_empty_is_refused() -> None:
    assert "body comes out empty" in in_body_only("{% if company %}Hello{% endif %}").message
    assert "subject comes out empty" in problem("---\nsubject: '{{ x | default(\"\") }}'\n---\nHi\n").message


def in_body_only(body: str) -> Problem:
    return problem(f"---\nsubject: Hi\n---\n{body}\n")


@pytest.mark.parametrize(
    ("body", "line", "words"),
    [
        ("{% if company %}", 6, "unexpected end"),
        ("{{ first_name", 6, "unexpected end"),
        ("{{ first_name | uper }}", 6, "no filter 'uper'"),
        ("{% if company is filled %}{% endif %}", 6, "no test 'filled'"),
        ("\n{% endif %}", 7, "unknown tag 'endif'"),
        ("{{ next_step_at | day }}", 6, "'soon' is not a day"),
        ("{{ 1 / 0 }}", 6, "division by zero"),
    ],
)
def test_a_fault_in_the_body_is_told_at_the_line_of_the_file(body: str, line: int, words: str) -> None:
    found = in_body(body, next_step_at="soon", first_name="Mike")
    assert found.line == line
    assert words in found.message.lower()


def test_a_template_error_reads_as_file_line_column() -> None:
    assert str(in_body("{{ compnay }}")).startswith("templates/recap.md:6:4: there is no field 'compnay' (did you mean")
