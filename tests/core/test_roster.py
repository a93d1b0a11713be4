"""Rows become prospects: headers in eight languages, places and dates as people write them, and what is refused."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cadenced.core import roster_dates, roster_header, roster_places
from cadenced.core.model import Place
from cadenced.core.roster import Entry, Rejection, Roster, Rules
from cadenced.core.sequence import Sequence
from cadenced.errors import RefusedError

RULES = Rules(
    mailboxes=("julie", "marc"),
    sequences={name: Sequence(name, ()) for name in ("proposal", "nurture")},
    place=Place("Europe/Paris", "FR"),
    default_sequence="proposal",
)


def read(header: str, *cells: str, rules: Rules = RULES, sequence: str = "") -> Entry | Rejection:
    return Roster(roster_header.read(header.split(",")), rules, sequence).read(cells)


def entry(header: str, *cells: str, rules: Rules = RULES, sequence: str = "") -> Entry:
    found = read(header, *cells, rules=rules, sequence=sequence)
    assert isinstance(found, Entry), found
    return found


def rejection(header: str, *cells: str) -> Rejection:
    found = read(header, *cells)
    assert isinstance(found, Rejection), found
    return found


@pytest.mark.parametrize("email", ["forgotten-7@forgotten.invalid", "Ann <ann@abc.INVALID>"])
def test_an_address_that_no_mail_can_reach_is_none(email: str) -> None:
    """What stands for people who were forgotten is such an address, and nobody comes back by it."""
    assert ".invalid" in rejection("email", email).reason


@pytest.mark.parametrize(
    ("header", "known"),
    [
        ("E-mail,First Name,LAST_NAME,Company Name,Phone Number", "email first_name last_name company phone"),
        ("Courriel,Prénom,Nom,Société,Téléphone", "email first_name last_name company phone"),
        ("E-Mail-Adresse,Vorname,Nachname,Firma,Telefon", "email first_name last_name company phone"),
        ("E-mailadres,Voornaam,Achternaam,Bedrijf,Telefoon", "email first_name last_name company phone"),
        ("Correo electrónico,Nombre,Apellidos,Empresa,Teléfono", "email first_name last_name company phone"),
        ("Indirizzo e-mail,Nome,Cognome,Azienda,Telefono", "email first_name last_name company phone"),
        ("Endereço de e-mail,Nome,Sobrenome,Empresa,Telefone", "email first_name last_name company phone"),
        ("E-post,Förnamn,Efternamn,Företag,Telefonnummer", "email first_name last_name company phone"),
        ("Organisation,Mail,Job Title,Time Zone,Land", "company email role timezone country"),
        ("Name,Vorname,E-Mail", "last_name first_name email"),
    ],
)
def test_columns_go_by_many_names(header: str, known: str) -> None:
    found = roster_header.read(header.split(",")).known
    assert [name for name, _ in sorted(found.items(), key=lambda item: item[1])] == known.split()


@pytest.mark.parametrize(
    ("header", "says"),
    [
        ("first_name,company", "no column email"),
        ("emial,company", 'did you mean "emial"'),
        ("email,first_name,First Name", "two columns"),
        ("Email,E-mail", "two columns"),
        ("Courriel,Mail", "both be the address"),
        ("bob@abc.example,Bob", "must name the columns"),
        ("email,a-b,a b", "two columns"),
        ("email,a\x00b", "control"),
        (",".join(["email", *(f"c{n}" for n in range(200))]), "at most 200"),
    ],
)
def test_a_header_that_could_be_misread_is_refused(header: str, says: str) -> None:
    with pytest.raises(RefusedError, match=says):
        roster_header.read(header.split(","))


def test_other_columns_become_fields_under_a_plain_name_and_their_own() -> None:
    found = entry("email,Produit préféré,Größe,2nd call,now", "b@abc.example", "Vélo", "XL", "May", "then")
    assert found.fields == {
        "produit_prefere": "Vélo",
        "grosse": "XL",
        "Größe": "XL",
        "column_2nd_call": "May",
        "now_": "then",
    }


def test_names_are_trimmed_and_in_one_form() -> None:
    found = entry("email,first_name,company", "b@abc.example", " Ame\u0301lie\xa0", "\u200bABC  SA ")
    assert found.fields["first_name"] == "Amélie"
    assert found.fields["company"] == "ABC  SA"


@pytest.mark.parametrize("sign", ["\x00", "\x07", "\x1b", "\x85", "\u2028", "\u202e"])
def test_a_control_character_costs_its_row_and_names_the_column(sign: str) -> None:
    assert rejection("email,first_name", "b@abc.example", f"B{sign}ob").reason.startswith("first_name")
    assert rejection("email,notes", "b@abc.example", f"B{sign}ob").reason.startswith("notes")


@pytest.mark.parametrize("value", ["Bob\nBcc: eve@evil.example", "a\tb", "x =?UTF-8?Q?=0A?=Bcc: e@x"])
def test_what_could_become_a_header_is_refused_where_names_stand(value: str) -> None:
    assert "first_name" in rejection("email,first_name", "b@abc.example", value).reason


def test_notes_may_have_lines() -> None:
    assert entry("email,notes", "b@abc.example", "one\r\ntwo").fields["notes"] == "one\ntwo"


def test_a_lost_letter_costs_its_row() -> None:
    assert "lost" in rejection("email,first_name", "b@abc.example", "Andr\ufffd").reason


def test_a_formula_is_a_value_like_any_other() -> None:
    assert entry("email,company", "b@abc.example", "=HYPERLINK(1)").fields["company"] == "=HYPERLINK(1)"


def test_braces_are_text() -> None:
    assert entry("email,company", "b@abc.example", "{{7*7}}").fields["company"] == "{{7*7}}"


def test_a_sequence_comes_from_the_row_then_the_folder_then_the_configuration() -> None:
    assert entry("email,sequence", "b@abc.example", "nurture", sequence="proposal").sequence == "nurture"
    assert entry("email,sequence", "b@abc.example", "", sequence="nurture").sequence == "nurture"
    assert entry("email", "b@abc.example").sequence == "proposal"
    assert entry("email,sequence", "b@abc.example", "Nurture").sequence == "nurture"


def test_an_unknown_sequence_or_mailbox_costs_the_row_and_gets_a_hint() -> None:
    assert 'did you mean "proposal"' in rejection("email,sequence", "b@abc.example", "propsal").reason
    assert 'did you mean "julie"' in rejection("email,mailbox", "b@abc.example", "juli").reason
    assert isinstance(read("email", "b@abc.example", sequence="propsal"), Rejection)


@pytest.mark.parametrize(
    ("timezone", "country", "place"),
    [
        ("Europe/Berlin", "", ("Europe/Berlin", "DE")),
        ("berlin", "", ("Europe/Berlin", "DE")),
        ("", "Deutschland", ("Europe/Berlin", "DE")),
        ("", "BE", ("Europe/Brussels", "BE")),
        ("Eastern Time", "USA", ("America/New_York", "US")),
        ("UTC+2", "", ("Etc/GMT-2", "")),
        ("", "États-Unis", ("", "US")),
        ("", "", ("", "")),
    ],
)
def test_a_place_is_read_as_people_write_it(timezone: str, country: str, place: tuple[str, str]) -> None:
    found = entry("email,timezone,country", "b@abc.example", timezone, country)
    assert (found.timezone, found.country) == place


def test_an_unknown_place_costs_a_remark_not_the_row() -> None:
    found = entry("email,timezone,country,language", "b@abc.example", "Mars/Olympus", "Atlantis", "Klingonian")
    assert (found.timezone, found.country, found.language) == ("", "", "")
    assert [part.split(":")[0] for part in found.remark.split("; ")] == ["timezone", "country", "language"]


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/localtime", "posixrules", ""])
def test_no_zone_is_a_way_into_the_file_system(name: str) -> None:
    assert roster_places.timezone(name) == ""


@pytest.mark.parametrize(
    ("cell", "american", "text"),
    [
        ("2026-11-24", False, "2026-11-24"),
        ("2026-11-24 14:30", False, "2026-11-24T14:30"),
        ("2026-11-24T13:30Z", False, "2026-11-24T14:30"),
        ("24/11/2026", False, "2026-11-24"),
        ("24/11/2026", True, "2026-11-24"),
        ("03/04/2026", False, "2026-04-03"),
        ("03/04/2026", True, "2026-03-04"),
        ("3.4.2026", True, "2026-04-03"),
        ("24.11.26 9h15", False, "2026-11-24T09:15"),
        ("11/24/2026 2:30 PM", True, "2026-11-24T14:30"),
        ("31/02/2026", False, None),
        ("soon", False, None),
        ("2026-11-24 25:00", False, None),
    ],
)
def test_a_day_is_read_in_the_order_of_the_country(cell: str, american: bool, text: str | None) -> None:
    found = roster_dates.read(cell, month_first=american, timezone="Europe/Paris")
    assert (found.text if found else None) == text


def test_a_day_that_could_be_another_is_remarked() -> None:
    found = entry("email,next_step_at", "b@abc.example", "03/04/2026")
    assert found.next_step_at == datetime(2026, 4, 3, 7, 0, tzinfo=UTC)
    assert found.fields["next_step_at"] == "2026-04-03"
    assert "was read as 2026-04-03" in found.remark


def test_an_american_prospect_has_the_month_first() -> None:
    found = entry("email,country,language,next_step_at", "b@abc.example", "US", "en", "03/04/2026")
    assert found.fields["next_step_at"] == "2026-03-04"


def test_an_unreadable_day_costs_a_remark_not_the_row() -> None:
    found = entry("email,next_step_at", "b@abc.example", "next week")
    assert found.next_step_at is None
    assert "not a date" in found.remark


def test_the_first_to_be_told_goes_by_many_words() -> None:
    assert entry("email,account_role", "b@abc.example", "Hauptansprechpartner").role == "primary"
    assert entry("email,account_role", "b@abc.example", "Head of Finance").role == "head_of_finance"


def test_a_separator_in_a_value_is_noticed() -> None:
    assert "3 cells and the header 2" in rejection("email,company", "b@abc.example", "ABC", "SA").reason
    assert entry("email,company", "b@abc.example", "ABC", "", "").fields["company"] == "ABC"
    assert entry("email,company", "b@abc.example").fields == {}


def test_a_giant_value_costs_its_row() -> None:
    assert "64 KiB" in rejection("email,notes", "b@abc.example", "x" * 70_000).reason
    assert "200 characters" in rejection("email,first_name", "b@abc.example", "x" * 201).reason


@given(st.lists(st.text(max_size=30), min_size=0, max_size=8))
def test_any_cells_become_an_entry_or_a_rejection(cells: list[str]) -> None:
    header = "email,first_name,timezone,country,language,next_step_at,sequence,notes"
    found = read(header, *cells)
    if isinstance(found, Entry):
        assert all(
            (value and value.isprintable()) or "\n" in value or name == "notes" for name, value in found.fields.items()
        )
        assert len(found.stage) <= 40
    else:
        assert found.reason
        assert found.email.isprintable()


@given(st.lists(st.text(max_size=20), max_size=12))
def test_any_header_is_read_or_refused(cells: list[str]) -> None:
    try:
        found = roster_header.read(cells)
    except RefusedError:
        return
    assert "email" in found.known
