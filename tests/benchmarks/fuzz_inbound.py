"""Mutated mail against the promise of reading: any bytes become a verdict or `InboundError`, in bounded time.

    nice -n 19 python tests/benchmarks/fuzz_inbound.py 100000 --seed 7 --jobs 2

Message N of a seed is always the same (as long as the collections are); a failure is printed with both.
"""

import argparse
import json
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path

from cadenced.core.model import VERDICTS
from cadenced.errors import InboundError
from cadenced.reading import inbound, verdict

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from benchmarks import reading_figures as figures

DATA = Path(__file__).resolve().parents[1] / "reading" / "data"
USUAL, LARGEST = 6_000, 60_000  # bytes of most mutated messages, and of one in fifty
SECONDS, SECONDS_A_KILOBYTE = 1.0, 0.02  # of processor time: far above any honest need, far below a runaway
_SLICE = 500

HEAD = b"From: Ann <ann@x.example>\nTo: j@abc.example\nSubject: Re: Offer\nDate: Mon, 2 Mar 2026 10:00:00 +0100\n"
REPORT = (
    b"From: MAILER-DAEMON@x.example\nReturn-Path: <>\nSubject: Undelivered Mail\nMIME-Version: 1.0\n"
    b'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\n\n--b\n\nIt failed.\n--b\n'
    b"Content-Type: message/delivery-status\n\nReporting-MTA: dns; x.example\n\nFinal-Recipient: rfc822; a@b.example\n"
    b"Action: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550 5.1.1 unknown\n\n--b\nContent-Type: message/rfc822\n\n"
    b"Message-ID: <m@abc.example>\nSubject: Offer\n\nHello\n--b--\n"
)
COMPLAINT = (
    b'Content-Type: multipart/report; report-type=feedback-report; boundary="c"\n\n--c\n'
    b"Content-Type: message/feedback-report\n\nFeedback-Type: abuse\nVersion: 1\n\n--c--\n"
)
PLAIN = (
    HEAD + b"\nPlease write to me in two weeks.\n\nOn Sun, Joe <j@abc.example> wrote:\n> Hello\n> -- \n> Joe\n",
    HEAD + b"Content-Type: text/html; charset=utf-8\n\n<p>Non, merci.</p><blockquote type=cite>Bonjour</blockquote>\n",
    HEAD + b"Content-Type: text/plain; charset=iso-2022-jp\nContent-Transfer-Encoding: base64\n\nGyRCJSIbKEI=\n",
    HEAD + b"Auto-Submitted: auto-replied\n\nIch bin bis 29.02. nicht im B=FCro. Vertretung: Eva (eva@x.example)\n",
    HEAD + b'Content-Type: multipart/mixed; boundary="a"\n\n--a\nContent-Type: text/calendar; method=REPLY\n\n'
    b"BEGIN:VCALENDAR\nMETHOD:REPLY\nBEGIN:VEVENT\nATTENDEE;PARTSTAT=DECLINED:mailto:a@b.example\nEND:VEVENT\n--a--\n",
    COMPLAINT,
    REPORT,
)
_WORDS = r"""--b\n
--b--\n
>·
\n>>>·
=\n
=?utf-8?q?=
=?utf-8?b?////?=
Content-Type: multipart/mixed; boundary=b\n\n--b\n
Content-Type: message/rfc822\n\n
Content-Type: text/plain; charset=utf-7\n
Content-Transfer-Encoding: base64\n
Content-Type: text/html\n\n<p>
Date: Fri, 31 Dec 9999 23:59:59 +0000\n
Date: Mon, 1 Jan 0001 00:00:00 -1200\n
Date: 29 Feb 2023 25:61:61 +9999\n
·until 31.02.9999·
·back on 29 February·
·in 99 years·
·week 53·
·9999-12-31·
·in 12 quarters·
·d'ici le 31/12/9999·
·in Q4 9999·
·before Easter 9999·
·fiscal year, calendar year·
Subject: =?\n·
From: <>\n
From: (((((\n
-- \n
______\n
wrote:\n
unsubscribe
<blockquote>
<div><div>
<!--
<style>
References: <a@b> <c@d>\n
In-Reply-To: <a@b>\n
X-Cadence-Ref: aaaaaaaaaaaaaaaaaaaaaaaaaa\n
begin 644 winmail.dat\n
"""
TOKENS = (
    *(line.replace("\\n", "\n").replace("·", " ").encode() for line in _WORDS.split("\n")),
    *(b"\n\n", b"\r\n", b"\r", b"\x00", b'"', b"<", b"(", b"@", b":", b"\xff\xfe", b"\xd9\xa3", b"\xef\xbc\x92"),
    *(b"\xe2\x80\xa8", "İ ſ K ß ŉ ǰ".encode(), "\u2003\u00a0\u202f".encode()),
)
MOMENTS = (None, None, None, datetime(2026, 1, 31, 23, 59, tzinfo=UTC), datetime.max.replace(tzinfo=UTC))
EARLIEST = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Told:
    """What a slice of messages came to; `bad`: its number and what went wrong."""

    kinds: Counter[str]
    bad: list[tuple[int, str]]
    slowest: float


@cache
def seeds() -> tuple[bytes, ...]:
    """Invented messages, and real ones where the folder of real mail is there."""
    lines = [json.loads(one) for file in sorted(DATA.glob("*.jsonl")) for one in file.read_text("utf-8").splitlines()]
    invented = tuple(figures.sale_message(one) for one in lines if "body" in one)
    folder = figures.corpus()
    files = sorted((folder / "messages").rglob("*")) if folder else []
    real = tuple(file.read_bytes()[:LARGEST] for file in files if file.is_file())
    return (*PLAIN * 20, *invented, *real)


