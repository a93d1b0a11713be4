"""Draws the pages that come from the code: the rules of wording, the picture of the lifecycle. `make docs` runs it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from cadenced.core import diagram
from cadenced.wording import pages

DOCS = Path(__file__).parents[1] / "docs"
_PICTURE = re.compile(r"(?<=```mermaid\n)stateDiagram.*?(?=\n```)", re.DOTALL)


def drawn(docs: Path = DOCS) -> Mapping[Path, str]:
    """Return each page as it must stand; what is written by hand around a picture stays."""
    lifecycle = docs / "lifecycle.md"
    picture, count = _PICTURE.subn(lambda _: diagram.mermaid(), lifecycle.read_text(encoding="utf-8"))
    if count != 1:
        raise LookupError(f"{lifecycle} needs exactly one picture that begins with stateDiagram, and has {count}")
    return {docs / "rules.md": pages.all_pages(), lifecycle: picture}


def main() -> None:
    """Write every page."""
    for path, text in drawn().items():
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
