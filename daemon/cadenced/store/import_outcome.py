"""What became of each row of an import: what its own words said, unless it fared otherwise while it became real."""

from __future__ import annotations

from sqlalchemy import Connection

from cadenced.store import imports
from cadenced.store.import_spool import Spool
from cadenced.store.imports import BATCH, Verdict


def verdicts(tx: Connection, spool: Spool, import_id: int, after: int) -> list[Verdict]:
    """Return the next lines of an import's report; none once all were told."""
    page = spool.page(after, BATCH)
    if not page:
        return []
    differing = imports.verdicts(tx, import_id, after, page[-1].line)
    found = (Verdict(*line) for line in page)
    if not differing:
        return list(found)
    return [Verdict(row.line, row.email, *differing.get(row.line, (row.verdict, row.reason))) for row in found]


def refused(tx: Connection, spool: Spool, import_id: int, limit: int) -> list[Verdict]:
    """Return the first rows that do not count."""
    found = [Verdict(*line) for line in spool.refused(limit)]
    for line, reason in imports.refused(tx, import_id, limit):
        found += [Verdict(line, row.email, "rejected", reason) for row in spool.page(line - 1, 1)]
    return sorted(found)[:limit]
