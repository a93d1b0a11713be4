"""A process that takes what lies in a drop folder and ends; made to be killed. Arguments: database, folder."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from cadenced.core.pacing import ALWAYS
from cadenced.core.sequence import EmailStep, Sequence
from cadenced.engine.intake import Drop, Intake
from cadenced.store.database import Database
from intake.folder import RULES
from peers.clocks import RealClock

PLAN = Sequence("plan", tuple(EmailStep(name, template=name) for name in ("one", "two", "three")), window=ALWAYS)
"""The sequence that an import by the command may have begun with."""


async def main(url: str, folder: str) -> None:
    database = Database(url)
    database.open()
    rules = replace(RULES, sequences={**RULES.sequences, "plan": PLAN})
    intake = Intake(database, RealClock(), Drop(Path(folder), timedelta()), lambda: rules)
    while not intake.idle:
        await intake.tick()
    database.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
