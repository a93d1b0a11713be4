"""``cadenced forget``: erase a person who asks for it, and never write to them again."""

from __future__ import annotations

from pathlib import Path

import click

from cadenced.cli import opening, screen
from cadenced.cli.moments import stamp
from cadenced.cli.printing import document, json_option
from cadenced.engine import forgetting
from cadenced.engine.forgetting import Erased
from cadenced.engine.workspace import Workspace

_SHOWN = {
    "prospects": ("prospect", "prospects"),
    "touches": ("mail of ours", "mails of ours"),
    "inbound": ("mail of theirs", "mails of theirs"),
    "tasks": ("task", "tasks"),
    "events": ("event", "events"),
    "mentions": ("mention elsewhere", "mentions elsewhere"),
}


@click.command()
@click.argument("email")
@json_option
def forget(email: str, *, as_json: bool) -> None:
    """Erase a person, and never write to them again.

    What runs for them ends. Their data leave the database, the reports and the rows that wait; moments, states and
    numbers stay, so that limits and the audit hold. A keyed hash of the address is kept, so that no list brings them
    back; cadenced suppress remove lifts it. It cannot be undone. First perhaps: cadenced export EMAIL
    """
    with opening.workspace(with_library=False) as workspace:
        erased = forgetting.forget(workspace, email)
        if as_json:
            document(_object(erased))
        else:
            _print(erased, workspace)


def _object(erased: Erased) -> dict[str, object]:
    return {
        "email": erased.email,
        "forgotten_at": stamp(erased.at),
        "erased": dict(erased.rows),
        "files": [str(path) for path in erased.files],
        "left": [str(path) for path in erased.left],
    }


def _print(erased: Erased, workspace: Workspace) -> None:
    found = [screen.counted(erased.rows[name], *words) for name, words in _SHOWN.items() if erased.rows.get(name)]
    found += [screen.counted(len(erased.files), "file", "files")] if erased.files else []
    again = " again" if erased.before and found else ""
    told = f"erased: {', '.join(found)}." if found else "nothing was kept of them."
    screen.show(screen.paragraph(f"{erased.email} is forgotten{again}, and never written to; {told}"))
    left = [_shown(path, workspace) for path in erased.left]
    lists = f"in {', '.join(left)}, which is yours; " if left else ""
    screen.show(screen.paragraph(f"They may still stand {lists}in the mailboxes themselves, and in backups."))


def _shown(path: Path, workspace: Workspace) -> str:
    base = workspace.config.path.parent
    return str(path.relative_to(base)) if path.is_relative_to(base) else str(path)


COMMANDS = (forget,)
