"""``cadenced run`` that is stopped before it has begun: as clean an end as any later one."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

# The stop comes at one certain moment: when the daemon's parts are about to be imported.
STOPPED = """
import os, sys
from cadenced.cli import program

class Stop:
    def find_spec(self, name, path=None, target=None):
        if name == "cadenced.daemon":
            os.kill(os.getpid(), {number})
        return None

sys.meta_path.insert(0, Stop())
sys.exit(program.main({line!r}))
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_before_the_daemon_listens_is_a_clean_end(number: signal.Signals) -> None:
    code = STOPPED.format(number=int(number), line=["-c", "/nowhere/cadenced.toml", "run"])
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")


def test_without_a_stop_the_same_line_goes_on() -> None:
    code = STOPPED.format(number=0, line=["-c", "/nowhere/cadenced.toml", "run"])
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ended.returncode == 3, ended.stderr
