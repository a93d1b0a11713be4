"""The person to turn to instead, named with or without an address."""

import pytest

from cadenced.reading import referral

NAMED = [
    ("en", "Please contact my colleague Anna Berg in Finance.", "Anna Berg", ""),
    ("en", "I've passed this on to Maya.\n\nBest,\nPeter Abney", "Maya", ""),
    ("en", "Please write to Neil Ash (n.ash@pumps.example), he buys for us.", "Neil Ash", "n.ash@pumps.example"),
    ("en", "Sarah Jones no longer works here. Please contact tom.reed@firm.example.", "", "tom.reed@firm.example"),
    ("de", "Bitte wenden Sie sich an Frau Petra Lindner.", "Petra Lindner", ""),
    ("de", "Dafür ist mein Kollege Jan Weber zuständig.", "Jan Weber", ""),
    ("fr", "C'est Mme Claire Dubois qui gère cela.", "Claire Dubois", ""),
    ("fr", "Écrivez à Paul Roux, p.roux@usine.example.", "Paul Roux", "p.roux@usine.example"),
    ("nl", "Neem contact op met Karel de Boer.", "Karel de Boer", ""),
    ("es", "Hable con D. Luis Gómez Prieto, por favor.", "Luis Gómez Prieto", ""),
    ("it", "Se ne occupa la dott.ssa Neri.", "Neri", ""),
    ("pt", "Quem trata disso é o João Reis.", "João Reis", ""),
    ("sv", "Kontakta min kollega Erik Berg.", "Erik Berg", ""),
]


@pytest.mark.parametrize(("language", "text", "name", "address"), NAMED)
def test_the_person_named_is_read(language, text, name, address):
    found = referral.read(text, language)
    assert found is not None
    assert found.address == address
    assert name in found.name


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "Wrong person, sorry. Try purchasing."),
        ("en", "Dear Ben, thanks. I will think about it.\n\nPeter Abney"),
        ("en", "My address old@firm.example is no longer in use and not monitored."),
        ("en", "> Please contact Anna Berg (anna@x.example)\n\nNo."),
        ("de", "Vielen Dank für die Unterlagen."),
    ],
)
def test_nobody_is_read_where_nobody_is_named(language, text):
    assert referral.read(text, language) is None


@pytest.mark.parametrize("seed", ["Anna Berg ", "a@", "Anna de la ", "a.", "please contact "])
def test_hostile_text_is_read_without_blowing_up(seed):
    referral.read(seed * 20_000, "en")
