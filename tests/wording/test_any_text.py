"""Whatever the text: nothing raises, and every place is a place in it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cadenced.wording import fixes, formats, gate, lint, voice

_BITS = (
    "I |you |Sie |ihr |just checking in|\n|\n\n|---\n|subject: |> |```|`|**|_|[|](|)|![|{{ |}}|{% if a %}|{% endif %}|"
    "{#|#}|lint: allow guilt|!|?|. |Hello |,|best|\r\n|\r|İ|é|🙂|\u2028|let's |j'|http://a.b|a@b.c|us |US |-- \n|"
    "{% else %}|x "
)
BITS = st.sampled_from(_BITS.split("|"))
TEXTS = st.lists(st.one_of(BITS, st.text(max_size=4)), max_size=40).map("".join)
LANGUAGES = st.sampled_from(["", "en", "fr", "de", "nl", "es", "it", "pt", "sv"])


@given(TEXTS, LANGUAGES)
@settings(max_examples=200, deadline=None)
def test_every_span_is_the_words_at_its_place(text: str, language: str) -> None:
    lines = text.split("\n")
    for balance in (voice.measure(text, language), voice.measure_message(text, language)):
        for span in balance.spans:
            assert lines[span.line - 1][span.column - 1 : span.end_column - 1] == span.text
        places = [(span.line, span.column) for span in balance.spans]
        assert places == sorted(set(places))
        assert balance.self + balance.joint + balance.you == len(balance.spans)


@given(TEXTS, LANGUAGES)
@settings(max_examples=200, deadline=None)
def test_every_finding_stands_in_its_source(text: str, language: str) -> None:
    source = text.replace("\r\n", "\n").replace("\r", "\n")
    lines = source.split("\n")
    for finding in lint.template(text, "t.md", language=language):
        assert 1 <= finding.line <= finding.end_line <= len(lines) or finding.rule == "template-broken"
        assert finding.rule == "template-broken" or finding.end_column <= len(lines[finding.end_line - 1]) + 1


@given(TEXTS, TEXTS)
@settings(max_examples=100, deadline=None)
def test_any_message_can_be_judged_and_reported(subject: str, body: str) -> None:
    found = gate.check(subject.replace("\n", " "), body)
    for name in formats.FORMATS:
        formats.render(name, found, {"body": body})


@given(TEXTS)
@settings(max_examples=100, deadline=None)
def test_a_fix_can_be_applied_to_any_source(text: str) -> None:
    mended = fixes.apply(text, lint.template(text, "t.md"))
    assert len(mended) <= len(text)


@pytest.mark.parametrize("language", ["", "en"])
def test_an_empty_text_has_no_voice_and_no_finding(language: str) -> None:
    assert voice.measure_message("", language).spans == ()
    assert lint.template("", "t.md", language=language) == ()
