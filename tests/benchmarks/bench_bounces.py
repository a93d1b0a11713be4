"""Figures of bounces on the collections of refusals: `python tests/benchmarks/bench_bounces.py [--misses]`."""

import json
import sys

import bounce_figures as bounces


def main() -> int:
    for name in bounces.collections():
        print(name, json.dumps(bounces.figures(name)))
        for one in bounces.told(name) if "--misses" in sys.argv else ():
            if not one.strict:
                print("  ", "~" if one.lenient else "X", one.kind, "read as", one.got, "|", one.of, "|", one.says[:120])
                print("      ", one.evidence)
    return 0


if __name__ == "__main__":
    sys.exit(main())