def message(seed: int, number: int) -> tuple[bytes, random.Random]:
    """The mutated message of that number, and the chance that made it."""
    chance = random.Random(f"{seed}:{number}")  # noqa: S311 - the same mutations every time
    longest = LARGEST if chance.random() < 0.02 else USUAL
    raw = chance.choice(seeds())[:longest]
    for _ in range(chance.choice((0, 1, 1, 2, 3, 5, 9, 30))):
        raw = chance.choice(MUTATIONS)(raw, chance)[:longest]
    return raw, chance


def _span(raw: bytes, chance: random.Random, longest: int = 400) -> tuple[int, int]:
    start = chance.randrange(len(raw) + 1)
    return start, min(len(raw), start + chance.randrange(longest))


def _flip(raw: bytes, chance: random.Random) -> bytes:
    changed = bytearray(raw)
    for _ in range(min(len(changed), chance.choice((1, 2, 8)))):
        changed[chance.randrange(len(changed))] = chance.randrange(256)
    return bytes(changed)


def _cut(raw: bytes, chance: random.Random) -> bytes:
    start, stop = _span(raw, chance)
    return raw[:start] + raw[stop:]


def _end(raw: bytes, chance: random.Random) -> bytes:
    return raw[: chance.randrange(len(raw) + 1)]


def _again(raw: bytes, chance: random.Random) -> bytes:
    start, stop = _span(raw, chance, 60)
    return raw[:start] + raw[start:stop] * chance.choice((2, 3, 40, 300)) + raw[stop:]


def _insert(raw: bytes, chance: random.Random) -> bytes:
    start = chance.randrange(len(raw) + 1)
    return raw[:start] + chance.choice(TOKENS) * chance.choice((1, 1, 1, 2, 50)) + raw[start:]


def _line(raw: bytes, chance: random.Random) -> bytes:
    """Put a token where a line begins: a header of its own, a separator, a quote."""
    at = raw.find(b"\n", chance.randrange(len(raw) + 1)) + 1
    return raw[:at] + chance.choice(TOKENS) + raw[at:]


def _splice(raw: bytes, chance: random.Random) -> bytes:
    other = chance.choice(seeds())
    return raw[: chance.randrange(len(raw) + 1)] + other[chance.randrange(len(other) + 1) :]


def _shuffle(raw: bytes, chance: random.Random) -> bytes:
    lines = raw.split(b"\n")[:2_000]
    one, two = chance.randrange(len(lines)), chance.randrange(len(lines))
    lines[one], lines[two] = lines[two], lines[one]
    return b"\n".join(lines)


MUTATIONS: tuple[Callable[[bytes, random.Random], bytes], ...] = (
    *(_flip, _cut, _end, _again, _insert, _insert, _line, _line, _splice, _shuffle),
)


def judged(raw: bytes, chance: random.Random) -> str:
    """Judge a message at some moment; the kind of its verdict, or "InboundError". Anything wrong is raised."""
    now = chance.choice((*MOMENTS, EARLIEST))
    try:
        found = verdict.judge(inbound.parse(raw), now, related=chance.random() < 0.8)
    except InboundError:
        return "InboundError"
    if found.kind not in VERDICTS or not (found.until is None or type(found.until) is date):
        raise AssertionError(f"no verdict: {found!r}")
    json.dumps(verdict.as_json(found, "-"))
    return found.kind


def run(seed: int, numbers: Sequence[int]) -> Told:
    """Judge these messages of a seed."""
    told = Told(Counter(), [], 0.0)
    slowest = 0.0
    for number in numbers:
        raw, chance = message(seed, number)
        began = time.process_time()
        try:
            told.kinds[judged(raw, chance)] += 1
        except Exception as fault:  # noqa: BLE001 - whatever it is, it is what is looked for
            told.bad.append((number, repr(fault)[:300]))
        spent = time.process_time() - began
        slowest = max(slowest, spent)
        if spent > allowed(raw) and quickest(seed, number) > allowed(raw):
            told.bad.append((number, f"{spent:.1f} s for {len(raw)} bytes"))
    return Told(told.kinds, told.bad, slowest)


def allowed(raw: bytes) -> float:
    """Seconds of processor time above which a message counts as a runaway."""
    return SECONDS + SECONDS_A_KILOBYTE * len(raw) / 1_000


def quickest(seed: int, number: int) -> float:
    """The least of three judgements: what else the machine does counts little in it."""
    times = []
    for _ in range(3):
        raw, chance = message(seed, number)
        began = time.process_time()
        judged(raw, chance)
        times.append(time.process_time() - began)
    return min(times)


def slices(count: int, first: int = 0) -> Iterator[range]:
    for start in range(first, first + count, _SLICE):
        yield range(start, min(start + _SLICE, first + count))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("count", type=int)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=1)
    given = parser.parse_args()
    verdict.warm()
    kinds: Counter[str] = Counter()
    bad, slowest = 0, 0.0
    with ProcessPoolExecutor(given.jobs) as pool:
        parts = list(slices(given.count, given.first))
        for told in pool.map(run, [given.seed] * len(parts), parts):
            kinds += told.kinds
            slowest = max(slowest, told.slowest)
            bad += len(told.bad)
            for number, fault in told.bad:
                print(f"seed {given.seed}, message {number}: {fault}", flush=True)
            if kinds.total() % 10_000 < _SLICE:
                print(f"{kinds.total()} judged, {bad} wrong, slowest {slowest:.2f} s", flush=True)
    print(f"{kinds.total()} judged, {bad} wrong, slowest {slowest:.2f} s: {dict(kinds.most_common())}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
