"""Threats that no single module answers: smuggled messages, secrets that leak, and what the code may not do at all."""

from __future__ import annotations

import ast
import base64
import logging
import os
import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from grounds import entered

from cadenced import ports
from cadenced.cli import logs
from cadenced.core.model import Draft
from cadenced.errors import CadencedError
from cadenced.mail.smtp import Pool, SmtpSettings
from cadenced.writing.compose import compose
from peers import clocks, dovecot, smtp_sink, warm
from peers.patience import until
from writing.samples import envelope

FUZZ = int(os.environ.get("CADENCED_FUZZ", "20000")) // 50
SOURCE = Path(__file__).parents[2] / "daemon" / "cadenced"
MODULES = sorted(path for path in SOURCE.rglob("*.py") if "versions" not in path.parts)
PIECES = (
    ".", "..", "\n", "\r", "\r\n", "\n.\n", "\r.\r", "\r\n.\r\n", "\n.\r\n", "\r\n.\n", "\x00", "\u2028", "\x85",
    "a" * 1200,
    "MAIL FROM:<x@evil.example>", "RCPT TO:<y@evil.example>", "DATA", "QUIT", "Subject: x", "é", "日本", "=",
    "=0A", " ", "\t",
)  # fmt: skip


async def always_open(_message: ports.Outgoing) -> float:
    return float("inf")


@pytest.mark.parametrize("ends_at_bare_newline", [False, True])
async def test_no_body_is_two_messages_to_a_server_that_ends_them_at_a_bare_newline(ends_at_bare_newline: bool) -> None:
    """T3: some servers take a bare newline for the end of a line, and what follows for the next command."""
    dice = random.Random(3)  # noqa: S311 - a seed that repeats, not a secret
    async with smtp_sink.serve(ends_at_bare_newline=ends_at_bare_newline) as sink:
        pool = Pool(SmtpSettings("127.0.0.1", sink.port, "none"), clocks.RealClock())
        made = 0
        for number in range(FUZZ):
            body = "".join(dice.choice(PIECES) for _ in range(dice.randrange(1, 12)))
            try:
                raw = compose(envelope(), Draft("Hi", body))
            except CadencedError:
                continue
            made += 1
            message = ports.Outgoing(number, "julie@abc.example", "mike@acme.example", raw, f"<{number}@abc.example>")
            assert isinstance(await pool.submit(message, always_open), ports.Accepted), repr(body)
            assert len(sink.accepted) == made, repr(body)
            assert sink.accepted[-1].raw == raw
        await pool.close()
    assert made > FUZZ // 2
    assert "evil" not in " ".join(sink.commands)


CANARY = "c4nary-Pa55word"
HIDDEN = [
    CANARY.encode(),
    base64.b64encode(CANARY.encode()).rstrip(b"="),
    base64.b64encode(f"\0canary\0{CANARY}".encode()).rstrip(b"="),
    base64.b64encode(f"canary\0canary\0{CANARY}".encode()).rstrip(b"="),
]


@pytest.mark.slow
@pytest.mark.skipif(not dovecot.PROGRAM, reason="Debian's dovecot-imapd is not installed")
@pytest.mark.parametrize("is_right", [True, False], ids=["accepted", "refused"])
def test_a_secret_stands_nowhere_but_where_it_was_put(
    is_right: bool, tmp_path: Path, server: dovecot.Dovecot, stable: warm.Stable
) -> None:
    """T24: not in the log at its most talkative, nor in the database, a report, or the list of processes."""
    with entered(tmp_path / "ground", server, stable, user="canary") as ground:
        path = ground.root / "cadenced.toml"
        login = 'username = "canary"\npassword = "env:SMTP_PASSWORD"\nconnections'
        path.write_text(path.read_text().replace("connections", login, 1))
        ground.sink.users = {"canary": CANARY}
        env = {"JULIE_PASSWORD": CANARY, "SMTP_PASSWORD": CANARY if is_right else f"{CANARY}-wrong"}
        ground.drop("ann@canary.example")
        run = ground.start("run", "--verbose", env=env)
        until(lambda: ground.sink.logins)
        until(lambda: ground.taken() or not is_right)
        told = Path(f"/proc/{run.pid}/cmdline").read_bytes()
        run.signal(15)
        run.wait()
        for words in (("status",), ("show", "ann@canary.example"), ("export", "ann@canary.example"), ("doctor",)):
            ground.start(*words, env=env).wait()
        with closing(sqlite3.connect(ground.root / "cadenced.db")) as store:
            told += "\n".join(store.iterdump()).encode()
        told += b"".join(found.read_bytes() for found in ground.root.rglob("*") if found.is_file())
        assert [secret for secret in HIDDEN if secret in told] == []
        assert ground.sink.logins


