"""``cadenced audit``: the invariants, one by one, with what breaks them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click
from rich.text import Text

from cadenced.cli import opening, screen
from cadenced.cli.printing import document, json_option
from cadenced.core.sequence import Continue, Goto, Move, Pause, Snooze
from cadenced.engine.workspace import Workspace
from cadenced.errors import BrokenWorkspaceError
from cadenced.store import audit as laws
from cadenced.store.audit import Judgement, Weight
from cadenced.store.audit_findings import Given

_SHOWN = 20


@click.command()
@json_option
def audit(*, as_json: bool) -> int:
    """Check the invariants on the database: nothing twice, nothing after a stop, nobody without a next step.

    The exit status is 1 when one is broken. Notes, such as a touch in doubt, break nothing.
    """
    try:
        found = _judge(quiet=as_json, with_library=True)
    except BrokenWorkspaceError:  # a broken sequence must not hide a broken invariant; a broken config is told again
        found = _judge(quiet=as_json, with_library=False)
    broken = any(judgement.is_broken for judgement in found)
    if as_json:
        document(_as_object(found, broken=broken))
    else:
        _print(found)
    return 1 if broken else 0


def _judge(*, quiet: bool, with_library: bool) -> list[Judgement]:
    with opening.workspace(with_library=with_library) as workspace, screen.busy("", quiet=quiet) as told:
        given = Given(workspace.now(), _goes_on(workspace))
        return workspace.database.read(lambda tx: list(laws.judge(tx, given, lambda law: told(law.text))))


def _goes_on(workspace: Workspace) -> Callable[[str, str], bool]:
    """Return whether a sequence says that it goes on after a verdict."""

    def goes_on(name: str, verdict: str) -> bool:
        found = workspace.library.sequences.get(name)
        return found is not None and isinstance(found.reaction(verdict), Continue | Goto | Move | Pause | Snooze)

    return goes_on


def _as_object(found: list[Judgement], *, broken: bool) -> dict[str, Any]:
    return {
        "sound": not broken,
        "laws": [
            {
                "law": judgement.law.name,
                "text": judgement.law.text,
                "severity": judgement.law.weight.value,
                "holds": not judgement.count,
                "count": judgement.count,
                "breaches": [{"text": breach.text, **breach.ids} for breach in judgement.breaches],
            }
            for judgement in found
        ],
    }


def _print(found: list[Judgement]) -> None:
    for judgement in found:
        screen.show(screen.item(_mark(judgement), judgement.law.text, style="" if judgement.count else "dim"))
        for breach in judgement.breaches[:_SHOWN]:
            screen.show(screen.paragraph(breach.text, indent=4))
        if judgement.count > _SHOWN:
            more = f"and {judgement.count - _SHOWN:,} more (cadenced audit --json shows up to {laws.MOST_SHOWN})"
            screen.show(screen.paragraph(more, indent=4, style="dim"))
    screen.blank()
    broken = sum(judgement.is_broken for judgement in found)
    noted = sum(bool(judgement.count) for judgement in found) - broken
    said = f"{broken} of {len(found)} broken" if broken else f"All {len(found)} hold"
    said += f"; {screen.counted(noted, 'thing')} to look at." if noted else "."
    screen.show(screen.styled(said, "bold red" if broken else "bold green"))


def _mark(judgement: Judgement) -> Text:
    if judgement.is_broken:
        return Text("✗ ", style="bold red")
    if judgement.law.weight is Weight.NOTE and judgement.count:
        return Text("! ", style="bold yellow")
    return Text("✓ ", style="green")


COMMANDS = (audit,)
