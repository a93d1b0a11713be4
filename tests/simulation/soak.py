"""Runs worlds from new seeds for as long as is asked, and says how many, how fast, and which seed failed.

python tests/simulation/soak.py --minutes 10
python tests/simulation/soak.py --seed 23 --trace
"""

from __future__ import annotations

import argparse
import json
import logging
import multiprocessing
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, replace
from multiprocessing.pool import Pool
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from simulation.nemesis import Drama
from simulation.sim_world import Course, Scale


def courses(pool: Pool, first: int, minutes: float, given: tuple[Scale, int]) -> Iterator[Course]:
    """Yield the courses of seed after seed until time is up; a few at a time, so that the end is the end."""
    scale, jobs = given
    ends = time.monotonic() + minutes * 60
    while time.monotonic() < ends:
        yield from pool.imap_unordered(world, [(seed, scale) for seed in range(first, first + 4 * jobs)])
        first += 4 * jobs


def world(given: tuple[int, Scale]) -> Course:
    """Run one world; a trace is only kept where something broke."""
    logging.disable(logging.CRITICAL)
    course = Drama(*given).run()
    return course if course.broken else replace(course, trace=[])


def soak(first: int, minutes: float, scale: Scale, jobs: int) -> int:
    """Run worlds; returns 1 where a law broke."""
    began, worlds, sends, broken = time.monotonic(), 0, 0, {}
    with multiprocessing.Pool(jobs) as pool:
        for course in courses(pool, first, minutes, (scale, jobs)):
            worlds, sends = worlds + 1, sends + course.sends
            if course.broken:
                broken[course.seed] = course.broken
                print(f"seed {course.seed}: {course.broken[0]}", file=sys.stderr)  # noqa: T201 - a program's output
    passed = (time.monotonic() - began) / 60
    years = worlds * scale.prospect_years
    report = {
        "worlds": worlds,
        "first_seed": first,
        "scale": asdict(scale),
        "sends": sends,
        "prospect_years": round(years, 1),
        "prospect_years_a_minute": round(years / passed, 1),
        "sends_a_minute": round(sends / passed, 1),
        "jobs": jobs,
        "broken": broken,
    }
    print(json.dumps(report, indent=2))  # noqa: T201 - a program's output
    return 1 if broken else 0


def main() -> int:
    """Read the command line."""
    known = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    known.add_argument("--minutes", type=float, default=10)
    known.add_argument("--first", type=int, default=int(time.time()))
    known.add_argument("--people", type=int, default=12)
    known.add_argument("--days", type=int, default=14)
    known.add_argument("--calm", type=int, default=12)
    known.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    known.add_argument("--seed", type=int)
    known.add_argument("--trace", action="store_true")
    given = known.parse_args()
    scale = Scale(given.people, given.days, given.calm)
    if given.seed is None:
        return soak(given.first, given.minutes, scale, given.jobs)
    logging.disable(logging.CRITICAL)
    course = Drama(given.seed, scale).run()
    print("\n".join([*(course.trace if given.trace else ()), *course.broken, course.digest]))  # noqa: T201 - as above
    return 1 if course.broken else 0


if __name__ == "__main__":
    sys.exit(main())
