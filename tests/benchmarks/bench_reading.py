"""Figures of the reading package on the folder of real mail: `python tests/benchmarks/bench_reading.py [--json]`."""

import json
import sys
import time
from pathlib import Path

import reading_figures as figures

from cadenced.reading import inbound, verdict

TARGETS = {
    "bounce precision": 0.998,
    "bounce recall": 0.99,
    "class strict": 0.95,
    "class lenient": 0.975,
    "failed address": 0.985,
    "human recall": 0.99,
    "automatic recall": 0.92,
    "complaint recall": 1.0,
    "exact": 0.80,
    "loses nothing": 0.98,
    "leaks nothing": 0.85,
    "verdict strict": 0.90,
    "unsubscribe recall": 1.0,
    "unsubscribe precision": 0.85,
    "date in range": 0.90,
}


def speed(folder: Path) -> dict[str, float]:
    """Messages of about 3 KB a second on one core, and the worst milliseconds for 100 KB (shorter ones count whole)."""
    raws = [path.read_bytes() for path in sorted((folder / "messages").rglob("*")) if path.is_file()]
    near = [raw for raw in raws if 2_000 <= len(raw) <= 4_500]
    for raw in raws:
        verdict.judge(inbound.parse(raw))
    began = time.process_time()
    for raw in near:
        verdict.judge(inbound.parse(raw))
    spent = time.process_time() - began
    worst = max(_milliseconds(raw) / max(1.0, len(raw) / 100_000) for raw in raws)
    return {"messages/s": round(len(near) / spent), "mean bytes": sum(map(len, near)) // len(near), "worst ms": worst}


def _milliseconds(raw: bytes) -> float:
    times = []
    for _ in range(3):
        began = time.process_time()
        verdict.judge(inbound.parse(raw))
        times.append(time.process_time() - began)
    return round(min(times) * 1_000, 2)


def table(found: list[figures.Judged]) -> str:
    """The confusion table: rows are labels, columns our verdicts."""
    counts = figures.confusion(found)
    columns = sorted({got for _, got in counts})
    lines = ["".join(f"{name[:15]:>17}" for name in ["label \\ verdict", *columns])]
    for label in sorted({want for want, _ in counts}):
        cells = [str(counts[label, got] or ".") for got in columns]
        lines.append("".join(f"{cell:>17}" for cell in [label, *cells]))
    return "\n".join(lines)


def measure(folder: Path) -> tuple[dict[str, object], list[figures.Judged]]:
    found = figures.messages(folder)
    sold = figures.sales(folder)
    halves = ("odd", "even")
    report: dict[str, object] = {"all": figures.message_figures(found)}
    for one in halves:
        report[one] = figures.message_figures([m for m in found if figures.half(m.row["template"]) == one])
    report["CRLF"] = figures.message_figures(figures.messages(folder, crlf=True))
    report["reply text"] = figures.reply_figures(folder)
    report["sales replies"] = figures.sales_figures(sold)
    for one in halves:
        report[f"sales replies, {one}"] = figures.sales_figures([line for line in sold if line.half == one])
    report["speed"] = speed(folder)
    return report, found


def main() -> int:
    folder = figures.corpus()
    if folder is None:
        print("no corpus: set CADENCED_CORPUS to the folder with manifest.csv", file=sys.stderr)
        return 2
    report, found = measure(folder)
    if "--json" not in sys.argv:
        print(table(found), "\n")
        for name, values in report.items():
            print(name)
            for key, value in values.items() if isinstance(values, dict) else ():
                target = f"   (target {TARGETS[key]})" if key in TARGETS else ""
                print(f"  {key:<32}{value!s:>10}{target}")
        print()
    print(json.dumps(report, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
