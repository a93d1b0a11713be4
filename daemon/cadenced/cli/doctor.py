"""``cadenced doctor``: logs in everywhere and looks at everything that the daemon needs; sends nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import asdict

import click
from rich.text import Text

from cadenced.cli import doctor_machine, doctor_servers, doctor_store, opening, screen
from cadenced.cli.diagnosis import Diagnosis, Health, bad, note
from cadenced.cli.printing import document, json_option
from cadenced.config import Config
from cadenced.engine.workspace import Workspace
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
@json_option
def doctor(*, as_json: bool) -> int:
    """Log in everywhere; look at TLS, folders, certificates, disk, rights, secrets, clock, database, daemon and holds.

    Nothing is sent. SPF, DKIM and DMARC are not looked at. The exit status is 1 where something is bad.
    """
    hush_libraries()
    with opening.workspace() as workspace, screen.busy("logging in everywhere", quiet=as_json):
        found = _examine(workspace)
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
