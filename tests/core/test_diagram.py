"""The picture in the docs is the table."""

from __future__ import annotations

from pathlib import Path

from cadenced.core import diagram

PAGE = Path(__file__).parents[2] / "docs" / "lifecycle.md"


def test_the_picture_in_the_docs_is_drawn_from_the_table() -> None:
    assert diagram.mermaid() in PAGE.read_text(encoding="utf-8"), "run: make docs"
