"""The language server, spoken to as an editor speaks."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.util import find_spec
from typing import Any, BinaryIO

import pytest

from cadenced.cli import lsp

pytestmark = pytest.mark.skipif(find_spec("pygls") is None, reason="the extra lsp is not installed")

SOURCE = "---\nsubject: 'Your plan'\n---\n🙂 You asked!! Just checking in.\n"
DOCUMENT = {"uri": "file:///t.md", "languageId": "markdown", "version": 1, "text": SOURCE}


def _send(stream: BinaryIO, method: str, params: object, number: int | None = None) -> None:
    message: dict[str, object] = {"jsonrpc": "2.0", "method": method, "params": params}
    raw = json.dumps(message if number is None else message | {"id": number}).encode()
    stream.write(b"Content-Length: %d\r\n\r\n" % len(raw) + raw)
    stream.flush()


def _read(stream: BinaryIO) -> dict[str, Any]:
    length = 0
    while (line := stream.readline()) not in (b"\r\n", b""):
        if line.lower().startswith(b"content-length:"):
            length = int(line.split(b":")[1])
    found: dict[str, Any] = json.loads(stream.read(length))
    return found


def _until(stream: BinaryIO, key: str, value: object) -> dict[str, Any]:
    while True:
        message = _read(stream)
        if message.get(key) == value:
            return message


def test_an_editor_gets_findings_the_balance_and_the_cures() -> None:
    program = f"from {lsp.__name__} import lsp; lsp()"
    with subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        give, take = server.stdin, server.stdout
        _send(give, "initialize", {"processId": None, "rootUri": None, "capabilities": {}}, 1)
        assert _until(take, "id", 1)["result"]["capabilities"]["codeLensProvider"] is not None
        _send(give, "initialized", {})
        _send(give, "textDocument/didOpen", {"textDocument": DOCUMENT})
        told = _until(take, "method", "textDocument/publishDiagnostics")["params"]["diagnostics"]
        stale = next(one for one in told if one["code"] == "checking-in")
        assert stale["range"]["start"] == {"line": 3, "character": 15}
        _send(give, "textDocument/codeLens", {"textDocument": {"uri": DOCUMENT["uri"]}}, 2)
        assert _until(take, "id", 2)["result"][0]["command"]["title"].startswith("you 2 · self 0")
        whole = {"start": {"line": 0, "character": 0}, "end": {"line": 4, "character": 0}}
        asked = {"textDocument": {"uri": DOCUMENT["uri"]}, "range": whole, "context": {"diagnostics": []}}
        _send(give, "textDocument/codeAction", asked, 3)
        assert [one["title"] for one in _until(take, "id", 3)["result"]] == ["exclamation: write “!”"]
        _send(give, "shutdown", None, 4)
        _until(take, "id", 4)
        _send(give, "exit", None)
        assert server.wait() == 0
