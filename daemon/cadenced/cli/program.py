"""The program ``cadenced``: its commands by name, each loaded when it is asked for, and what ends it how.

Exit statuses: 0 fine, 1 findings or refused, 2 usage, 3 broken config, 4 failure.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import os
import signal
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from types import FrameType, MappingProxyType, ModuleType, TracebackType
from typing import NamedTuple

import click

from cadenced import __version__
from cadenced.errors import BrokenWorkspaceError, CadencedError

CONFIG = "cadenced.config"
"""The key of click's ``meta`` under which the file of ``-c`` is found, wherever it stood on the line."""

FAILURE = 4
INTERRUPTED = 130  # 128 + SIGINT, as shells say it


class Entry(NamedTuple):
    """A command as ``cadenced --help`` shows it: the section it is listed in, its module, and its one line."""

    section: str
    module: str
    line: str


_SECTIONS: Mapping[str, Mapping[str, tuple[str, str]]] = {
    "Begin": {
        "init": ("beginning", "Make a new workspace with a starter set."),
        "check": ("check", "Check config, sequences, templates and wording, all at once."),
        "doctor": ("doctor", "Log in everywhere; look at folders, clock, disk and rights."),
        "demo": ("rehearsal", "See it all at work on this machine: no account, no network."),
        "run": ("running", "Run the daemon."),
    },
    "Prepare": {
        "import": ("imports", "Import CSV files at once, or take an import back."),
        "imports": ("imports", "List the imports with their ids."),
        "preview": ("rehearsal", "Show dates and messages, through the code that sends."),
        "simulate": ("rehearsal", "Play a sequence through on a virtual clock."),
    },
    "Look": {
        "status": ("status", "Show how everything stands."),
        "today": ("today", "List what waits for you: tasks, and replies."),
        "show": ("person", "Show all about one prospect."),
        "why": ("why", "Say why the next message leaves when it does, or why none does."),
        "audit": ("audit", "Check the invariants on the database."),
    },
    "By hand": {
        "done": ("today", "Mark a task as done, and say what came of it."),
        "note": ("hand", "Write something down about a prospect."),
        "enrol": ("hand", "Begin a sequence for a prospect."),
        "halt": ("hand", "End everything that runs for a prospect."),
        "pause": ("hand", "Set a prospect aside for a while."),
        "resume": ("hand", "Take up what was paused or halted."),
        "skip": ("hand", "Leave the next step out."),
        "suppress": ("suppressions", "Say who is never written to."),
        "resolve": ("settle", "Settle a touch of which nobody knows whether it was sent."),
        "release": ("settle", "Let a mailbox that is held send again."),
        "export": ("person", "Write out all that is kept of a person."),
        "forget": ("forgetting", "Erase a person, and never write to them again."),
    },
    "Answers": {
        "classify": ("classify", "Say what incoming mails mean."),
        "reclassify": ("reclassify", "Read kept mails again with the present rules."),
    },
    "Wording": {
        "lint": ("wording", "Check the wording of templates and sequences."),
        "voice": ("wording", "Show whether a text speaks of its reader or of its writer."),
        "rule": ("wording", "Explain a rule of wording."),
        "lsp": ("lsp", "Serve an editor: findings and balance while you write."),
    },
}

_MEANT: Mapping[str, str] = {
    "tasks": "today",
    "todo": "today",
    "log": "show",
    "logs": "show",
    "history": "show",
    "start": "run",
    "send": "run",
    "stop": "halt",
    "validate": "check",
    "test": "check",
    "delete": "forget",
    "erase": "forget",
    "unsubscribe": "suppress",
    "add": "enrol",
    "dashboard": "status",
}
"""What other programs call it."""

ENTRIES: Mapping[str, Entry] = MappingProxyType(
    {
        name: Entry(section, f"cadenced.cli.{module}", line)
        for section, commands in _SECTIONS.items()
        for name, (module, line) in commands.items()
    }
)
"""Every command there is."""


def _imported(name: str) -> ModuleType:
    """Import without collecting garbage meanwhile: there is none, and what is imported stays (a tenth of the time)."""
    gc.disable()
    try:
        return importlib.import_module(name)
    finally:
        gc.freeze()
        gc.enable()


def _may_be_stopped() -> None:
    """Have a stop that comes before the daemon listens for stops end it cleanly too: nothing has begun yet."""
    for number in (signal.SIGTERM, signal.SIGINT):
        with contextlib.suppress(ValueError):  # only the main thread is told of signals
            signal.signal(number, _end_at_once)


def _end_at_once(_number: int, _frame: FrameType | None) -> None:
    os._exit(0)


