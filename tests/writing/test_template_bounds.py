"""Laws of the bounds: no template reaches out of its values, and none can keep the machine busy (RELIABILITY 4.3)."""

from __future__ import annotations

import time

import pytest

from cadenced.errors import TemplateError
from cadenced.writing.filters import FILTERS
from cadenced.writing.template import LARGEST_OUTPUT, parse
from writing.samples import given

GROWN = "{% set x = 'ab' %}" + "{% set x = x ~ x %}" * 40
LETTERS = "'abcdefghijklmnopqrstuvwxyz'"
NESTED = "".join(f"{{% for a{n} in {LETTERS} %}}" for n in range(8)) + "{% endfor %}" * 8

BOMBS = [
    "{{ 2 ** (10 ** 9) }}",
    "{{ 9 ** 9 ** 9 }}",
    "{{ 'a' * 10 ** 9 }}",
    "{{ 'a' * 1000000000 }}",
    "{{ 1000000000 * 'a' }}",
    "{{ [0] * 1000000000 }}",
    "{{ (1, 2) * 1000000000 }}",
    "{{ '%1000000000d' % 1 }}",
    "{{ '%1000000000s' % 'a' }}",
    "{{ 'a'.ljust(1000000000) }}",
    "{{ 'a'.rjust(1000000000) }}",
    "{{ 'a'.center(1000000000) }}",
    "{{ 'a'.zfill(1000000000) }}",
    "{{ 'a' | center(1000000000) }}",
    "{{ 'a' | indent(1000000000) }}",
    "{{ '{:1000000000}'.format(1) }}",
    "{{ '{0:>1000000000}' | format(1) }}",
    "{{ 'a' | wordwrap(1) }}",
    "{{ range(1000000000) | list }}",
    "{% for a in range(1000000000) %}x{% endfor %}",
    "{{ range(1000000000) | join }}",
    "{{ lipsum(n=1000000) }}",
    "{{ cycler('a') }}",
    "{{ joiner('a') }}",
    "{{ namespace(a=1) }}",
    "{% set n = namespace(a='x') %}",
    "{{ dict(a=1) }}",
    GROWN + "{{ x }}",
    GROWN + "{{ x | length }}",
    GROWN.replace("~", "+") + "{{ x }}",
    "{% set x = 9 %}" + "{% set x = x * x %}" * 40 + "{{ x }}",
    "{% set x = 'aa' %}" + "{% set x = x | replace('a', 'aaaaaaaaaa') %}" * 30 + "{{ x }}",
    "{% set x = 'aa' %}" + "{% set x = x.replace('a', 'aaaaaaaaaa') %}" * 30 + "{{ x }}",
    "{{ 'abc'.replace('', 'x' * 99) }}",
    "{{ 'aaa' | replace('', 'b') }}",
    "{% set x = [1] %}" + "{% set x = [x, x] %}" * 40 + "{{ x }}",
    "{% set x = [1] %}" + "{% set x = x + x %}" * 40 + "{{ x }}",
    "{% set x = ['a', 'b'] %}" + "{% set x = [x, x] %}" * 30 + "{{ x | join }}",
    "{% set x = ['a'] %}" + "{% set x = [x, x] %}" * 30 + "{{ x == x }}",
    "{% set x = ['a'] %}" + "{% set x = [x, x] %}" * 30 + "{{ x | sort }}",
    NESTED,
    "{% for a in "
    + LETTERS
    + " %}{% for b in "
    + LETTERS
    + " %}{% for c in "
    + LETTERS
    + " %}{% set x = 'y' %}{% endfor %}{% endfor %}{% endfor %}",
    "{% for a in [1] recursive %}{{ loop([1]) }}{% endfor %}",
    "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    "{% macro m(n) %}{{ m(n + 1) }}{% endmacro %}{{ m(1) }}",
    "{% block a %}{{ self.a() }}{% endblock %}",
    "{% call m() %}x{% endcall %}",
    "{% filter upper %}x{% endfilter %}",
    "{% set x %}x{% endset %}",
    "{% with a = 1 %}x{% endwith %}",
    "{{ " + "(" * 3000 + "1" + ")" * 3000 + " }}",
    "{{ " + "not " * 3000 + "1 }}",
    "{{ " + "-" * 3000 + "1 }}",
    "{{ " + "[" * 3000 + "1" + "]" * 3000 + " }}",
    "{% if 1 %}" * 2000 + "{% endif %}" * 2000,
    "{% for a in 'x' %}" * 60 + "{% endfor %}" * 60,
    "{{ '" + "9" * 5000 + "' | int }}",
    "{{ " + "9" * 5000 + " }}",
    "{{ 1" + " + 1" * 5000 + " }}",
    "{{ 'a'" + " ~ 'a'" * 5000 + " }}",
    "{{ 1.5 | round(1000000000) }}",
    "{{ now | plus('999999999 days') }}",
    "{{ now | plus('99999 business days') }}",
    "{{ now | plus('-5 days') }}",
    "{{ 'a' | truncate(1000000000, 'b' ) }}",
    "{{ 'a b' | title | title }}",
    "{{ 'x' | urlencode | urlencode }}",
    "{% autoescape false %}{{ x }}{% endautoescape %}",
    "{% trans %}x{% endtrans %}",
    "{% do x %}",
    "{% debug %}",
    "{% raw %}{{ x }}{% endraw %}",
    "{{ 1 if }}",
    "{{ {'a': 1} }}",
    "{{ {} | length }}",
]

