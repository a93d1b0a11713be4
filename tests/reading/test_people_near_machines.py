"""People who close, move, leave, are away or speak of automatic things: none of them is taken for a machine."""

import tomllib
from pathlib import Path

import pytest

from cadenced.reading import inbound, verdict

SAID = tomllib.loads((Path(__file__).with_name("data") / "people_near_machines.toml").read_text("utf-8"))
HEAD = (
    "From: Kim <k@x.example>\nTo: j@abc.example\nSubject: Re: Offer\nIn-Reply-To: <1@abc.example>\n"
    "Date: Mon, 2 Mar 2026 10:00:00 +0100\nContent-Type: text/plain; charset=utf-8\n\n"
)


@pytest.mark.parametrize("language", sorted(SAID))
def test_who_closes_moves_leaves_or_is_away_may_be_a_person(language):
    kinds = {text: verdict.judge(inbound.parse(f"{HEAD}{text}\n".encode())).kind for text in SAID[language]}
    assert {text: kind for text, kind in kinds.items() if not kind.startswith("reply.")} == {}


@pytest.mark.parametrize("language", sorted(SAID))
def test_a_name_below_makes_no_machine_of_them(language):
    kinds = {text: verdict.judge(inbound.parse(f"{HEAD}{text}\n\nKim\n".encode())).kind for text in SAID[language]}
    assert {text: kind for text, kind in kinds.items() if not kind.startswith("reply.")} == {}
