"""One person brought in by hand: a list with a single row, which goes the way of every list."""

from __future__ import annotations

import csv
import tempfile
from collections.abc import Mapping
from pathlib import Path

from cadenced.engine.intake_import import File, import_file
from cadenced.engine.workspace import Workspace
from cadenced.errors import RefusedError

_NAME = "by hand"


def bring_in(workspace: Workspace, email: str, sequence: str, details: Mapping[str, str]) -> None:
    """Import one prospect and enrol it; ``details`` by column. RefusedError says why not."""
    with tempfile.TemporaryDirectory(prefix="cadenced-") as folder:
        path = Path(folder) / "one.csv"
        with path.open("w", encoding="utf-8", newline="") as stream:
            csv.writer(stream).writerows([["email", *details], [email, *details.values()]])
        result = import_file(workspace.database, File(path, _NAME, sequence), workspace.rules(), workspace.now())
    if result.counts["rejected"]:
        raise RefusedError("; ".join(row.reason for row in result.rejected))
    if result.counts["suppressed"]:
        raise RefusedError(f"{email} is suppressed and is not written to")
