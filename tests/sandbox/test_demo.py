"""The demo keeps its promises, ends by itself, and goes the way that ``simulate`` foretells."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import pytest

from cadenced import config as configuration
from cadenced import daemon, library
from cadenced.cli import rehearsal
from cadenced.engine.workspace import Workspace
from cadenced.library.watch import LibrarySource
from cadenced.sandbox import cast, demo
from cadenced.sandbox.chronicle import Happening
from cadenced.sandbox.demo import Told, Wanted
from cadenced.sandbox.rehearsal import Setting
from cadenced.sandbox.simulation import Plan, play

PROGRAM = Path(sys.executable).parent / "cadenced"
DAYS = 21


def assemble(workspace: Workspace, shelf: LibrarySource) -> daemon.Daemon:
    return daemon.assemble(workspace, daemon.real_wires(workspace.config, workspace.clock), shelf)


def sent(happened: Iterable[Happening]) -> dict[str, list[tuple[str, str, str]]]:
    """Return what each prospect got: sequence, step, subject."""
    found = defaultdict(list)
    for one in happened:
        if one.event == "sent":
            found[one.email].append((one.data["sequence"], one.data["step"], one.data["subject"]))
    return found


@pytest.mark.slow
async def test_simulate_foretells_what_the_daemon_does_on_real_servers(tmp_path: Path) -> None:
    told: list[Told] = []
    folder = tmp_path / "demo"
    outcome = await demo.play(Wanted(folder, DAYS, 0.5), assemble, told.append, asyncio.Event())
    assert outcome.ledger.is_clean
    happened = [one.happening for one in told]
    config = configuration.load(outcome.config)
    known = library.load(library.shelves(config))
    start = next(one.at for one in happened)
    table = tmp_path / "people.csv"
    gone = cast.refused()
    lines = cast.prospects(start.date()).splitlines()
    table.write_text("\n".join(line for line in lines if line.partition(",")[0] not in gone) + "\n")
    plan = Plan("after-meeting", outcome.ended, table, cast.script(known.sequences))
    foretold = await asyncio.to_thread(play, Setting(config, known, start), plan)
    really, simulated = sent(happened), sent(foretold.course)
    assert set(simulated) == set(cast.addresses()) - gone
    for email, steps in simulated.items():
        both = min(len(steps), len(really[email]))
        assert steps[:both] == really[email][:both], email
        assert abs(len(steps) - len(really[email])) <= 1, email  # the last day's end falls in the middle of things


def run(*arguments: str, seconds: float = 60) -> subprocess.CompletedProcess[str]:
    return subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, timeout=seconds, check=False)


@pytest.mark.slow
def test_the_installed_demo_ends_with_0_and_its_workspace_can_be_looked_at() -> None:
    result = run("demo", "--json", "--days", "8", "--speed", "0.4", "--keep")
    assert result.returncode == 0, result.stderr
    found = json.loads(result.stdout)
    assert found["sent"] > 20
    assert (found["sent_twice"], found["sent_after_answer"]) == (0, 0)
    assert len(found["prospects"]) == 24
    assert found["tasks"]
    folder = found["workspace"]
    answered = next(one for one in found["prospects"] if one["state"] == "halted")["email"]
    for command in (["status"], ["today"], ["show", answered], ["why", answered], ["audit"]):
        looked = run("-c", folder, *command)
        assert looked.returncode == 0, (command, looked.stdout, looked.stderr)
    assert Path(folder, "inbox", "done", "prospects.csv").exists()


def test_without_keep_nothing_stays_behind(tmp_path: Path) -> None:
    with rehearsal._folder(keep=False) as folder:
        (folder / "x").write_text("x")
    assert not folder.exists()


async def test_a_stop_ends_the_demo_politely(tmp_path: Path) -> None:
    stop = asyncio.Event()

    def tell(told: Told) -> None:
        if told.happening.event == "sent":
            stop.set()

    outcome = await demo.play(Wanted(tmp_path / "demo", 45, 0.5), assemble, tell, stop)
    assert outcome.seconds < 20
    assert outcome.ledger.is_clean


async def test_the_demo_ends_when_its_time_is_up(tmp_path: Path) -> None:
    wanted = Wanted(tmp_path / "demo", 45, 30.0, limit=3.0)
    outcome = await demo.play(wanted, assemble, lambda _: None, asyncio.Event())
    assert outcome.seconds < 15
