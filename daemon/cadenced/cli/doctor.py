"""``cadenced doctor``: logs in everywhere and looks at everything that the daemon needs; sends nothing unasked."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import asdict

import click
from rich.text import Text

from cadenced.cli import doctor_machine, doctor_probe, doctor_servers, doctor_store, opening, screen
from cadenced.cli.diagnosis import Diagnosis, Health, bad, note
from cadenced.cli.printing import document, json_option
from cadenced.config import Config, Mailbox
from cadenced.config.spelling import did_you_mean
from cadenced.engine.workspace import Workspace
from cadenced.errors import RefusedError, UsageError
from cadenced.mail.privacy import hush_libraries

_MARKS = {
    Health.GOOD: ("✓", "green"),
    Health.NOTE: ("!", "bold yellow"),
    Health.BAD: ("✗", "bold red"),
}
_DNS = note(
    "machine",
    "dns",
    "SPF, DKIM and DMARC are not looked at",
    "ask your provider, or a checker on the web, whether all three are right for your domain",
)


@click.command()
@click.argument("mailbox", nargs=-1)
@click.option("--probe", is_flag=True, help="Send one mail from each MAILBOX (all, if none is named) to itself.")
@click.option("--patience", type=float, default=60.0, show_default=True, help="Seconds that the probe is looked for.")
@json_option
def doctor(mailbox: tuple[str, ...], *, probe: bool, patience: float, as_json: bool) -> int:
    """Log in everywhere; look at TLS, folders, certificates, disk, rights, secrets, clock, database, daemon and holds.

    Nothing is sent, unless with --probe: it finds out who files copies of sent mail, and keeps that for sent_copy =
    "auto". SPF, DKIM and DMARC are not looked at. The exit status is 1 where something is bad.
    """
    hush_libraries()
    if mailbox and not probe:
        raise UsageError("mailboxes are named for --probe alone; all else is always looked at")
    with opening.workspace() as workspace, screen.busy("logging in everywhere", quiet=as_json):
        boxes = [_box(workspace, name) for name in mailbox] or workspace.config.mailboxes
        found = _examine(workspace)
        found += asyncio.run(_probe(workspace, boxes, patience)) if probe else []
    sick = any(one.health is Health.BAD for one in found)
    if as_json:
        document({"sound": not sick, "checks": [asdict(one) for one in found]})
    else:
        _print(found)
    return 1 if sick else 0


def _examine(workspace: Workspace) -> list[Diagnosis]:
    config = workspace.config
    found = [*doctor_machine.examine(workspace), *doctor_store.examine(workspace)]
    found += asyncio.run(_servers(config))
    if not config.mailboxes:
        found.append(bad("machine", "mailboxes", "there is no mailbox", "add a [[mailbox]] to the configuration"))
    return [*found, _DNS]


async def _servers(config: Config) -> list[Diagnosis]:
    found = await asyncio.gather(*(doctor_servers.examine(box, config.grants) for box in config.mailboxes))
    return [one for of_box in found for one in of_box]


def _box(workspace: Workspace, name: str) -> Mailbox:
    box = workspace.config.mailbox(name)
    if box is None:
        names = [known.name for known in workspace.config.mailboxes]
        raise RefusedError(f"there is no mailbox {name!r}; {did_you_mean(name, names)}")
    return box


async def _probe(workspace: Workspace, boxes: Sequence[Mailbox], patience: float) -> list[Diagnosis]:
    found = await asyncio.gather(*(doctor_probe.examine(workspace, box, patience) for box in boxes))
    return [one for of_box in found for one in of_box]


def _print(found: Iterable[Diagnosis]) -> None:
    area = ""
    listed = list(found)
    order = list(dict.fromkeys(one.area for one in listed))
    for one in sorted(listed, key=lambda one: order.index(one.area)):
        if one.area != area:
            area = one.area
            screen.show(screen.heading(area))
        mark, style = _MARKS[one.health]
        screen.show(screen.item(Text.assemble((f"  {mark} ", style), (f"{one.what:<10}", "dim")), one.text))
        if one.cure:
            screen.show(screen.paragraph(one.cure, indent=14, style="dim"))
    screen.blank()
    bad_ones = sum(one.health is Health.BAD for one in listed)
    text = f"{screen.counted(bad_ones, 'thing')} to mend." if bad_ones else "All well."
    screen.show(screen.styled(text, "bold red" if bad_ones else "bold green"))


COMMANDS = (doctor,)
