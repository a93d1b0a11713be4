"""Answers as sixty mail programs write them: the writer's words come out, whole and alone."""

import re
import tomllib
from pathlib import Path

import pytest

from cadenced.reading import quoting

REPLIES = tomllib.loads((Path(__file__).parent / "clients.toml").read_text("utf-8"))["reply"]


def bare(text):
    return re.sub(r"\s+", "", text)


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("reply", REPLIES, ids=lambda reply: reply["name"])
def test_a_mail_programs_quote_and_signature_are_not_the_writers_words(reply, end):
    take = quoting.own_text if reply["format"] == "text" else quoting.own_text_of_html
    own = quoting.spoken(take(reply["body"].replace("\n", end)).text)
    assert bare(own) == bare(reply["own"])
