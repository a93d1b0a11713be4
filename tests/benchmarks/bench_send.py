"""The whole send path against Postfix's smtp-sink, beside smtp-source (C) and nodemailer on the same sink. Prints JSON.

    python tests/benchmarks/bench_send.py [--touches 3000] [--connections 16] [--rounds 3] [--nodemailer DIR]

Ours: each touch claimed, rendered, checked for wording, composed (3 KB, two parts, each its own), frozen, fenced on a
real Dovecot, armed by a durable commit, sent, settled by a durable commit; copies in Sent are not filed. Theirs:
smtp-source sends ready bytes, as it comes (a connection for each message) and with connections kept (``-d``);
nodemailer's pool (``npm install nodemailer`` in DIR) builds the messages and keeps no state. ``cpu_us_apart`` is of the
process that makes our messages, its start included. Machines are noisy: read ratios and CPU.
"""

from __future__ import annotations

import argparse
import asyncio
import cProfile
import json
import os
import pstats
import resource
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

HERE = Path(__file__).parents[1]
sys.path[:0] = [str(HERE), str(HERE / "engine")]

import house  # noqa: E402 - found by the line above
from sqlalchemy import func, select  # noqa: E402 - as above

from cadenced.store.schema import accounts, enrolments, prospects, touches  # noqa: E402 - as above
from peers import dovecot  # noqa: E402 - as above

PARAGRAPH = (
    "On Monday you said that {{ company }} loses two days a month to the reports of {{ city }}, and that {{ boss }} "
    "wants the first figures before the board meets. The plan below keeps your team on the work that pays: you choose "
    "the order, you see each result the same day, and you can stop at any step."
)
TEMPLATE = f"""\
---
subject: "{{{{ company }}}}: your reports before the board of {{{{ month }}}}"
---
Hello {{{{ first_name }}}},

{PARAGRAPH}

What would be ready for you:

- the report of {{{{ city }}}}, **without** a single copied cell
- your price list, checked against {{{{ last_order }}}}
- a page for {{{{ boss }}}} with the three figures you named

Does Thursday at 10:00 suit you, or is {{{{ weekday }}}} better?

Julie Martin
"""
NODEMAILER = """
const nodemailer = require("nodemailer");
const [port, count, connections] = process.argv.slice(1).map(Number);
const pool = nodemailer.createTransport({host: "127.0.0.1", port, pool: true, maxConnections: connections,
  maxMessages: Infinity, ignoreTLS: true});
const text = "x".repeat(72) + "\\n";
async function main() {
  const began = process.hrtime.bigint(), cpu = process.cpuUsage();
  await Promise.all(Array.from({length: count}, (_, n) => pool.sendMail({
    from: '"Julie Martin" <julie@abc.example>', to: `"Ann ${n}" <p${n}@many.example>`,
    subject: `Firm ${n}: your reports`,
    text: `Hello Ann ${n},\\n\\n` + text.repeat(18), html: `<p>Hello Ann ${n},</p><p>` + text.repeat(18) + "</p>",
    headers: {"List-Unsubscribe": `<mailto:julie@abc.example?subject=unsubscribe%20${n}>`}})));
  const seconds = Number(process.hrtime.bigint() - began) / 1e9, used = process.cpuUsage(cpu);
  console.log(JSON.stringify({per_second: count / seconds, cpu_us: (used.user + used.system) / count}));
  pool.close();
}
main();
"""


def cpu() -> float:
    """Return the CPU seconds of this process so far, all its threads together."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def children_cpu() -> float:
    """Return the CPU seconds of the children that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def scribe_cpu() -> float:
    """Return the CPU seconds of the process that makes messages, its start included; Linux."""
    spent = 0
    for told in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            fields = told.with_name("stat").read_text().rpartition(")")[2].split()
            if int(fields[1]) == os.getpid() and b"copyist" in told.read_bytes():
                spent += int(fields[11]) + int(fields[12])
    return spent / os.sysconf("SC_CLK_TCK")


@contextmanager
def sink() -> Iterator[int]:
    """Run smtp-sink until the block ends; yields its port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    tool = shutil.which("smtp-sink", path=f"{os.environ['PATH']}:/usr/sbin")
    user = ["-u", "nobody"] if os.getuid() == 0 else []
    process = subprocess.Popen([str(tool), *user, f"127.0.0.1:{port}", "512"])
    try:
        while process.poll() is None:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.02)
        yield port
    finally:
        process.terminate()
        process.wait()


def by_smtp_source(port: int, count: int, connections: int, *, kept: bool) -> dict[str, float]:
    """Let smtp-source send ``count`` messages of 3 KB, ``connections`` at a time.

    As it comes it makes a connection for each message; those that are ``kept`` carry as many as there are.
    """
    tool = shutil.which("smtp-source", path=f"{os.environ['PATH']}:/usr/sbin")
    load = ["-s", str(connections), "-m", str(count), "-l", "3000", "-f", "a@b.example", "-t", "c@d.example"]
    before, used = time.monotonic(), children_cpu()
    subprocess.run([str(tool), *(["-d"] if kept else []), *load, f"127.0.0.1:{port}"], check=True)
    span = time.monotonic() - before
    return {"per_second": round(count / span), "cpu_us": round((children_cpu() - used) / count * 1e6)}


def by_nodemailer(folder: Path, port: int, count: int, connections: int) -> dict[str, float]:
    """Let nodemailer's pool build and send ``count`` messages."""
    call = ["node", "-e", NODEMAILER, str(port), str(count), str(connections)]
    done = subprocess.run(call, cwd=folder, check=True, capture_output=True, text=True)
    return {key: round(value) for key, value in json.loads(done.stdout).items()}


