"""Bytes become rows: encodings, separators, line numbers, and damage that stays where it is."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cadenced.engine import intake_csv
from cadenced.engine.intake_bytes import Examination, Nature
from cadenced.engine.intake_csv import Record, Table
from cadenced.errors import RefusedError


def nature(content: bytes, chunk: int = 1 << 20) -> Nature:
    examination = Examination()
    for begin in range(0, len(content), chunk):
        examination.feed(content[begin : begin + chunk])
    return examination.nature()


def table(content: bytes, *, cut_off: bool = False) -> Table:
    return Table(io.BytesIO(content), nature(content), cut_off=cut_off)


def records(content: bytes | str, *, cut_off: bool = False) -> list[Record]:
    raw = content.encode() if isinstance(content, str) else content
    return list(table(raw, cut_off=cut_off).records())


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_separators_ends_and_encodings_are_found(separator: str, end: str, encoding: str) -> None:
    rows = [["E-mail", "Prénom", "Société"], ["bob@abc.example", "André", "Élan & Fils"]]
    content = "".join(separator.join(row) + end for row in rows).encode(encoding)
    found = table(content)
    assert found.separator == separator
    assert [tuple(r) for r in found.records()] == [(2, rows[1], "")]
    assert nature(content).ended


def test_windows_1252_is_said_to_be_so() -> None:
    assert "Windows-1252" in nature("email,nom\nb@abc.example,André\n".encode("cp1252")).notes[0]


def test_damage_in_a_utf8_file_costs_its_rows_not_the_accents_of_all() -> None:
    content = "email,nom\na@abc.example,Éléonore\n".encode() + b"b@abc.example,\xff\nc@abc.example,\xc3\xa9\n"
    found = records(content)
    assert [r.cells[1] for r in found] == ["Éléonore", "\ufffd", "é"]


def test_utf16_is_known_by_its_mark_alone() -> None:
    with pytest.raises(RefusedError, match="UTF-16 without its mark"):
        nature("email\nb@abc.example\n".encode("utf-16-le"))


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "empty"),
        (b"\xef\xbb\xbf\r\n", "empty"),
        (b"PK\x03\x04 rest", "Excel"),
        (b"\xd0\xcf\x11\xe0 rest", "Excel"),
        (b"%PDF-1.7", "PDF"),
        (b"\x1f\x8b\x08", "compressed"),
        (b"<!DOCTYPE html><html>", "web page"),
        (b"\xef\xbb\xbf<?xml version='1.0'?>", "XML"),
        (b"\x00\x01\x02\x03" * 99, "no text"),
        ("email\n".encode("utf-32"), "UTF-32"),
        (b"email,nom\nb@abc.example,\x81\x8d\n", "neither"),
    ],
)
def test_what_is_no_csv_is_refused_with_a_cure(content: bytes, says: str) -> None:
    with pytest.raises(RefusedError, match=says):
        nature(content)


def test_excels_hint_about_the_separator_is_followed() -> None:
    assert records("sep=;\r\nemail;note\r\nb@abc.example;a,b\r\n") == [Record(3, ["b@abc.example", "a,b"])]


def test_lines_are_counted_as_an_editor_counts_them() -> None:
    content = 'email,notes\r\na@abc.example,"one\r\ntwo\nthree"\r\n\r\n,\r\nb@abc.example,x\r\n'
    found = table(content.encode())
    assert [(r.line, r.cells[0]) for r in found.records()] == [(2, "a@abc.example"), (7, "b@abc.example")]
    assert found.blank == 2


def test_a_bad_quote_costs_one_line_only() -> None:
    content = 'email,notes\na@x.example,"open\nb@x.example,fine\nc@x.example,"a"b\nd@x.example,"ok"\n'
    found = records(content)
    assert [(r.line, r.cells[0], bool(r.fault)) for r in found] == [
        (2, "a@x.example", True),
        (3, "b@x.example", False),
        (4, "c@x.example", True),
        (5, "d@x.example", False),
    ]


@pytest.mark.parametrize(
    "monster",
    [b"x" * 10_000_000, b'"' + b"x" * 10_000_000 + b'"', b'"' + b"x\n" * 2_000, b"," * 10_000, b"\x00" * 3],
)
def test_a_monster_costs_its_own_line(monster: bytes) -> None:
    content = b"email,notes\na@x.example,fine" + b" " * 400 + b"\nb@x.example," + monster + b"\nc@x.example,fine\n"
    found = records(content)
    assert found[0] == Record(2, ["a@x.example", "fine" + " " * 400])
    assert found[-1].cells == ["c@x.example", "fine"]
    assert found[-1].fault == ""
    assert found[1].line == 3


def test_a_line_that_may_be_cut_does_not_count_where_somebody_may_be_writing() -> None:
    content = "email\na@abc.example\nbob@example.co"
    assert "cut" in records(content, cut_off=True)[-1].fault
    assert records(content)[-1] == Record(3, ["bob@example.co"])


def test_cut_anywhere_no_row_is_taken_that_was_not_complete() -> None:
    rows = [["a@abc.example", "Ännchen", "one\ntwo"], ["b@abc.example", "Bob", 'he said "no", twice']]
    out = io.StringIO()
    csv.writer(out).writerows([["email", "first_name", "notes"], *rows])
    whole = out.getvalue().encode()
    for end in range(len(whole.split(b"\r\n")[0]) + 2, len(whole)):
        try:
            found = [r.cells for r in records(whole[:end], cut_off=True) if not r.fault]
        except RefusedError:
            continue
        assert all(row in rows for row in found if "@" in row[0]), (end, found)


cells = st.text(st.characters(codec="utf-8", exclude_characters="\x00\r"), max_size=12)


@given(
    st.lists(st.tuples(cells, cells), max_size=6),
    st.sampled_from([",", ";", "\t", "|"]),
    st.sampled_from(["\n", "\r\n"]),
)
def test_what_a_writer_wrote_is_read_back(rows: list[tuple[str, str]], separator: str, end: str) -> None:
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=separator, lineterminator=end, quoting=csv.QUOTE_ALL)
    writer.writerows([("email", "notes"), *rows])
    read = [tuple(r.cells) for r in records(out.getvalue()) if not r.fault]
    assert read == [row for row in rows if any(cell and not cell.isspace() for cell in row)]


@given(st.binary(max_size=300), st.booleans())
@settings(max_examples=400)
def test_any_bytes_are_read_or_refused_and_no_line_is_told_twice(content: bytes, cut_off: bool) -> None:
    try:
        found = records(b"email,notes\n" + content, cut_off=cut_off)
    except RefusedError:
        return
    lines = [r.line for r in found]
    assert lines == sorted(set(lines))


@given(st.lists(st.sampled_from(['"', ",", "\n", "\r\n", "a@x.example", "x", '""', " "]), max_size=60))
@settings(max_examples=400)
def test_any_quoting_is_survived_and_no_line_is_told_twice(parts: list[str]) -> None:
    found = records("email,notes\n" + "".join(parts) + "\nlast@x.example,end\n")
    lines = [r.line for r in found]
    assert lines == sorted(set(lines))


def in_batches(content: bytes, *, cut_off: bool = False) -> tuple[list[Record], int]:
    found = table(content, cut_off=cut_off)
    rows = []
    for batch in found.batches():
        rows += [Record(line, cells) for line, cells in zip(batch.lines, batch.rows, strict=True)] + batch.faulty
    return sorted(rows, key=lambda record: record.line), found.blank


pieces = st.sampled_from(['"', ",", "\n", "\r\n", "\r", "a@x.example", "x", '""', " ", "," * 200, '"a\nb"', "\n\n"])


@given(st.lists(pieces, max_size=60), st.booleans(), st.integers(1, 40))
@settings(max_examples=600)
def test_blocks_and_single_lines_tell_the_same_rows(parts: list[str], cut_off: bool, block: int) -> None:
    content = ("email,notes\n" + "x" * 99 + "\n" + "".join(parts)).encode()
    usual, intake_csv.BLOCK = intake_csv.BLOCK, block
    try:
        found, blank = in_batches(content, cut_off=cut_off)
    finally:
        intake_csv.BLOCK = usual
    one_by_one = table(content, cut_off=cut_off)
    assert found == list(one_by_one.records())
    assert blank == one_by_one.blank


@pytest.mark.parametrize("monster", [b"x" * 3_000_000, b'"' + b"x" * 3_000_000 + b'"', b'"' + b"x\n" * 2_000, b'"a"b'])
def test_a_monster_in_a_block_costs_its_own_line(monster: bytes) -> None:
    rows = b"".join(b"p%d@abc.example,x\n" % n for n in range(9000))
    content = b"email,notes\n" + rows + b"m@x.example," + monster + b"\n" + rows
    assert in_batches(content)[0] == records(content)


@given(st.binary(min_size=1, max_size=200), st.integers(1, 50))
def test_the_size_of_the_pieces_changes_no_digest_and_no_end(content: bytes, chunk: int) -> None:
    def judged(size: int) -> tuple[str, bool] | str:
        try:
            found = nature(content, size)
        except RefusedError:
            return "refused"
        return found.sha256, found.ended

    one, other = judged(1 << 20), judged(chunk)
    assert one == other or "refused" in (one, other)
