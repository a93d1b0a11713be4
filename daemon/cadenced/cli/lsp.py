"""The language server: findings and the live balance while a template is edited. Needs the extra `lsp` (pygls)."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any

import click

from cadenced import __version__
from cadenced.cli import wording
from cadenced.errors import CadencedError

if TYPE_CHECKING:  # the linter is loaded when the server starts
    from cadenced.wording.findings import Finding
    from cadenced.wording.settings import Settings

_SEVERITIES = {"error": "Error", "warning": "Warning", "info": "Information"}


@click.command("lsp")
def lsp() -> None:
    """Serve an editor over standard input and output: findings, cures, and the balance above the text."""
    server_module, types = _installed()
    server = server_module.LanguageServer("cadenced", __version__)
    _Desk(server, types).open()
    server.start_io()


COMMANDS: tuple[click.Command, ...] = (lsp,)


def _installed() -> tuple[Any, Any]:
    try:
        return import_module("pygls.lsp.server"), import_module("lsprotocol.types")
    except ImportError as missing:
        raise click.UsageError("the language server needs pygls: pip install 'cadenced[lsp]'") from missing


class _Desk:
    """What the server does for each document; `types` are the protocol's."""

    def __init__(self, server: Any, types: Any) -> None:
        self._server = server
        self._types = types

    def open(self) -> None:
        """Register every feature."""
        types = self._types
        for event in (types.TEXT_DOCUMENT_DID_OPEN, types.TEXT_DOCUMENT_DID_CHANGE, types.TEXT_DOCUMENT_DID_SAVE):
            self._answer(event, self.publish)
        self._answer(types.TEXT_DOCUMENT_DID_CLOSE, self.forget)
        self._answer(types.TEXT_DOCUMENT_CODE_LENS, self.balance)
        self._answer(types.TEXT_DOCUMENT_CODE_ACTION, self.cures)

    def _answer(self, event: str, method: Callable[[Any], Any]) -> None:
        def answer(params: Any) -> Any:  # pygls writes attributes on what it registers, which a method does not take
            return method(params)

        self._server.feature(event)(answer)

    def publish(self, params: Any) -> None:
        """Send the findings on a document."""
        document = self._document(params)
        told = [self._diagnostic(document, finding) for finding in _findings(document.source)]
        self._send(document.uri, told, document.version)

    def forget(self, params: Any) -> None:
        """Take the findings on a closed document away."""
        self._send(params.text_document.uri, [], None)

    def balance(self, params: Any) -> list[Any]:
        """Return the balance as a lens above the first line."""
        from cadenced.wording import voice  # noqa: PLC0415 - it loads word lists

        found = voice.measure_message(self._document(params).source)
        told = (
            f"you {found.you} · self {found.self} · joint {found.joint} · share {found.share:.0%} · {found.words} words"
        )
        return [
            self._types.CodeLens(range=self._range(0, 0, 0, 0), command=self._types.Command(title=told, command=""))
        ]

    def cures(self, params: Any) -> list[Any]:
        """Return the certain cures of the findings in a range."""
        document, types = self._document(params), self._types
        first, last = params.range.start.line + 1, params.range.end.line + 1
        return [
            types.CodeAction(
                title=f"{finding.rule}: write “{text}”" if text else f"{finding.rule}: leave it out",
                kind=types.CodeActionKind.QuickFix,
                edit=types.WorkspaceEdit(
                    changes={document.uri: [types.TextEdit(range=self._place(document, finding), new_text=text)]}
                ),
            )
            for finding in _findings(document.source)
            for text in finding.replacements
            if finding.line <= last and finding.end_line >= first
        ]

    def _document(self, params: Any) -> Any:
        return self._server.workspace.get_text_document(params.text_document.uri)

    def _send(self, uri: str, told: list[Any], version: int | None) -> None:
        params = self._types.PublishDiagnosticsParams(uri=uri, diagnostics=told, version=version)
        self._server.text_document_publish_diagnostics(params)

    def _diagnostic(self, document: Any, finding: Finding) -> Any:
        return self._types.Diagnostic(
            range=self._place(document, finding),
            message=finding.message,
            severity=getattr(self._types.DiagnosticSeverity, _SEVERITIES[finding.severity]),
            code=finding.rule,
            source="cadenced",
        )

    def _place(self, document: Any, finding: Finding) -> Any:
        """Return a finding's place in the units that the editor counts in."""
        given = self._range(finding.line - 1, finding.column - 1, finding.end_line - 1, finding.end_column - 1)
        return document.position_codec.range_to_client_units(document.lines, given)

    def _range(self, line: int, column: int, end_line: int, end_column: int) -> Any:
        start = self._types.Position(line=line, character=column)
        return self._types.Range(start=start, end=self._types.Position(line=end_line, character=end_column))


def _findings(source: str) -> tuple[Finding, ...]:
    from cadenced.wording import lint  # noqa: PLC0415 - it loads every rule

    return lint.template(source, "", _settings())


def _settings() -> Settings:
    """Return the workspace's settings, the defaults while its configuration is broken."""
    from cadenced.wording.settings import DEFAULTS  # noqa: PLC0415 - it loads every rule

    try:
        return wording.settings()
    except CadencedError:
        return DEFAULTS
