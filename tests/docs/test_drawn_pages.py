"""The pages that come from the code are those that `make docs` draws."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

import draw_pages

MAKEFILE = Path(__file__).parents[2] / "Makefile"


@pytest.mark.parametrize("path", draw_pages.drawn(), ids=lambda path: path.name)
def test_a_drawn_page_is_as_the_code_draws_it(path: Path) -> None:
    assert path.read_text(encoding="utf-8") == draw_pages.drawn()[path], "run: make docs"


def test_a_picture_that_is_old_is_drawn_anew_and_the_words_around_it_stay(tmp_path: Path) -> None:
    page = shutil.copy(draw_pages.DOCS / "lifecycle.md", tmp_path)
    sound = Path(page).read_text(encoding="utf-8")
    Path(page).write_text(re.sub(r"\n    halted --> .*", "", sound), encoding="utf-8")
    assert draw_pages.drawn(tmp_path)[Path(page)] == draw_pages.drawn()[draw_pages.DOCS / "lifecycle.md"]


def test_a_page_without_a_picture_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "lifecycle.md").write_text("# The lifecycle\n", encoding="utf-8")
    with pytest.raises(LookupError, match="has 0"):
        draw_pages.drawn(tmp_path)


def test_make_docs_runs_what_is_there() -> None:
    for script in re.findall(r"python (tests/\S+\.py)", MAKEFILE.read_text(encoding="utf-8")):
        assert (MAKEFILE.parent / script).is_file(), script
