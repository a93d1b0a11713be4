"""Laws of the two renderings: values mean nothing, text carries no markup, HTML carries no danger."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cadenced.writing import escape, markdown
from writing.samples import rendered

WILD = st.text(alphabet=st.sampled_from("ab1.)( \n\t*_`[]<>&#!\"'\\-+=~:|{}/;xé\xa0"), max_size=30)
ANY = st.text(alphabet=st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zl", "Zp"]), max_size=40)


class Reader(HTMLParser):
    """Collects what a reader sees, and the tags that were used."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.seen = ""
        self.tags: set[str] = set()

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.add(tag)

    def handle_data(self, data: str) -> None:
        self.seen += data


def read(html: str) -> Reader:
    reader = Reader()
    reader.feed(html)
    reader.close()
    return reader


NASTY = [
    "*Acme* [x](http://evil)",
    "<b>",
    "<script>alert(1)</script>",
    "http://evil.example",
    "<http://evil.example>",
    "me@evil.example",
    "# big",
    "1. one",
    "1) one",
    "> quote",
    "- item",
    "+ item",
    "* item",
    "---",
    "===",
    "***",
    "`code`",
    "![x](http://evil/x.png)",
    "&lt;b&gt;",
    "&amp;",
    "\\",
    "\\*",
    "_a_",
    "__a__",
    "a_b_c",
    "~~a~~",
    "| a | b |",
    "[x]: http://evil",
    "Yahoo!",
    "O'Brien",
    'Jean "JP" Dupont',
    "{{ x }}",
    "A & B",
    "C:\\path",
    "```\ncode\n```",
    "10. Mai",
    "=",
    "-",
    "&#42;",
    "a:b",
    "Ünïcode",
    "<!-- x -->",
    "<?php ?>",
    "</p>",
    "javascript:alert(1)",
]


@pytest.mark.parametrize("value", NASTY)
@pytest.mark.parametrize("around", ["{}", "Hello {},", "You at {} said so.\nThen {}", "**{}**", "- {}", "> {}", "# {}"])
def test_a_value_is_shown_as_it_was_typed(value: str, around: str) -> None:
    body = markdown.render(around.replace("{}", escape.markdown(value)))
    reader = read(body.html)
    for line in value.split("\n"):
        assert line in body.text
        assert line in reader.seen
    assert reader.tags <= {"p", "br", "strong", "ul", "li", "blockquote", "h1"}


@given(WILD | ANY)
@settings(max_examples=400)
@example("1.")
@example("a\n\n    - b")
def test_no_value_becomes_markup(value: str) -> None:
    typed = "\n".join(line.strip() for line in value.strip().split("\n"))
    shown = markdown.render("You: " + escape.markdown(value.strip()) + " said")
    reader = read(shown.html)
    assert reader.tags <= {"p", "br"}
    assert squeezed(typed) in squeezed(shown.text)
    assert squeezed(typed) in squeezed(reader.seen)


def squeezed(text: str) -> str:
    return "".join(text.split())


@given(WILD, WILD)
@settings(max_examples=300)
def test_two_values_side_by_side_become_no_markup_either(first: str, second: str) -> None:
    source = f"{escape.markdown(first.strip())}{escape.markdown(second.strip())}"
    assert read(markdown.render(source).html).tags <= {"p", "br"}


LINES = st.tuples(
    st.sampled_from(["", "", "- ", "- ", "* ", "1. ", "  ", "    ", "> ", "# ", "---", "-", "2) "]),
    WILD.map(lambda text: escape.markdown(text.replace("\n", " ")))
    | st.sampled_from(["a", "a  ", " a", "- b", "", "*b*"]),
).map("".join)
LETTERS = st.lists(st.tuples(LINES, st.sampled_from(["\n", "\n\n", "\n \n"])).map("".join), max_size=8).map("".join)


@given(st.lists(WILD | WILD.map(escape.markdown) | ANY, max_size=4).map("\n\n".join) | LETTERS)
@settings(max_examples=800)
@example("a \\\nb")
@example("\\")
@example("a\n \nb")
def test_the_short_way_gives_what_the_parser_gives(source: str) -> None:
    assert markdown.render(source) == markdown.parsed(source)


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("[our article](https://abc.example/x)", "our article (https://abc.example/x)"),
        ("<https://abc.example/x>", "https://abc.example/x"),
        ("[julie@abc.example](mailto:julie@abc.example)", "julie@abc.example"),
        ("**Bold** and *fine*", "Bold and fine"),
        ("# A heading", "A heading"),
        ("- one\n- two", "- one\n- two"),
        ("3. three\n4. four", "3. three\n4. four"),
        ("- one\n  - inner\n- two", "- one\n  - inner\n- two"),
        ("> said\n> so", "> said\n> so"),
        ("a\nb", "a\nb"),
        ("a\\\nb", "a\nb"),
        ("a\n\n\n\nb", "a\n\nb"),
        ("a\n-- \nJulie", "a\n--\nJulie"),
        ("a\n\n---\n\nb", "a\n\n--------------------\n\nb"),
        ("![a map](https://abc.example/map.png)", "a map (https://abc.example/map.png)"),
        ("    indented", "indented"),
        ("1 < 2 & 3", "1 < 2 & 3"),
        ("a long line " * 30 + "end", "a long line " * 30 + "end"),
    ],
)
def test_text_is_what_a_person_would_have_typed(source: str, text: str) -> None:
    assert markdown.render(source).text == text + "\n"


@pytest.mark.parametrize(
    "url",
    ["javascript:alert(1)", "JavaScript:alert(1)", "data:text/html,x", "vbscript:x", "file:///etc/passwd", "ftp://x"],
)
def test_only_safe_schemes_become_links(url: str) -> None:
    assert "<a" not in markdown.render(f"[x]({url})").html
    assert "<img" not in markdown.render(f"![x]({url})").html


@pytest.mark.parametrize("url", ["https://abc.example", "http://abc.example", "mailto:a@b.example", "tel:+33123456789"])
def test_safe_links_become_links(url: str) -> None:
    assert f'<a href="{url}">x</a>' in markdown.render(f"[x]({url})").html


def test_html_in_a_template_is_text() -> None:
    body = markdown.render("<b>Hello</b>\n\n<div onclick=x>you</div>")
    assert read(body.html).tags == {"p"}
    assert "<b>Hello</b>" in body.text


def test_the_page_says_its_language() -> None:
    assert '<html lang="fr">' in markdown.page("<p>x</p>", "fr")
    assert 'lang="&quot;' in markdown.page("", '"><script>')


def test_a_url_from_a_row_can_be_a_link() -> None:
    body = markdown.render(rendered("[read it]({{ url }})", url="https://abc.example/a_b?c=d&e=(f)"))
    assert 'href="https://abc.example/a_b?c=d&amp;e=(f)"' in body.html
    assert body.text == "read it (https://abc.example/a_b?c=d&e=(f))\n"


@pytest.mark.parametrize("url", ["javascript:alert(1)", 'https://x" onclick="y', "https://x) <b>", "https://x y"])
def test_a_bad_url_from_a_row_stays_text(url: str) -> None:
    html = markdown.render(rendered("[read it]({{ url }})", url=url)).html
    assert "javascript:" not in html.partition("href")[2]
    assert read(html).tags <= {"p", "a"}
    assert "onclick=" not in html.replace("onclick=&quot;", "").replace("%22%20onclick", "")
