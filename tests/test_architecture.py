"""Imports between the folders go one way: cli -> all others -> runtime -> digits."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MAY_IMPORT = {
    "digits": set(),
    "runtime": {"digits"},
    "device": {"runtime"},
    "train": {"runtime", "device"},
    "inspection": {"runtime"},
    "export": {"runtime", "inspection"},
    "report": {"runtime"},
    "benchmarks": {"train", "export", "runtime", "device", "inspection", "report"},
    "cli": {"runtime", "device", "train", "inspection", "export", "report", "benchmarks"},
}
MODULES = [path for folder in MAY_IMPORT for path in sorted((ROOT / folder).glob("*.py"))]


def siblings(source: str) -> set[str]:
    """The other folders that a module imports from, wherever in it the import stands."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.level == 2:
            found |= {node.module.partition(".")[0]} if node.module else {alias.name for alias in node.names}
    return found


def imported(source: str) -> set[str]:
    """The top-level packages that a module imports absolutely, wherever in it the import stands."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            found.add(node.module.partition(".")[0])
    return found


@pytest.mark.parametrize("path", MODULES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_imports_go_one_way(path: Path) -> None:
    assert siblings(path.read_text()) <= MAY_IMPORT[path.parent.name]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_imports_between_folders_are_relative(path: Path) -> None:
    assert "edgeproof" not in imported(path.read_text())


def test_the_benchmarks_reach_keras_in_one_module_only() -> None:
    reaching = {p.name for p in (ROOT / "benchmarks").glob("*.py") if imported(p.read_text()) & {"keras", "tensorflow"}}
    assert reaching == {"reference.py"}


def test_the_checks_can_fail() -> None:
    assert siblings("def f():\n    from ..export.bundle import x") == {"export"}
    assert siblings("from .. import train") == {"train"}
    assert imported("import edgeproof.runtime\nfrom keras.layers import Dense") == {"edgeproof", "keras"}
