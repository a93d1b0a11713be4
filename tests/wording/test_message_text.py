"""What counts as a message's own words."""

from __future__ import annotations

from cadenced.wording import text, voice

MESSAGE = """---
subject: "{{ company }}: our plan"
my_note: I am not counted
---
Dear Ms. You,

I sent `my_code` and **your** [list](https://me.example/my) to us@my.example, www.we.example/us.

> I quoted you
> and me

```
my code
```

{{ my.field }} {# my comment #} you.

Kind regards,
Julie Martin
We make your day
"""


def test_only_the_own_words_of_a_message_count() -> None:
    spans = voice.measure_message(MESSAGE, "en").spans
    assert [(span.line, span.text, span.voice) for span in spans] == [
        (2, "our", "self"),
        (7, "I", "self"),
        (7, "your", "you"),
        (16, "you", "you"),
    ]


def test_a_bare_text_counts_everything() -> None:
    assert voice.measure("Kind regards,\nWe make your day", "en").self == 1


def test_a_sentence_by_itself_has_neither_greeting_nor_signature() -> None:
    for sentence in ("Thanks", "Dear You, I wrote.", "Yours sincerely"):
        assert voice.measure_message(sentence, "en") == voice.measure(sentence, "en")


def test_a_postscript_counts_though_it_stands_below_the_signature() -> None:
    source = "Hello Mike,\n\nthe list is here.\n\nBest regards,\nJulie\n\nPS: I call you on Tuesday.\n"
    assert [span.text for span in voice.measure_message(source, "en").spans] == ["I", "you"]


def test_columns_count_code_points() -> None:
    (span,) = voice.measure("🙂 é you", "en").spans
    assert (span.column, span.end_column) == (5, 8)


def test_a_letter_that_grows_when_folded_moves_nothing() -> None:
    (span,) = voice.measure("İİİ you", "en").spans
    assert (span.column, span.text) == (5, "you")


def test_the_share_is_the_readers_part_of_both() -> None:
    balance = voice.measure("I see you and your team. Let's talk.", "en")
    assert (balance.self, balance.joint, balance.you, balance.words) == (1, 1, 2, 8)
    assert balance.share == 2 / 3


def test_a_text_without_pronouns_has_no_share() -> None:
    assert voice.measure("The plan is ready.", "en").share == 0.0


def test_blanks_keep_length_and_lines() -> None:
    read = text.own_words(MESSAGE, "en")
    assert len(read) == len(MESSAGE)
    assert read.count("\n") == MESSAGE.count("\n")


def test_the_language_is_detected_where_none_is_given() -> None:
    assert voice.measure("Je vous remercie pour votre message et je propose mardi.").you == 2
    assert voice.measure("Ich danke Ihnen für Ihre Nachricht und schlage Dienstag vor.").you == 2


def test_a_language_without_a_list_is_left_alone() -> None:
    swedish = "Hej Anna,\n\nvi ses i Lund på tisdag och jag tar med mig det som du bad om i går."
    assert voice.measure_message(swedish).spans == ()
    assert voice.measure("We see you.", "sv").spans == ()


def test_the_signature_below_thanks_does_not_count_and_the_thanks_do() -> None:
    source = "Hello Mike,\n\nthe list is here.\n\nThank you,\nJulie\nWe make your day\n"
    assert [span.text for span in voice.measure_message(source, "en").spans] == ["you"]


def test_what_a_telephone_writes_below_a_mail_does_not_count() -> None:
    assert voice.measure_message("The list is here.\n\nSent from my iPhone\n", "en").spans == ()


def test_an_answered_mail_below_its_headers_does_not_count() -> None:
    source = "The list is here.\n\nFrom: Julie <julie@abc.example>\nSent: Monday\nTo: Mike\n\nI wrote to you.\n"
    assert voice.measure_message(source, "en").spans == ()
