"""What a machine reads: JSON in UTF-8 with moments in UTC, whatever the terminal's own encoding is."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import click

from cadenced.cli import moments

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON for machines.")
"""The option that every reading command has."""


def document(value: Mapping[str, Any] | Sequence[Any]) -> None:
    """Print one JSON document, indented."""
    _write(value, indent=2)


def line(value: Mapping[str, Any]) -> None:
    """Print one JSON object on a line of its own."""
    _write(value, indent=None)


def _write(value: Any, indent: int | None) -> None:
    try:
        raw = json.dumps(value, ensure_ascii=False, indent=indent, default=moments.restamped).encode()
    except UnicodeEncodeError:  # a lone surrogate out of a broken mail
        raw = json.dumps(value, ensure_ascii=True, indent=indent, default=moments.restamped).encode()
    click.echo(raw)
