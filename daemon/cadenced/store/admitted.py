"""Versions of templates that have passed their trial: what has not changed need not be tried again at each start."""

from __future__ import annotations

import json
from collections.abc import Collection

from sqlalchemy import Connection, delete, select

from cadenced.store.schema import meta

_KEY = "templates_admitted"


def known(tx: Connection, judge: str) -> frozenset[str]:
    """Return the versions that ``judge`` has let in; those of another judge are tried again."""
    value = tx.execute(select(meta.c.value).where(meta.c.key == _KEY)).scalar()
    kept = json.loads(value) if value else {}
    return frozenset(kept["versions"]) if kept.get("judge") == judge else frozenset()


def note(tx: Connection, judge: str, versions: Collection[str]) -> None:
    """Keep the versions that are in force; all others are forgotten."""
    if known(tx, judge) == frozenset(versions):
        return
    value = json.dumps({"judge": judge, "versions": sorted(versions)})
    tx.execute(delete(meta).where(meta.c.key == _KEY))
    tx.execute(meta.insert().values(key=_KEY, value=value))
