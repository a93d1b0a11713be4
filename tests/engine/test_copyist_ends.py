"""The process that makes letters ends without a word when whoever asked it has ended."""

from __future__ import annotations

import subprocess
import sys

import pytest

from cadenced.engine import parcels
from peers.patience import PATIENCE

CODE = "from cadenced.engine import copyist; copyist.main()"


@pytest.mark.parametrize("cut", [0, 3, parcels.HEAD.size, parcels.HEAD.size + 2])
def test_a_question_that_was_never_ended_is_none(cut: int) -> None:
    asked = parcels.pack(["an order"])[:cut]
    ended = subprocess.run(
        [sys.executable, "-c", CODE], input=asked, capture_output=True, timeout=PATIENCE, check=False
    )
    assert (ended.returncode, ended.stderr) == (0, b"")


def test_a_first_word_that_nobody_hears_is_no_fault() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", CODE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as child:
        for pipe in (child.stdout, child.stdin):
            assert pipe is not None
            pipe.close()
        assert child.stderr is not None
        assert child.wait(PATIENCE) == 0
        assert child.stderr.read() == b""
