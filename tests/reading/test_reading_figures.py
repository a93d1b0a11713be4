"""The figures on real mail that nobody may lower."""

import pytest

from benchmarks import reading_figures as figures

CORPUS = figures.corpus()
pytestmark = [
    pytest.mark.corpus,
    pytest.mark.slow,
    pytest.mark.skipif(CORPUS is None, reason="the folder of real mail is not here"),
]


@pytest.fixture(scope="module", params=[False, True], ids=["LF", "CRLF"])
def found(request):
    return figures.message_figures(figures.messages(CORPUS, crlf=request.param))


@pytest.fixture(scope="module")
def sold():
    return figures.sales_figures(figures.sales(CORPUS))


@pytest.mark.parametrize(
    ("figure", "least"),
    [
        ("bounce precision", 0.998),
        ("bounce recall", 0.99),
        ("class strict", 0.95),
        ("class strict by template", 0.95),
        ("class lenient", 0.98),
        ("class lenient by template", 0.98),
        ("failed address", 0.985),
        ("human recall", 0.99),
        ("automatic recall", 0.92),
        ("complaint recall", 1.0),
    ],
)
def test_real_mail_is_read_at_least_this_well(found, figure, least):
    assert found[figure] >= least


def test_no_person_is_taken_for_a_machine(found, sold):
    assert found["human taken for a machine"] == 0
    assert sold["human taken for a machine"] == 0


@pytest.mark.parametrize(
    ("figure", "least"),
    [("verdict strict", 0.90), ("unsubscribe recall", 1.0), ("unsubscribe precision", 0.85), ("date in range", 0.90)],
)
def test_sales_replies_are_read_at_least_this_well(sold, figure, least):
    assert sold[figure] >= least


def test_no_date_is_invented(sold):
    assert sold["date invented"] < 0.02


@pytest.mark.parametrize(("figure", "least"), [("exact", 0.80), ("loses nothing", 0.98), ("leaks nothing", 0.85)])
def test_replies_are_parted_from_quotes_at_least_this_well(figure, least):
    assert figures.reply_figures(CORPUS)[figure] >= least
