"""The installed command where libfaketime fakes the wall clock and leaves the other clocks alone (row 51, I22).

``time.sleep`` fails there; nothing of ours may depend on it.
"""

from __future__ import annotations

import ast
import os
import time
from collections.abc import Iterator
from pathlib import Path

import outside
import pytest

from peers import dovecot
from peers.patience import until

pytestmark = pytest.mark.slow

FAKE = next(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"), None)
SOURCE = Path(__file__).parents[2] / "daemon" / "cadenced"
HOUR = 3600


def sleeps(path: Path) -> list[int]:
    """Return the lines on which ``time.sleep`` is named."""
    tree = ast.walk(ast.parse(path.read_text()))
    return [node.lineno for node in tree if isinstance(node, ast.Attribute) and ast.unparse(node) == "time.sleep"]


def test_nothing_sleeps_by_a_call_that_fails_under_a_fake_clock() -> None:
    found = {str(path): lines for path in SOURCE.rglob("*.py") if (lines := sleeps(path))}
    assert not found


@pytest.fixture(scope="module")
def server() -> Iterator[dovecot.Dovecot]:
    with dovecot.running() as one:
        yield one


def is_sent(desk: outside.Outside, email: str) -> bool:
    return bool(desk.show(email)["timeline"][-1]["event"] == "sent")


@pytest.mark.skipif(not dovecot.PROGRAM, reason="Debian's dovecot-imapd is not installed")
@pytest.mark.skipif(FAKE is None, reason="Debian's libfaketime is not installed")
def test_under_a_clock_that_somebody_fakes_commands_work_and_a_jump_holds_the_sends(
    tmp_path: Path, server: dovecot.Dovecot
) -> None:
    """With ``CADENCED_FAKE_TIME`` the two minutes are waited out in which a clock must run evenly."""
    ahead = tmp_path / "ahead"
    ahead.write_text("+0\n")
    with outside.opened(tmp_path / "ground", server.port, gap="1 h") as desk:
        fake = {"FAKETIME_TIMESTAMP_FILE": str(ahead), "FAKETIME_CACHE_DURATION": "1", "DONT_FAKE_MONOTONIC": "1"}
        desk.env |= {"LD_PRELOAD": str(FAKE), **fake}
        people = tmp_path / "people.csv"
        people.write_text("email,first_name\nann@fake.example,Ann\nbob@fake.example,Bob\n")
        desk.run("import", str(people))
        desk.start()
        until(lambda: len(desk.sink.accepted) == 2)
        until(lambda: all(is_sent(desk, f"{name}@fake.example") for name in ("ann", "bob")))
        jumped = time.monotonic()
        ahead.write_text(f"+{2 * HOUR}\n")  # both follow-ups are due by that clock
        until(lambda: "no send begins" in desk.log())
        desk.run("halt", "bob@fake.example")
        if os.environ.get("CADENCED_FAKE_TIME"):
            until(lambda: len(desk.sink.accepted) == 3)
            assert desk.sink.accepted[2].monotonic > jumped + 110
        assert desk.stop() == 0
        assert {one.recipients[0] for one in desk.sink.accepted[2:]} <= {"ann@fake.example"}
        assert all(one.monotonic > jumped + 110 for one in desk.sink.accepted[2:])
