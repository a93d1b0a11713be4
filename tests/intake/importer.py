"""A process that takes what lies in a drop folder and ends; made to be killed. Arguments: database, folder."""

from __future__ import annotations

import asyncio
import sys
from datetime import timedelta
from pathlib import Path

from cadenced.engine.intake import Drop, Intake
from cadenced.store.database import Database
from intake.folder import RULES
from peers.clocks import RealClock


async def main(url: str, folder: str) -> None:
    database = Database(url)
    database.open()
    intake = Intake(database, RealClock(), Drop(Path(folder), timedelta()), lambda: RULES)
    while not intake.idle:
        await intake.tick()
    database.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
