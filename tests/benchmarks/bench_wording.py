"""How fast and how quiet the wording is: `python tests/benchmarks/bench_wording.py`, on one core.

Voice in words a second, the gate (all rules, and those that may refuse a letter, as each is asked that leaves) in
messages of 100 words a second, a lint of 1,000 templates, the score of the voice
on the sentences marked by hand, and findings of severity error on real people's answers (where the corpus is at hand).
"""

from __future__ import annotations

import csv
import os
import re
import time
from collections.abc import Callable
from email import message_from_bytes, policy
from functools import partial
from pathlib import Path

from cadenced.wording import gate, lint, voice
from cadenced.wording.settings import DEFAULTS

ROOT = Path(__file__).parents[2]
CORPUS = Path(os.environ.get("CADENCED_CORPUS", ROOT.parent / "shared" / "corpus"))
GOLD = ROOT / "tests" / "wording" / "gold"
APART = {"self-centred", "too-long", "two-lines", "long-sentence"}
MARK = re.compile(r"[{<\[](.*?)[}>\]]")
MESSAGE = """Hello Mike,

You told me that next month would be very busy on your end, so here is what changes for your team before it starts. The
two people who answer your calls can see each order on one page, and you choose who may change it.

Your colleagues in Lyon began with one depot in March. They now close their day forty minutes earlier.

I propose Tuesday the 9th at 10, on video, and note it in our calendars so that we don't forget. You will receive the
[invitation](https://abc.example/i) today; answer it with another time if that one does not suit you.

Best regards,
Julie Martin
"""
TEMPLATE = MESSAGE.replace("Mike", "{{ first_name }}").replace(
    "Lyon", "{% if city %}{{ city }}{% else %}Lyon{% endif %}"
)
JUDGE = gate.Judge(DEFAULTS)
FRONT = '---\nsubject: "Your depot, {{ company }}"\n---\n'


def _best(run: Callable[[], object], times: int = 3) -> float:
    """Return the least seconds of processor time of a few runs."""
    taken = []
    for _ in range(times):
        begun = time.process_time()
        run()
        taken.append(time.process_time() - begun)
    return min(taken)


def _speeds() -> None:
    text = MESSAGE * 2_000
    words = len(text.split())
    print(f"voice          {words / _best(lambda: voice.measure(text, 'en')):>12,.0f} words/s")
    for language in ("en", "de", "fr"):
        seconds = _best(lambda code=language: [gate.check("Your depot", MESSAGE, code) for _ in range(1_000)])
        print(f"gate, {language}       {1_000 / seconds:>12,.0f} messages of {len(MESSAGE.split())} words/s")
        letters = [MESSAGE.replace("Lyon", f"Lyon{n}").replace("Mike", f"Mike{n}") for n in range(1_000)]
        seconds = _best(partial(_judged, letters, language))
        print(f"  as it sends  {1_000 / seconds:>12,.0f} letters, two words in each its own")
    sources = [f"{FRONT}{TEMPLATE}\nNumber {n}.\n" for n in range(1_000)]
    seconds = _best(lambda: [lint.template(one, "t.md") for one in sources], 1)
    print(f"lint           {seconds:>12.2f} s for 1,000 templates")


def _judged(letters: list[str], language: str) -> None:
    for one in letters:
        JUDGE.refusals("Your depot", one, language)


def _scores() -> None:
    for path in sorted(GOLD.glob("*.txt")):
        right = wrong = missed = 0
        for line in path.read_text(encoding="utf-8").splitlines():
            if line and not line.startswith("#"):
                text, gold = _read(line)
                found = {(span.column, span.end_column) for span in voice.measure(text, path.stem).spans}
                right, wrong, missed = right + len(found & gold), wrong + len(found - gold), missed + len(gold - found)
        score = 2 * right / (2 * right + wrong + missed)
        print(f"F1, {path.stem}         {score:>12.4f} by hand ({right + missed} pronouns)")


def _read(line: str) -> tuple[str, set[tuple[int, int]]]:
    text, spans, at = "", set(), 0
    for match in MARK.finditer(line):
        text += line[at : match.start()]
        spans.add((len(text) + 1, len(text) + 1 + len(match[1])))
        text += match[1]
        at = match.end()
    return text + line[at:], spans


def _quiet() -> None:
    if not (CORPUS / "manifest.csv").is_file():
        print("answers        (no corpus here)")
        return
    with (CORPUS / "manifest.csv").open(encoding="utf-8", newline="") as file:
        paths = [CORPUS / row["file"] for row in csv.DictReader(file) if row["label"] == "human_reply"]
    errors = [rule for path in paths for rule in _errors(path)]
    told = f"errors in {len(paths)} answers of people, but for balance and length"
    print(f"answers        {len(errors):>12} {told} {errors or ''}")


def _errors(path: Path) -> list[str]:
    message = message_from_bytes(path.read_bytes(), policy=policy.default)
    part = message.get_body(("plain", "html"))
    try:
        text = part.get_content() if part else ""
    except (LookupError, KeyError):
        return []
    found = gate.check(str(message["subject"] or ""), text.replace("\r\n", "\n"))
    return [one.rule for one in found if one.severity == "error" and one.rule not in APART]


if __name__ == "__main__":
    _speeds()
    _scores()
    _quiet()
