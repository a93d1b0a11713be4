"""tomllib forgets where things stand; the scanner finds every key again."""

import tomllib

from hypothesis import given
from hypothesis import strategies as st

from cadenced.config.positions import locate

DOCUMENT = '''# a comment with [brackets] and = signs
title = "a # b = c"   # after
"quoted key" = 1
a.b.c = [1, {x = 2, "y z" = "}"}, [3]]

[daemon]
  inbox = """
[not.a.table]
x = 1
"""
raw = \'\'\'
[[neither]]\'\'\'

[[mailbox]]
name = "one"
smtp = {host = "h", port = 25}
[mailbox.imap]
host = "i"

[[mailbox]]
[mailbox.imap]
"host" = 'j'
'''


def at(path, document=DOCUMENT):
    found = locate(document)[path]
    return (found.line, found.column, found.value_line, found.value_column)


def paths(value, path=()):
    """Every way to a key in what tomllib has read."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield (*path, key)
        yield from paths(inner, (*path, key))


def test_every_key_that_tomllib_reads_has_a_position():
    found = locate(DOCUMENT)

    assert [path for path in paths(tomllib.loads(DOCUMENT)) if path not in found] == []


def test_nothing_inside_a_text_is_taken_for_a_key():
    assert ("not",) not in locate(DOCUMENT)
    assert ("neither",) not in locate(DOCUMENT)


def test_positions_count_from_one_and_tell_key_and_value_apart():
    assert at(("title",)) == (2, 1, 2, 9)
    assert at(("daemon", "inbox")) == (7, 3, 7, 11)
    assert at(("a", "b", "c", 1, "y z")) == (4, 21, 4, 29)


def test_tables_of_an_array_are_told_apart():
    assert at(("mailbox", 0, "smtp", "port"))[:2] == (16, 21)
    assert at(("mailbox", 0, "imap", "host"))[:2] == (18, 1)
    assert at(("mailbox", 1, "imap", "host"))[:2] == (22, 1)
    assert at(("mailbox", 1))[:2] == (20, 1)


@given(st.text(alphabet="ab=.[]{}\"'#\\\n, 1", max_size=60))
def test_any_text_at_all_is_scanned_to_its_end(text):
    locate(text)


def test_a_deep_nest_is_scanned_without_recursing_into_it():
    assert locate("a = " + "[" * 5000)