VICTIMS = ["first_name", "mailbox", "now", "''", "1", "[1]", "last_touch", "account", "mailbox.name", "now | day"]
ATTRIBUTES = [
    "__class__",
    "__class__.__mro__",
    "__class__.__base__.__subclasses__()",
    "__init__.__globals__",
    "__dict__",
    "__globals__",
    "_values",
    "_name",
    "keys()",
    "items()",
    "format('x')",
    "format_map({})",
    "encode()",
    "__reduce__()",
    "__getattribute__('x')",
    "mro()",
    "strftime('%Y')",
]
ESCAPES = [
    *(f"{{{{ ({victim}).{attribute} }}}}" for victim in VICTIMS for attribute in ATTRIBUTES),
    *(f"{{{{ ({victim})['{attribute}'] }}}}" for victim in VICTIMS for attribute in ATTRIBUTES[:8]),
    *(f"{{{{ first_name | attr('{attribute}') }}}}" for attribute in ATTRIBUTES[:8]),
    "{{ self }}",
    "{{ self.__init__ }}",
    "{{ super() }}",
    "{{ caller() }}",
    "{{ varargs }}",
    "{{ _today }}",
    "{{ _rounds }}",
    "{{ _language }}",
    "{% set _rounds = [9] %}",
    "{% for _rounds in 'a' %}{% endfor %}",
    "{{ x | _counted }}",
    "{{ x | _joined }}",
    "{{ env('HOME') }}",
    "{{ config }}",
    "{{ request }}",
    "{{ get_flashed_messages() }}",
    "{{ url_for.__globals__ }}",
    "{{ cycler.__init__.__globals__.os }}",
    "{{ lipsum.__globals__ }}",
    "{% include '/etc/passwd' %}",
    "{% include '../secret' %}",
    "{% import 'os' as os %}",
    "{% from 'os' import path %}",
    "{% extends 'x' %}",
    "{% for a in 'ab' %}{{ loop.__class__ }}{% endfor %}",
    "{% for a in 'ab' %}{{ loop._iterable }}{% endfor %}",
    "{% for a in 'ab' %}{{ loop.cycle('a') }}{% endfor %}",
    "{{ first_name | map('upper') }}",
    "{{ first_name | selectattr('x') }}",
    "{{ first_name | pprint }}",
    "{{ first_name | tojson }}",
    "{{ first_name | safe }}",
    "{{ first_name | xmlattr }}",
    "{{ first_name | default(mailbox) | string }} {{ mailbox | string }}",
    "{{ mailbox | join }}",
    "{{ first_name.upper }}",
    "{{ first_name | default(x=1) }}",
    "{{ first_name.upper(*[1]) }}",
    "{{ first_name.split(**x) }}",
]


def refused(body: str) -> TemplateError:
    with pytest.raises(TemplateError) as caught:
        parse(f"---\nsubject: Hi\n---\nHello\n{body}\n", "bomb").render(given(first_name="Mike"))
    return caught.value


@pytest.mark.parametrize("body", BOMBS, ids=lambda body: body[:40])
def test_a_bomb_is_small_and_quick_or_refused(body: str) -> None:
    begun = time.process_time()
    try:
        draft = parse(f"---\nsubject: Hi\n---\nHello\n{body}\n", "bomb").render(given(first_name="Mike"))
        length = len(draft.body)
    except TemplateError as error:
        length = len(error.problem.message)
    assert length < LARGEST_OUTPUT
    assert time.process_time() - begun < 1.0


@pytest.mark.parametrize("body", ESCAPES, ids=lambda body: body[:60])
def test_no_template_reaches_out_of_its_values(body: str) -> None:
    assert refused(body).problem.line in {4, 5}


def test_the_corpora_are_as_large_as_promised() -> None:
    assert len(BOMBS) >= 60
    assert len(ESCAPES) >= 100


def test_output_stops_at_its_cap_while_it_streams() -> None:
    body = "{% for a in '" + "x" * 30 + "' %}" + "y" * 10_000 + "{% endfor %}"
    assert "256 KB" in refused(body).problem.message


def test_loops_share_one_budget_of_rounds() -> None:
    body = "{% for a in '" + "x" * 600 + "' %}{% endfor %}"
    assert "rounds" in refused(body * 2).problem.message


def test_a_long_expression_is_refused() -> None:
    assert "16 KB" in refused("{{ '" + "x" * 20_000 + "' }}").problem.message


def test_there_are_about_as_many_filters_as_a_letter_needs() -> None:
    assert len(FILTERS) <= 30
