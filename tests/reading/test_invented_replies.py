"""Figures on invented replies: rules have learnt from A to E, so these guard; nothing learns from F: it forecasts."""

import json
from pathlib import Path

import pytest

from benchmarks import reading_figures as figures
from cadenced.reading import inbound, verdict

DATA = Path(__file__).with_name("data")
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", params=["a", "b", "c", "d", "e", "f"])
def judged(request):
    name = "unseen_f" if request.param == "f" else f"replies_{request.param}"
    lines = (DATA / f"{name}.jsonl").read_text("utf-8").splitlines()
    sales = [
        figures.Sale(one, verdict.judge(inbound.parse(figures.sale_message(one)))) for one in map(json.loads, lines)
    ]
    machines = [one for one in sales if str(one.line["verdict"]).startswith("auto")]
    found = figures.sales_figures(sales)
    return request.param, {**found, "automatic": figures.share(one.verdict.kind.startswith("auto") for one in machines)}


LEAST = {
    "a": {
        "verdict strict": 0.97,
        "unsubscribe recall": 1.0,
        "unsubscribe precision": 0.95,
        "date in range": 0.95,
        "automatic": 0.98,
        "referral": 0.91,
    },
    "b": {
        "verdict strict": 0.97,
        "unsubscribe recall": 1.0,
        "unsubscribe precision": 0.92,
        "date in range": 0.95,
        "automatic": 0.95,
        "referral": 0.76,
    },
    "c": {
        "verdict strict": 0.97,
        "unsubscribe recall": 1.0,
        "unsubscribe precision": 0.9,
        "date in range": 0.96,
        "automatic": 0.98,
        "referral": 0.8,
    },
    "d": {
        "verdict strict": 0.97,
        "unsubscribe recall": 1.0,
        "unsubscribe precision": 0.9,
        "date in range": 0.95,
        "automatic": 0.96,
        "referral": 0.75,
    },
    "e": {
        "verdict strict": 0.96,
        "unsubscribe recall": 1.0,
        "unsubscribe precision": 0.9,
        "date in range": 0.95,
        "automatic": 0.98,
        "referral": 0.85,
    },
    "f": {
        "verdict strict": 0.95,
        "unsubscribe recall": 1.0,
        "unsubscribe precision": 0.9,
        "date in range": 0.9,
        "automatic": 0.97,
        "referral": 0.9,
    },
}


def test_invented_replies_are_read_at_least_this_well(judged):
    name, found = judged
    assert {figure: found[figure] for figure, least in LEAST[name].items() if found[figure] < least} == {}


def test_no_person_is_taken_for_a_machine_and_no_day_is_invented(judged):
    _, found = judged
    assert found["human taken for a machine"] <= 0
    assert found["date invented"] < 0.02
