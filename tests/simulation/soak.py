"""Runs worlds from new seeds for as long as is asked, and says how many, how fast, and which seed failed.

python tests/simulation/soak.py --minutes 10
python tests/simulation/soak.py --minutes 10 --shape crowd
python tests/simulation/soak.py --seed 23 --trace

A world's seed says which shape it has: half of them are towns, the others a crowd, a year with a fault for nearly every
touch, short and dense, or one in which older databases are put back.
"""

from __future__ import annotations

import argparse
import gc
import json
import logging
import multiprocessing
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import count
from multiprocessing.pool import Pool
from pathlib import Path
from queue import SimpleQueue

sys.path.insert(0, str(Path(__file__).parents[1]))

from simulation.nemesis import Drama
from simulation.sim_scale import CROWD, DENSE, RESTORED, SHAPES, TOWN, YEAR, Course, Scale


def courses(pool: Pool, first: int, minutes: float, given: tuple[Scale | None, int]) -> Iterator[tuple[Scale, Course]]:
    """Yield the courses of seed after seed as they end, until time is up; no world is begun after that."""
    scale, jobs = given
    ends = time.monotonic() + minutes * 60
    ended: SimpleQueue[tuple[Scale, Course] | BaseException] = SimpleQueue()
    seeds, under_way = count(first), 0
    while time.monotonic() < ends or under_way:
        while under_way < jobs and time.monotonic() < ends:
            seed = next(seeds)
            pool.apply_async(world, ((seed, scale or scale_of(seed)),), callback=ended.put, error_callback=ended.put)
            under_way += 1
        found = ended.get()
        if isinstance(found, BaseException):
            raise found
        under_way -= 1
        yield found


def scale_of(seed: int) -> Scale:
    """Return how large the world of a seed is where nobody has said so."""
    return (TOWN, DENSE, TOWN, CROWD, TOWN, RESTORED, TOWN, YEAR)[seed % 8]


def world(given: tuple[int, Scale]) -> tuple[Scale, Course]:
    """Run one world; a trace is only kept where something broke."""
    logging.disable(logging.CRITICAL)
    seed, scale = given
    gc.disable()  # a world is short, and what it leaves behind is collected at its end
    began = time.process_time()
    course = Drama(seed, scale).run()
    gc.collect()
    course.counts["cpu_ms"] = round(1000 * (time.process_time() - began))
    return scale, course if course.broken else replace(course, trace=[])


ANSWERS = ("reply", "automatic", "bounce")
FAULTS = ("crash", "freeze", "sigterm", "imap", "smtp", "wall", "edit", "restore")


@dataclass(slots=True)
class Sum:
    """What the worlds of one shape came to."""

    worlds: int = 0
    sends: int = 0
    years: float = 0.0
    days: int = 0
    cpu: float = 0.0
    kinds: Counter[str] = field(default_factory=Counter)

    def add(self, scale: Scale, course: Course) -> None:
        """Count a world."""
        self.worlds, self.sends = self.worlds + 1, self.sends + course.sends
        self.years += scale.prospect_years
        self.days += scale.days + scale.calm
        self.cpu += course.counts.pop("cpu_ms") / 1000
        self.kinds.update(course.counts)

    def report(self, minutes: float) -> dict[str, object]:
        """Return it as figures; those of CPU are of all processes together."""
        answers, faults = (sum(self.kinds[kind] for kind in kinds) for kinds in (ANSWERS, FAULTS))
        cpu = self.cpu / 60 or 1.0
        return {
            "worlds": self.worlds,
            "prospect_years": round(self.years, 1),
            "virtual_days": self.days,
            "sends": self.sends,
            "answers": answers,
            "faults": faults,
            "cpu_minutes": round(cpu, 2),
            "of_a_minute": {"prospect_years": round(self.years / minutes, 1), "sends": round(self.sends / minutes, 1)},
            "of_a_minute_of_cpu": {
                "prospect_years": round(self.years / cpu, 1),
                "virtual_days": round(self.days / cpu, 1),
                "sends": round(self.sends / cpu, 1),
                "answers": round(answers / cpu, 1),
                "faults": round(faults / cpu, 1),
            },
            "happenings": dict(self.kinds),
        }