class LazyGroup(click.Group):
    """A group whose commands are imported when they are called, not when they are listed."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Return the names in the order in which they are shown."""
        return list(ENTRIES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        """Import the module of a command and return it, None for a name that is none."""
        entry = ENTRIES.get(cmd_name)
        if entry is None:
            return None
        if cmd_name == "run":
            _may_be_stopped()
        module = _imported(entry.module)
        return _with_config(next(command for command in module.COMMANDS if command.name == cmd_name))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command of a line; for an unknown one say which was probably meant."""
        if args and not args[0].startswith("-") and args[0] not in ENTRIES:
            meant = _MEANT.get(args[0].lower())
            near = [meant] if meant else get_close_matches(args[0], ENTRIES, n=1)
            hint = f" Did you mean '{near[0]}'?" if near else ""
            raise click.UsageError(f"There is no command '{args[0]}'.{hint}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's signature
        """List the commands by section, aligned over all sections, without importing one."""
        width = max(map(len, ENTRIES))
        for section, commands in _SECTIONS.items():
            with formatter.section(section):
                formatter.write_dl([(name.ljust(width), line) for name, (_, line) in commands.items()])


def _keep_config(ctx: click.Context, _parameter: click.Parameter, value: Path | None) -> None:
    if value is not None:
        ctx.meta[CONFIG] = value


def _config_option() -> click.Option:
    return click.Option(
        ["-c", "--config"],
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="The workspace's cadenced.toml, or its folder.",
        expose_value=False,
        callback=_keep_config,
    )


def _with_config(command: click.Command) -> click.Command:
    """Give a command, and all below it, the option ``-c`` where it has none of its own."""
    if isinstance(command, click.Group):
        for below in command.commands.values():
            _with_config(below)
    if not any("-c" in parameter.opts for parameter in command.params):
        command.params.append(_config_option())
    return command


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    params=[_config_option()],
    epilog="Begin with: cadenced demo, or cadenced init DIR. More about a command: cadenced COMMAND --help.",
)
@click.version_option(__version__, "-V", "--version", prog_name="cadenced", message="%(prog)s %(version)s")
def root() -> None:
    """Follow up with prospects: nothing twice, nothing after an answer.

    The workspace is found by -c FILE, else $CADENCED_CONFIG, else ./cadenced.toml, else /etc/cadenced/cadenced.toml.
    """


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command line (``sys.argv`` where none is given) and return its exit status."""
    sys.excepthook = _crash
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    return _guarded(lambda: _run(arguments))


def _run(arguments: Sequence[str] | None) -> int:
    answer = root.main(args=arguments, prog_name="cadenced", standalone_mode=False)
    sys.stdout.flush()
    return answer if isinstance(answer, int) else 0


def _guarded(run: Callable[[], int]) -> int:
    """Run, and turn what the line, the terminal or the user's hand ended into a status."""
    try:
        return _spoken(run)
    except click.ClickException as wrong:
        wrong.show()
        return wrong.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        return INTERRUPTED
    except BrokenPipeError:  # the reader has seen enough: `cadenced show … | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _spoken(run: Callable[[], int]) -> int:
    """Run, and say in words what went wrong in the world."""
    try:
        return run()
    except BrokenWorkspaceError as broken:
        for problem in broken.problems:
            click.echo(str(problem), err=True)
        return broken.exit_status
    except CadencedError as error:
        return _say(str(error), error.exit_status)
    except BrokenPipeError:
        raise
    except OSError as fault:
        return _say(_of_system(fault), FAILURE)
    except _database_faults() as fault:
        return _say(_of_database(fault), FAILURE)


def _say(message: str, status: int) -> int:
    click.echo(f"cadenced: {message}", err=True)
    return status


def _of_system(fault: OSError) -> str:
    reason = fault.strerror or str(fault)
    return f"{fault.filename}: {reason}" if fault.filename else reason


def _database_faults() -> tuple[type[Exception], ...]:
    """Return what a full disk, a damaged file or a lost server looks like, if a database was opened at all."""
    module = sys.modules.get("sqlalchemy.exc")
    return (module.DatabaseError,) if module else ()


def _of_database(fault: Exception) -> str:
    """Return what is wrong with the database; a query that is wrong itself is a fault of ours and raised again."""
    module = sys.modules["sqlalchemy.exc"]
    if isinstance(fault, module.IntegrityError | module.ProgrammingError | module.DataError):
        raise fault
    origin = str(getattr(fault, "orig", None) or fault).strip().splitlines()[0]
    return f"the database cannot be used: {origin}; cadenced doctor looks into it"


def _crash(kind: type[BaseException], fault: BaseException, trace: TracebackType | None) -> None:
    """End with a failure where a fault of this program itself comes up, and show where it is."""
    traceback.print_exception(kind, fault, trace)
    click.echo("cadenced: this is a fault of cadenced itself; please report it with the lines above", err=True)
    raise SystemExit(FAILURE)