def test_whatever_is_logged_is_one_line() -> None:
    """T28: in every form of the log, for any text, without a way to move a terminal."""
    dice = random.Random(28)  # noqa: S311 - a seed that repeats, not a secret
    for _ in range(FUZZ * 5):
        text = "".join(
            chr(dice.choice([dice.randrange(0xD800), dice.randrange(0xA0), 0x1B, 10, 0x2028])) for _ in range(9)
        )
        made = logging.makeLogRecord({"msg": text, "levelno": 20, "levelname": "INFO", "fault": text})
        for form in (logs.Plain(), logs.Journal()):
            line = form.format(made)
            assert len(line.splitlines()) == 1, repr(text)
            assert line.isprintable(), repr(text)


def nodes(kind: type[ast.AST]) -> Iterator[tuple[Path, ast.AST, ast.Module]]:
    for path in MODULES:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, kind):
                yield path, node, tree


def test_nothing_is_evaluated_or_unpickled() -> None:
    """T31: neither by call nor by import."""
    forbidden = {"pickle", "marshal", "shelve", "dill", "jsonpickle", "code", "codeop", "runpy"}
    for path, node, _ in nodes(ast.Call):
        assert isinstance(node, ast.Call)
        if isinstance(node.func, ast.Name):
            assert node.func.id not in {"eval", "exec", "compile", "__import__"}, f"{path}:{node.lineno}"
        if isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Name):
            assert (node.func.value.id, node.func.attr) not in {("os", "system"), ("os", "popen"), ("yaml", "load")}, (
                path
            )
            shell = any(word.arg == "shell" for word in node.keywords)
            assert not (node.func.value.id == "subprocess" and shell), f"{path}:{node.lineno}"
    for path, node, _ in nodes(ast.Import):
        assert isinstance(node, ast.Import)
        assert forbidden.isdisjoint(name.name.split(".")[0] for name in node.names), path
    for path, node, _ in nodes(ast.ImportFrom):
        assert isinstance(node, ast.ImportFrom)
        assert (node.module or "").split(".")[0] not in forbidden, path


WIRES = {"socket", "ssl", "http", "urllib", "smtplib", "imaplib", "aiosmtplib", "aioimaplib", "requests", "aiohttp"}
NO_WIRES = {"urllib.parse", "http.HTTPStatus"}
MAY_CONNECT = ("mail/", "sandbox/", "systemd.py", "cli/doctor", "daemon.py")


def test_only_the_wire_opens_connections() -> None:
    """T18: nothing that a user or a stranger writes can make any other part fetch anything."""
    for kind in (ast.Import, ast.ImportFrom):
        for path, node, _ in nodes(kind):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else [name.name for name in node.names]
            for name in names:
                if name.split(".")[0] in WIRES and name not in NO_WIRES:
                    assert str(path.relative_to(SOURCE)).startswith(MAY_CONNECT), f"{path} imports {name}"


SQL = ("select ", "insert ", "update ", "delete ", "pragma ", "create ", "drop ", "copy ", "with ")


def test_sql_is_made_of_constants_alone() -> None:
    """T23: a statement that is put together has nothing in it but names of this program's own."""
    for path, node, tree in nodes(ast.JoinedStr):
        assert isinstance(node, ast.JoinedStr)
        first = node.values[0] if node.values else None
        if not (isinstance(first, ast.Constant) and str(first.value).lower().startswith(SQL)):
            continue
        if path.relative_to(SOURCE).parts[0] != "store":
            continue
        for value in node.values:
            if isinstance(value, ast.FormattedValue):
                assert is_constant(value.value, tree), f"{path}:{node.lineno}: {ast.unparse(value.value)}"


def is_constant(value: ast.expr, tree: ast.Module) -> bool:
    """Whether this is a name in capitals, or runs over what such a name holds."""
    names = {node.id for node in ast.walk(value) if isinstance(node, ast.Name)}
    running = {
        target.id
        for loop in ast.walk(tree)
        if isinstance(loop, ast.For | ast.comprehension) and own(loop.iter)
        for target in ast.walk(loop.target)
        if isinstance(target, ast.Name)
    }
    return all(name.strip("_").isupper() or name in running for name in names)


def own(iterated: ast.expr) -> bool:
    return all(node.id.strip("_").isupper() for node in ast.walk(iterated) if isinstance(node, ast.Name))