@dataclass(slots=True)
class Tally:
    """What all worlds came to, shape by shape."""

    began: float = field(default_factory=time.monotonic)
    sums: dict[str, Sum] = field(default_factory=dict)
    broken: dict[int, list[str]] = field(default_factory=dict)

    def add(self, scale: Scale, course: Course) -> None:
        """Count a world; a failing seed is told at once, with the command that repeats it."""
        shape = next((name for name, known in SHAPES.items() if known == scale), "other")
        self.sums.setdefault(shape, Sum()).add(scale, course)
        if course.broken:
            self.broken[course.seed] = course.broken
            print(f"seed {course.seed} ({_again(course.seed, shape, scale)}): {course.broken[0]}", file=sys.stderr)  # noqa: T201 - a program's output

    def report(self, first: int, jobs: int) -> dict[str, object]:
        """Return it as figures."""
        minutes = (time.monotonic() - self.began) / 60
        years = sum(one.years for one in self.sums.values())
        return {
            "first_seed": first,
            "worlds": sum(one.worlds for one in self.sums.values()),
            "sends": sum(one.sends for one in self.sums.values()),
            "prospect_years": round(years, 1),
            "prospect_years_a_minute": round(years / minutes, 1),
            "minutes": round(minutes, 1),
            "jobs": jobs,
            "shapes": {shape: one.report(minutes) for shape, one in self.sums.items()},
            "broken": self.broken,
        }


def _again(seed: int, shape: str, scale: Scale) -> str:
    """Return how to see a world again."""
    size = f"--shape {shape}"
    if shape not in SHAPES:
        size = f"--people {scale.people} --days {scale.days} --calm {scale.calm}"
    return f"python tests/simulation/soak.py --seed {seed} {size} --trace"


def soak(first: int, minutes: float, given: tuple[Scale | None, int], report: Path | None) -> int:
    """Run worlds; returns 1 where a law broke. The report is written after each world, and at SIGTERM."""
    tally, jobs = Tally(), given[1]
    with multiprocessing.Pool(jobs) as pool:
        signal.signal(signal.SIGTERM, _end)
        with suppress(KeyboardInterrupt):
            for size, course in courses(pool, first, minutes, given):
                tally.add(size, course)
                if report is not None:
                    _write(report, tally.report(first, jobs))
    print(json.dumps(tally.report(first, jobs), indent=2))  # noqa: T201 - a program's output
    return 1 if tally.broken else 0


def _end(_signal: int, _frame: object) -> None:
    raise KeyboardInterrupt


def _write(path: Path, report: dict[str, object]) -> None:
    draft = path.with_suffix(".new")
    draft.write_text(json.dumps(report, indent=2))
    draft.replace(path)


def main() -> int:
    """Read the command line."""
    known = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    known.add_argument("--minutes", type=float, default=10)
    known.add_argument("--first", type=int, default=int(time.time()))
    known.add_argument("--shape", choices=SHAPES, help="one shape for all worlds; in turn where none is given")
    known.add_argument("--people", type=int, help="how large every world is, instead of a shape")
    known.add_argument("--days", type=int, default=DENSE.days)
    known.add_argument("--calm", type=int, default=DENSE.calm)
    known.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    known.add_argument("--report", type=Path, help="a file that holds the totals after every world")
    known.add_argument("--seed", type=int)
    known.add_argument("--trace", action="store_true")
    given = known.parse_args()
    scale = Scale(given.people, given.days, given.calm) if given.people else SHAPES.get(given.shape)
    if given.seed is None:
        return soak(given.first, given.minutes, (scale, given.jobs), given.report)
    logging.disable(logging.CRITICAL)
    course = Drama(given.seed, scale or scale_of(given.seed)).run()
    print("\n".join([*(course.trace if given.trace else ()), *course.broken, course.digest]))  # noqa: T201 - as above
    return 1 if course.broken else 0


if __name__ == "__main__":
    sys.exit(main())
