"""A configuration bent in any way is read or refused with places, never anything else."""

import tomllib
from importlib import resources

from hypothesis import given, settings
from hypothesis import strategies as st

from cadenced.config import document
from cadenced.config.positions import locate
from cadenced.config.table import Report, Table
from cadenced.errors import BrokenWorkspaceError

WHOLE = resources.files("cadenced.library").joinpath("workspace.toml").read_text("utf-8").replace("@COUNTRY@", "FR")
ODD = st.sampled_from(
    ["", '"', "[", "]]", "{", "}", "=", "\n", "#", "''", "1", "true", '"0"', "mailbox", ".", "\x00", "é"]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9) | st.dates(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=5,
)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(0, len(WHOLE)), st.integers(0, 12), ODD), max_size=4))
def test_a_bent_text_is_read_or_refused_with_lines(tmp_path_factory, cuts):
    text = WHOLE
    for at, length, new in cuts:
        text = text[:at] + new + text[at + length :]
    path = tmp_path_factory.getbasetemp() / "bent.toml"
    path.write_text(text, encoding="utf-8")

    problems = ()
    try:
        document.load(path)
    except BrokenWorkspaceError as wrong:
        problems = wrong.problems

    assert all(problem.line for problem in problems)


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_any_value_under_any_key_is_read_or_a_problem(tmp_path_factory, data):
    values = tomllib.loads(WHOLE)
    tables = [values, *(values[key] for key in ("daemon", "window", "safety", "web")), *values["mailbox"]]
    tables += [box[key] for box in values["mailbox"] for key in ("smtp", "imap", "ramp")]
    table = data.draw(st.sampled_from(tables))
    table[data.draw(st.sampled_from(sorted(table)))] = data.draw(VALUES)
    report = Report("bent.toml", locate(WHOLE))

    document._config(Table(values, (), report), tmp_path_factory.getbasetemp() / "bent.toml")
