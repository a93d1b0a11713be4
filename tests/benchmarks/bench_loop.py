"""The main loop on real servers: touches a second, and the time from a reply's arrival to the halt. Prints JSON.

    python tests/benchmarks/bench_loop.py [--touches 400] [--replies 100]

Needs Debian's dovecot-imapd and postfix (smtp-sink). Machines are noisy: compare ratios and CPU, not rates.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import statistics
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).parents[1]
sys.path[:0] = [str(HERE), str(HERE / "engine")]

import house  # noqa: E402 - found by the line above

from cadenced.store.schema import enrolments  # noqa: E402 - as above
from peers import dovecot, smtp_sink  # noqa: E402 - as above

REPLY = """\
From: p{n}@many.example\r
To: julie@abc.example\r
Subject: Re: Your next step Ann\r
Message-ID: <answer-{n}@many.example>\r
\r
Yes, Thursday at ten is fine. Please send the agenda.\r
"""


def cpu() -> float:
    """Return the CPU seconds of this process so far."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


async def sending(home: house.House, count: int) -> dict[str, float]:
    """Enrol ``count`` prospects and time their first touches, durable and fenced."""
    for number in range(count):
        home.enrol(f"p{number}@many.example")
    before, used = time.monotonic(), cpu()
    await house.until(lambda: len(home.sink.accepted) >= count, 300)
    span = time.monotonic() - before
    return {"touches": count, "per_second": round(count / span, 1), "cpu_ms": round((cpu() - used) / count * 1000, 2)}


async def halting(home: house.House, server: dovecot.Dovecot, count: int) -> dict[str, float]:
    """Deliver replies one after the other, and time each from its delivery to the committed halt."""
    spans = []
    for number in range(count):
        server.deliver(REPLY.format(n=number).encode())
        began = time.monotonic()
        await house.until(lambda n=number: home.read(lambda tx: _halted(tx, n)))
        spans.append(time.monotonic() - began)
    spans.sort()
    return {
        "replies": count,
        "p50_ms": round(statistics.median(spans) * 1000, 1),
        "p99_ms": round(spans[int(len(spans) * 0.99) - 1] * 1000, 1),
        "max_ms": round(spans[-1] * 1000, 1),
    }


def _halted(tx: object, number: int) -> bool:
    query = enrolments.select().where(
        enrolments.c.state == "halted",
        enrolments.c.prospect_id == number + 1,
    )
    return tx.execute(query).first() is not None  # type: ignore[attr-defined] # a connection


async def main(touches: int, replies: int) -> dict[str, object]:
    """Run both on one workspace."""
    with tempfile.TemporaryDirectory() as folder, dovecot.running() as server, smtp_sink.threaded() as sink:
        path = house.write(Path(folder), server.port, sink.port)
        plan = Path(folder) / "sequences" / "plan.yaml"
        plan.write_text(house.SEQUENCE.replace("after: 1 s", "after: 30 days"))
        async with house.running(path, sink) as home:
            return {
                "sending": await sending(home, touches),
                "reply_to_halt": await halting(home, server, min(replies, touches)),
                "rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
            }


if __name__ == "__main__":
    wanted = argparse.ArgumentParser(description=__doc__)
    wanted.add_argument("--touches", type=int, default=400)
    wanted.add_argument("--replies", type=int, default=100)
    given = wanted.parse_args()
    print(json.dumps(asyncio.run(main(given.touches, given.replies)), indent=2))
