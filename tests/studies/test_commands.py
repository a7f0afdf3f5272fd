"""Studies are run as `python -m studies.x` from the repository, on the installed package, which does not know them."""

import ast
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from time import sleep

import pytest
from edgeproof.runtime.errors import CheckFailedError, InvalidFileError

from studies.commands import one_line_errors, run_edgeproof, run_parallel

ROOT = Path(__file__).parents[2]
PATHS = sorted((ROOT / "studies").rglob("*.py"))
PROGRAMS = [
    ".".join(path.relative_to(ROOT).with_suffix("").parts)
    for path in PATHS
    if 'if __name__ == "__main__":' in path.read_text(encoding="utf-8")
]


def imported(path: Path, source: str) -> Iterator[str]:
    """The modules that a file imports; a relative import that leaves its top folder begins with a dot."""
    package = path.relative_to(ROOT).parts[:-1]
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            origin = package[: len(package) - node.level + 1] if node.level else ()
            yield ("." if node.level > len(package) else "") + ".".join([*origin, node.module or ""])


@pytest.mark.parametrize("module", PROGRAMS)
def test_every_study_says_how_it_is_run(module: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        import_module(module).main(["--help"])
    assert stop.value.code == 0
    assert capsys.readouterr().out.startswith(f"usage: python -m {module} [-h]")


def test_a_study_starts_as_a_program() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "studies.scenes", "--help"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("usage: python -m studies.scenes [-h]")


@pytest.mark.parametrize("path", PATHS, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_study_imports_studies_relatively_and_edgeproof_as_it_is_installed(path: Path) -> None:
    rooms = {folder.parent.name for folder in ROOT.glob("*/__init__.py")} - {"studies"}
    source = path.read_text(encoding="utf-8")
    found = list(imported(path, source))
    assert [name for name in found if name.startswith(".") or name.partition(".")[0] in rooms] == []
    assert "from studies" not in source


def test_the_package_knows_nothing_of_the_studies() -> None:
    config = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]
    assert [name for name in config["packages"] if "studies" in name] == []
    modules = [path for room in config["package-dir"].values() for path in (ROOT / room).rglob("*.py")]
    assert len(modules) > 100
    for path in modules:
        assert "studies" not in {name.partition(".")[0] for name in imported(path, path.read_text(encoding="utf-8"))}


def test_the_checks_can_fail() -> None:
    path = ROOT / "studies" / "frontier" / "run.py"
    assert list(imported(path, "from ...runtime import x\nimport runtime.errors")) == [".runtime", "runtime.errors"]
    assert list(imported(path, "from ..data import x\nfrom . import page")) == ["studies.data", "studies.frontier."]


def test_an_expected_error_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    @one_line_errors
    def main(error: Exception) -> int:
        raise error

    assert main(InvalidFileError("no such file")) == 2
    assert main(CheckFailedError("not close enough")) == 1
    assert capsys.readouterr().err == "error: no such file\nerror: not close enough\n"
    with pytest.raises(ZeroDivisionError):
        main(ZeroDivisionError())


def test_after_an_error_no_further_job_is_started() -> None:
    started: list[int] = []

    def job(number: int) -> int:
        started.append(number)
        sleep(0.01)
        if number == 1:
            raise CheckFailedError("that will do")
        return number

    found = run_parallel(1, [lambda number=number: job(number) for number in range(50)])
    with pytest.raises(CheckFailedError, match="that will do"):
        list(found)
    assert len(started) < 50


def test_a_command_is_printed_and_its_error_passed_on(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(CheckFailedError, match=r"edgeproof inspect: edgeproof: error: .*gone\.tflite"):
        run_edgeproof("inspect", "gone.tflite")
    assert capsys.readouterr().out == "$ edgeproof inspect gone.tflite\n"
