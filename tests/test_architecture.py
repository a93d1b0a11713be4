"""The house itself: layers, caps on modules and functions, names that say something."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "daemon" / "cadenced"
MODULES = sorted(path for path in SOURCE.rglob("*.py") if "versions" not in path.parts)

MODULE_LINES = 400
FUNCTION_LINES = 40
NOUNS_THAT_SAY_NOTHING = {"utils", "helpers", "manager", "handler", "common", "misc"}
WAIVER = re.compile(r"#\s*(noqa|type:\s*ignore)(?P<rest>.*)")


def functions(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def test_imports_point_down() -> None:
    program = Path(sys.executable).parent / "lint-imports"
    result = subprocess.run([program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_a_module_is_one_noun_of_bearable_length(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= MODULE_LINES
    assert path.stem not in NOUNS_THAT_SAY_NOTHING
    tree = ast.parse(text)
    assert ast.get_docstring(tree), "a module's docstring says what it owns"
    for function in functions(tree):
        length = (function.end_lineno or 0) - function.lineno + 1
        assert length <= FUNCTION_LINES, f"{function.name} has {length} lines"


def test_functions_are_short_in_the_middle() -> None:
    lengths = sorted(
        (f.end_lineno or 0) - f.lineno + 1 for path in MODULES for f in functions(ast.parse(path.read_text("utf-8")))
    )
    assert lengths[len(lengths) // 2] <= 12


def test_every_waiver_has_a_code_and_a_reason() -> None:
    for path in [*MODULES, *(ROOT / "tests").rglob("*.py")]:
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            found = WAIVER.search(line)
            if found and path.name != "test_architecture.py":
                assert re.search(r"[\[:]\s*[\w,\s-]+", found["rest"]), f"{path}:{number}: which rule?"
                assert re.search(r"\s[-#–]\s*\S|\]\s+#", found["rest"]), f"{path}:{number}: why?"


def test_sql_is_written_in_the_store_alone() -> None:
    for path in MODULES:
        inside = path.relative_to(SOURCE).parts[0]
        if inside == "store":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute):
                assert node.attr != "exec_driver_sql", f"{path}:{node.lineno}"


def test_nothing_pickles_evaluates_or_reads_unsafe_yaml() -> None:
    for path in MODULES:
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"\bimport pickle\b|\byaml\.load\(|\beval\(|(?<![\w.])exec\(", text), path


def test_no_cancellation_is_forgotten() -> None:
    """``asyncio.wait_for`` of Python 3.11 returns what was waited for where a cancellation comes together with it."""
    for path in MODULES:
        assert "asyncio.wait_for(" not in path.read_text(encoding="utf-8"), f"{path}: asyncio.timeout"


def test_the_repository_names_no_machine_and_no_registry() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in listed.splitlines():
        path = ROOT / name
        if path.suffix in {".png", ".ico"} or name == "LICENSE" or not path.is_file():
            continue
        text = path.read_text(encoding="utf-8", errors="replace")
        if path.name != "test_architecture.py":
            assert "/work/" not in text, name
            assert not re.search(r"pypi\.org/simple|files\.pythonhosted|index-url", text), name


def test_every_dependency_earns_its_place() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    decisions = (ROOT / "docs" / "decisions.md").read_text(encoding="utf-8")
    wanted = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    for requirement in wanted:
        name = re.split(r"[\[<>=!~ ]", requirement)[0]
        assert f"**{name}**" in decisions, f"docs/decisions.md has no line for {name}"
