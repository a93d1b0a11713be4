"""Letters that are put together from known pieces are, byte for byte, what is made and quoted as a whole."""

from __future__ import annotations

import random
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from itertools import cycle, product
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cadenced.core.model import Draft
from cadenced.writing import escape, header, parts, quoted
from cadenced.writing import footer as footers
from cadenced.writing.footer import Footer
from cadenced.writing.template import again, parse
from writing.samples import TOKEN
from writing.test_starter_set import ROWS, TEMPLATES, draft, read

LANGUAGES = ("en", "fr", "de", "nl", "es", "it", "pt", "sv", "xx", 'a"<b')
MAILTO = f"julie@abc.example?subject=unsubscribe%20{TOKEN}"
FOOTERS = (
    None,
    Footer(),
    Footer("ABC SA, 1 rue de la Paix, 75002 Paris", "", MAILTO, "en"),
    Footer("Société Générale = 100 %\n\n*1* rue\r\nde la Paix", "", MAILTO, "fr"),
    Footer("x" * 70, "", f"julie.with.a.name.as.long.as.any@abc.example?subject=unsubscribe%20{TOKEN}", "de"),
    Footer("", "https://u.example/t/abc_def", "", "nl"),
    Footer("ABC", "", "nobody@abc.example", "es"),
    Footer("anyreferenceofatouch000000", "", MAILTO, "it"),
)
BITS = (
    *("Hello Ann,", "\n", "\n\n", "\n \n", "\n\t", "  \n", "- one", "- ", "1. ", "1) ", "* a", "> b", "# c", "---"),
    *("+ ", "=", ".", "\n.\n", "**bold**", "_it_", "\\*", "\\", "\\1", "[a](http://b.c)", "[a](<mailto:d@e.f?x=%20y>)"),
    *("<b>", "&amp;", "&#13;", "&", '"', "é", "Ünïcödé = 50 %", "\u2028", "\ufeff", "\x00", "\x85", "\r\n", "\r"),
    *("\ud800", "🙂", "a" * 74, "b" * 75, "c" * 76, "d" * 77, "word " * 30, "e" * 151, "f" * 152, " trailing "),
    *("tab\t", "!", "![x](y)", "http://long.example/?a=b&c=d", "\u00a0", "~", "````"),
)  # fmt: skip


def whole(made: Draft, footer: Footer | None, language: str) -> tuple[str, str]:
    """Return both parts quoted as a whole, by the standard library."""
    text, html = parts.text_and_html(made, footer, language)
    return quoted.any_text(text), quoted.any_text(html)


def agree(made: Draft, footer: Footer | None, language: str) -> None:
    assert parts.leaving(made, footer, language, TOKEN) == whole(made, footer, language)


def invented(dice: random.Random) -> str:
    return "".join(dice.choice(BITS) for _ in range(dice.randrange(1, 25)))


@pytest.mark.parametrize("name", TEMPLATES)
def test_every_starter_leaves_as_it_would_by_the_slow_way(name: str) -> None:
    for (row, footer), language in zip(product(ROWS, FOOTERS), cycle(LANGUAGES), strict=False):
        agree(draft(name, row), footer, language)


@pytest.mark.parametrize("seed", range(6))
def test_invented_letters_leave_as_they_would_by_the_slow_way(seed: int) -> None:
    dice = random.Random(seed)  # noqa: S311 - a seed that repeats, not a secret
    for _ in range(80):
        agree(Draft("s", invented(dice)), dice.choice(FOOTERS), dice.choice(LANGUAGES))


@given(
    st.lists(st.one_of(st.sampled_from(BITS), st.text(max_size=5)), max_size=20).map("".join), st.sampled_from(FOOTERS)
)
@settings(max_examples=100, deadline=None)
def test_any_letter_leaves_as_it_would_by_the_slow_way(body: str, footer: Footer | None) -> None:
    agree(Draft("s", body), footer, "en")


@given(st.lists(st.one_of(st.sampled_from(BITS), st.text()), max_size=20).map("".join))
@settings(max_examples=200, deadline=None)
def test_lines_are_quoted_as_the_standard_library_does(text: str) -> None:
    whole_text = text.replace("\r", "") + "\n"
    assert quoted.whole_lines(whole_text) == quoted.any_text(whole_text)


@given(st.lists(st.one_of(st.sampled_from(BITS), st.text(max_size=4)), max_size=6).map("".join))
def test_a_value_is_escaped_sign_by_sign(value: str) -> None:
    signs = escape._ACTIVE.sub(lambda found: f"\\{found[0]}", value)
    assert escape.markdown(value) == escape._LINE_START.sub(escape._at_line_start, signs)


@pytest.mark.parametrize("length", [*range(1, 12), *range(70, 82), *range(145, 158), 225, 226, 227, 301, 302])
def test_a_line_of_any_length_is_cut_as_the_standard_library_does(length: int) -> None:
    for fill in ("a", ".", "=", "é", " x", "a."):
        line = (fill * length)[:length] + "\n"
        assert quoted.whole_lines(line) == quoted.any_text(line)


@pytest.mark.parametrize("reference", [TOKEN, "a" * 26, "short1", "X" * 40, "0" * 26])
def test_a_footer_names_its_own_reference_wherever_lines_are_broken(reference: str) -> None:
    for length in range(0, 80, 3):
        mailto = f"{'j' * length}@abc.example?subject=unsubscribe%20{reference}"
        footer = Footer("ABC", "", mailto, "en")
        made = Draft("s", "Hello")
        assert parts.leaving(made, footer, "en", reference) == whole(made, footer, "en")
        assert footers.markdown(footer, "").count(reference) == 1


@given(
    st.datetimes(min_value=datetime(1900, 1, 1), max_value=datetime(9998, 1, 1)),  # noqa: DTZ001 - a zone is put to it below
    st.one_of(
        st.none(),
        st.sampled_from(["Europe/Paris", "America/St_Johns", "Asia/Kathmandu", "UTC", "Africa/Monrovia"]).map(ZoneInfo),
        st.timedeltas(timedelta(hours=-23), timedelta(hours=23)).map(timezone),
    ),
)
def test_a_date_is_said_as_the_standard_library_says_it(at: datetime, zone: ZoneInfo | None) -> None:
    moment = at.replace(tzinfo=zone)
    assert header.date(moment) == format_datetime(moment)


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_template_is_the_same_in_another_process(name: str) -> None:
    here = read(name)
    there = again(here.plain())
    assert there.plain() == here.plain()
    assert (there.variables, there.required) == (here.variables, here.required)
    odd = parse(TEMPLATES[name].read_text("utf-8").replace("\n", "\r\n"), name)
    assert again(odd.plain()).plain() == odd.plain()
