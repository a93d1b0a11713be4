"""Many rows at once say what each of them says by itself, whatever stands in them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cadenced.core import roster_header
from cadenced.core.model import Place
from cadenced.core.roster import FIELD_MAX, LINE_MAX, Entry, Roster, Rules
from cadenced.core.roster_sheet import COLUMNS, Shares, Sheet
from cadenced.core.sequence import Sequence

RULES = Rules(
    mailboxes=("julie", "marc"),
    sequences={name: Sequence(name, ()) for name in ("proposal", "nurture")},
    place=Place("Europe/Paris", "FR"),
    default_sequence="proposal",
)
TITLES = "email,first_name,company,notes,country,sequence,mailbox,next_step_at,Ville,100%"
HEADER = roster_header.read(TITLES.split(","))
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

emails = st.sampled_from(
    [
        "a@abc.example",
        "B.C@Abc.example",
        "x+y@abc.example",
        "a.b@gmail.com",
        "Bob <bob@abc.example>",
        "\u212a@abc.example",
        "mailto:z@abc.example",
        "none",
        "",
        " a@abc.example ",
        "a@abc.example\n",
        "é@abc.example",
        "a@é.example",
        "a@x",
        "a@b@c.example",
        "forgotten-7@forgotten.invalid",
    ]
)
texts = st.one_of(
    st.sampled_from(
        [
            "",
            "Bob",
            "Jürgen",
            "e\u0301",
            "\u0301",
            "=?x",
            "=1+1",
            'say "hi"',
            "back\\nslash",
            "\\",
            "tab\there",
            "two\nlines",
            "%s %d",
            "\xa0",
            " edge",
            "edge ",
            "\ufffd",
            "\u200bzero",
            "x" * (LINE_MAX + 1),
            "\u2028",
            "{{ x }}",
            "\x00",
            "Zoë\r\nAnn",
            "A" * 150,
        ]
    ),
    st.text(max_size=8),
)
rows = st.tuples(
    emails,
    texts,
    st.one_of(texts, st.sampled_from(["ABC SA", "abc", "Élan & Fils"])),
    texts,
    st.sampled_from(["", "FR", "Germany", "nowhere", "US"]),
    st.sampled_from(["", "nurture", "Nurture", "launch"]),
    st.sampled_from(["", "julie", "Marc", "nobody"]),
    st.sampled_from(["", "2026-11-24", "03/04/2027", "soon"]),
    texts,
    texts,
)
tables = st.lists(
    st.one_of(rows.map(list), rows.map(lambda row: [*row, "more"]), rows.map(lambda row: [*row[:4]])), max_size=9
)


def alone(roster: Roster, cells: list[str]) -> dict[str, Any]:
    """What is staged of one row, without its mailbox where it names none."""
    found = roster.read(cells)
    if isinstance(found, Entry):
        known = found._asdict()
        at = known.pop("next_step_at")
        return known | {
            "fields": json.dumps(found.fields, ensure_ascii=False),
            "verdict": "enrolled",
            "reason": known.pop("remark"),
            "next_step_at": None if at is None else (at - EPOCH) // timedelta(microseconds=1),
        }
    blank = dict.fromkeys(COLUMNS[2:], "") | {"fields": "{}", "next_step_at": None}
    return blank | {"email": found.email[:320], "verdict": "rejected", "reason": found.reason}


def together(
    cells: list[list[str]], header: roster_header.Header = HEADER, rules: Rules = RULES
) -> list[dict[str, Any]]:
    sheet = Sheet(Roster(header, rules), Shares({"julie": 0, "marc": 0}))
    staged = sheet.read(range(len(cells)), cells)
    return [dict(zip(COLUMNS, row, strict=True)) for row in sorted(staged, key=lambda row: row[0])]


@given(tables)
def test_many_rows_at_once_are_read_as_each_by_itself(cells: list[list[str]]) -> None:
    roster = Roster(HEADER, RULES)
    found = together(cells)
    assert [row["line"] for row in found] == list(range(len(cells)))
    for row, own in zip(found, cells, strict=True):
        expected = alone(roster, own)
        if not expected["mailbox"] and row["mailbox"]:
            expected |= {"mailbox": row["mailbox"]}
        assert row == {"line": row["line"]} | expected


@given(tables, tables)
def test_what_was_read_before_changes_nothing(before: list[list[str]], cells: list[list[str]]) -> None:
    sheet = Sheet(Roster(HEADER, RULES), Shares({"julie": 0}))
    sheet.read(range(len(before)), before)
    fresh = Sheet(Roster(HEADER, RULES), Shares({"julie": 0}))
    assert sorted(sheet.read(range(len(cells)), cells), key=str) == sorted(
        fresh.read(range(len(cells)), cells), key=str
    )


@pytest.mark.parametrize("titles", ["email", "email,country,language", "Mail;Été".replace(";", ","), "email,notes"])
def test_every_header_is_read_alike(titles: str) -> None:
    header = roster_header.read(titles.split(","))
    width = header.width
    cells = [["a@abc.example", "FR", "fr"][:width], ["none", "", ""][:width], ["b@abc.example", "x" * 300, ""][:width]]
    roster = Roster(header, RULES)
    for row, own in zip(together(cells, header), cells, strict=True):
        assert row | {"mailbox": ""} == {"line": row["line"]} | alone(roster, own)


def test_a_cell_is_as_long_as_it_may_be_and_no_longer() -> None:
    long = [
        ["a@abc.example", "", "", "n" * FIELD_MAX, *[""] * 6],
        ["b@abc.example", "", "", "n" * (FIELD_MAX + 1), *[""] * 6],
    ]
    assert [row["verdict"] for row in together(long)] == ["enrolled", "rejected"]


def test_an_address_that_no_mail_can_reach_costs_its_own_row_alone() -> None:
    rows = [["forgotten-7@forgotten.invalid"], ["ann@abc.example"]]
    assert [row["verdict"] for row in together(rows, roster_header.read(["email"]))] == ["rejected", "enrolled"]


def test_new_people_go_to_the_mailbox_with_the_fewest() -> None:
    shares = Shares({"julie": 5, "marc": 0, "anna": 2})
    assert sorted(shares.of(["", "", "julie", ""])) == ["julie", "marc", "marc", "marc"]
    given_out = Shares({"julie": 2, "marc": 0}).of([""] * 6)
    assert (given_out.count("julie"), given_out.count("marc")) == (2, 4)
    assert Shares({"julie": 0}).of(["", "", ""]) == ["julie"] * 3
