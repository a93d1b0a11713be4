"""Eight languages told apart by their words."""

import pytest

from cadenced.reading import language

TEXTS = [
    ("en", "Thank you for the figures, we will look at them next week."),
    ("en", "Not now, maybe later this year."),
    ("fr", "Merci pour votre message, je vous rappelle la semaine prochaine."),
    ("fr", "Nous ne sommes pas intéressés."),
    ("de", "Vielen Dank für Ihr Angebot, wir melden uns nach dem Urlaub."),
    ("de", "Bitte nicht mehr anrufen."),
    ("nl", "Bedankt voor uw bericht, wij nemen volgende week contact op."),
    ("nl", "Ik heb geen interesse."),
    ("es", "Gracias por su correo, lo veremos el próximo mes."),
    ("es", "No nos interesa, gracias."),
    ("it", "Grazie per il messaggio, ci sentiamo la prossima settimana."),
    ("it", "Non siamo interessati."),
    ("pt", "Obrigado pela mensagem, falamos na próxima semana."),
    ("pt", "Não temos interesse."),
    ("sv", "Tack för ditt mejl, vi hör av oss nästa vecka."),
    ("sv", "Vi är inte intresserade."),
]


@pytest.mark.parametrize(("expected", "text"), TEXTS)
def test_a_language_is_told_by_its_words(expected, text):
    assert language.detect(text) == expected


@pytest.mark.parametrize("text", ["", "12345 !!", "Xyzzy Qwrt", "😀"])
def test_without_known_words_the_language_is_unsure(text):
    assert language.detect(text) == ""