def furnish(home: house.House, count: int) -> None:
    """Put ``count`` prospects in whose first touch is due now."""

    def work(tx: object) -> None:
        now = home.workspace.now()
        execute = tx.execute  # type: ignore[attr-defined] # a connection
        execute(accounts.insert(), [{"key": f"firm{n}", "name": f"Firm {n} SA"} for n in range(count)])
        row = {"mailbox": "julie", "timezone": "Europe/Paris", "country": "FR", "created_at": now, "role": "primary"}
        fields = {
            "city": "Lyon",
            "boss": "Ms Roe",
            "month": "March",
            "last_order": "the order of May",
            "weekday": "Friday",
        }
        execute(
            prospects.insert(),
            [
                {**row, "email": f"p{n}@many{n}.example", "account_id": n + 1,
                 "fields": {**fields, "first_name": f"Ann{n}", "last_name": "Roe", "company": f"Firm {n} SA"}}
                for n in range(count)
            ],
        )  # fmt: skip
        row = {"mailbox": "julie", "sequence": "plan", "generation": 1, "state": "active", "step": "one",
               "lane": "mail",
               "due_at": now, "anchor": now, "enrolled_at": now, "timezone": "Europe/Paris", "country": "FR",
               "done": [], "fresh": True, "role": "primary"}  # fmt: skip
        execute(enrolments.insert(), [{**row, "prospect_id": n + 1, "account_id": n + 1} for n in range(count)])

    home.workspace.database.transact(work)


async def ours(folder: Path, imap_port: int, port: int, count: int, connections: int) -> dict[str, float]:
    """Send ``count`` first touches through the product's own services."""
    path = house.write(folder, imap_port, port)
    text = path.read_text().replace('[lint]\nselect = ["guilt"]\n', "")
    text = text.replace('settle = "1 s"', 'settle = "1 s"\npostal_address = "ABC SA, 1 rue de la Paix, 75002 Paris"')
    text = text.replace(
        'security = "none"\n[mailbox.imap]', f'security = "none"\nconnections = {connections}\n[mailbox.imap]'
    )
    path.write_text(text.replace("[mailbox.imap]", '[mailbox.imap]\nsent_copy = "none"'))
    for name in ("one", "two", "three"):
        (folder / "templates" / f"{name}.md").write_text(TEMPLATE)
    plan = folder / "sequences" / "plan.yaml"
    plan.write_text(house.SEQUENCE.replace("after: 1 s", "after: 30 days"))
    async with house.running(path, None, apart=True) as home:
        furnish(home, count)
        before, used, born = time.monotonic(), cpu(), scribe_cpu()
        home.workspace.changed()
        await house.until(lambda: home.workspace.sends >= count, 900, 0.05)
        span, spent = time.monotonic() - before, cpu() - used
        apart = scribe_cpu() - born
        size = home.read(lambda tx: tx.execute(select(func.avg(func.length(touches.c.raw)))).scalar())
    return {
        "per_second": round(count / span, 1),
        "cpu_us": round(spent / count * 1e6),
        "cpu_us_apart": round(apart / count * 1e6),
        "bytes": round(float(size)),
    }


def one_round(arguments: argparse.Namespace) -> dict[str, dict[str, float]]:
    """Run each once, on one sink."""
    with dovecot.running() as server, sink() as port, tempfile.TemporaryDirectory() as folder:
        count, connections = arguments.touches, arguments.connections
        found = {
            "smtp_source": by_smtp_source(port, count, connections, kept=False),
            "smtp_source_kept": by_smtp_source(port, count, connections, kept=True),
        }
        if arguments.nodemailer:
            found["nodemailer"] = by_nodemailer(Path(arguments.nodemailer), port, count, connections)
        found["cadenced"] = asyncio.run(ours(Path(folder), server.port, port, count, connections))
    return found


def main(arguments: argparse.Namespace) -> dict[str, object]:
    """Run the rounds; the ratios are medians over them."""
    rounds = [one_round(arguments) for _ in range(arguments.rounds)]
    others = [name for name in rounds[0] if name != "cadenced"]
    ratios = {
        f"of_{name}": round(statistics.median(r["cadenced"]["per_second"] / r[name]["per_second"] for r in rounds), 3)
        for name in others
    }
    return {"touches": arguments.touches, "connections": arguments.connections, "ratios": ratios, "rounds": rounds}


if __name__ == "__main__":
    wanted = argparse.ArgumentParser(description=__doc__)
    wanted.add_argument("--touches", type=int, default=3000)
    wanted.add_argument("--connections", type=int, default=16)
    wanted.add_argument("--rounds", type=int, default=3)
    wanted.add_argument("--nodemailer", default="", help="a folder in which npm has installed nodemailer")
    wanted.add_argument("--profile", action="store_true", help="print where the time goes")
    given = wanted.parse_args()
    if given.profile:
        profiler = cProfile.Profile()
        profiler.runcall(main, given)
        pstats.Stats(profiler).sort_stats("cumulative").print_stats(70)
    else:
        print(json.dumps(main(given), indent=2))
