"""Refusals and notices of many providers in a dozen languages, and the examples of every bounce pattern."""

import tomllib
from email.header import Header
from pathlib import Path

import pytest

from cadenced.reading import bounce, inbound, patterns
from cadenced.reading import bounce_diagnosis as diagnosis

HERE = Path(__file__).parent
SYSTEMS = tomllib.loads((HERE / "bounce_wordings.toml").read_text("utf-8"))["system"]
NOTICES = tomllib.loads((HERE / "bounce_notices.toml").read_text("utf-8"))["notice"]
SAID = [
    pytest.param(kind, text, id=f"{system['name'][:12]} {kind} {number}")
    for system in SYSTEMS
    for kind in ("hard", "soft", "blocked")
    for number, text in enumerate(system.get(kind, ()))
]


@pytest.mark.parametrize(("kind", "text"), SAID)
def test_a_providers_words_tell_whether_the_address_is_dead(kind, text):
    assert diagnosis.judge([text]).kind == kind, diagnosis.judge([text])


@pytest.mark.parametrize("notice", NOTICES, ids=lambda notice: notice["name"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("path", ["Return-Path: <>\n", ""])
def test_a_notice_without_a_report_names_its_kind_and_the_address(notice, path, end):
    subject = Header(notice["subject"], "utf-8", maxlinelen=900).encode()
    raw = (
        f"{path}From: {notice['sender']}\nTo: julie@abc.example\nSubject: {subject}\n"
        "Date: Mon, 2 Mar 2026 10:00:05 +0000\nContent-Type: text/plain; charset=utf-8\n\n" + notice["body"]
    )
    found = bounce.find(inbound.parse(raw.replace("\n", end).encode()))
    assert found is not None
    assert (found.kind, found.recipients[0]) == (notice["kind"], "paula@prospect.example")


@pytest.mark.parametrize("book", ["bounce_reasons", "bounce_signs", "bounce_advice", "calendar_signs"])
def test_every_pattern_matches_its_examples_and_not_the_others(book):
    for pattern in patterns.load(book):
        assert pattern.must, pattern.code
        assert [text for text in pattern.must if not pattern.search(text)] == [], pattern.code
        assert [text for text in pattern.must_not if pattern.search(text)] == [], pattern.code
