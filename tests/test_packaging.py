import re
import tomllib
from importlib.metadata import EntryPoint, version
from pathlib import Path

import edgeproof
import pytest
from edgeproof.__main__ import start

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())

MAKEFILE = (ROOT / "Makefile").read_text()


def test_the_packages_are_the_folders() -> None:
    """A folder that is not declared is importable in a checkout and absent from the wheel."""
    config = PROJECT["tool"]["setuptools"]
    rooms = {folder: package for package, folder in config["package-dir"].items()}
    folders = {path.parent.relative_to(ROOT) for room in rooms for path in (ROOT / room).rglob("__init__.py")}
    found = {".".join((rooms[folder.parts[0]], *folder.parts[1:])) for folder in folders}
    assert sorted(config["packages"]) == sorted(found)


def test_every_room_at_the_root_is_mapped() -> None:
    rooms = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"studies"}
    assert rooms == set(PROJECT["tool"]["setuptools"]["package-dir"].values())


def test_every_folder_with_modules_is_a_package() -> None:
    rooms = PROJECT["tool"]["setuptools"]["package-dir"].values()
    folders = {path.parent for room in rooms for path in (ROOT / room).rglob("*.py")}
    assert [folder for folder in folders if not (folder / "__init__.py").is_file()] == []


def test_every_file_beside_the_modules_is_declared() -> None:
    """A template that is not declared is found in a checkout and absent from the wheel."""
    config = PROJECT["tool"]["setuptools"]
    folder_of = config["package-dir"]
    declared: set[Path] = set()
    for package, patterns in config["package-data"].items():
        room = next(name for name in (package, *parents(package)) if name in folder_of)
        folder = ROOT / folder_of[room] / package.removeprefix(room).strip(".").replace(".", "/")
        declared |= {path for pattern in patterns for path in folder.glob(pattern)}
    files = {path for room in folder_of.values() for path in (ROOT / room).rglob("*") if path.is_file()}
    assert {path for path in files if path.suffix not in (".py", ".pyc")} == declared


def parents(package: str) -> list[str]:
    parts = package.split(".")
    return [".".join(parts[:count]) for count in range(len(parts) - 1, 0, -1)]


def test_the_version_is_that_of_the_package() -> None:
    assert edgeproof.__version__ == version("edgeproof")


def test_the_command_begins_where_interruptions_are_caught() -> None:
    assert EntryPoint("edgeproof", PROJECT["project"]["scripts"]["edgeproof"], "").load() is start


def test_the_makefile_knows_every_room() -> None:
    rooms = re.search(r"^ROOMS := (.*)$", MAKEFILE, re.MULTILINE)
    assert rooms is not None
    assert {"api", *rooms[1].split()} == set(PROJECT["tool"]["setuptools"]["package-dir"].values())


@pytest.mark.parametrize("name", sorted(set(re.findall(r"(?:tests|docs|studies)/[\w./-]+\.py", MAKEFILE))))
def test_the_files_that_the_makefile_names_are_there(name: str) -> None:
    assert (ROOT / name).is_file()


def test_the_studies_that_are_named_are_there() -> None:
    pages = [ROOT / name for name in ("Makefile", "README.md", "CONTRIBUTING.md", "CHANGELOG.md")]
    texts = [page.read_text() for page in (*pages, *(ROOT / "docs").glob("*.md"))]
    named = {module for text in texts for module in re.findall(r"(?:-m |`)(studies(?:\.[a-z_]+)+)", text)}
    assert len(named) >= 8
    assert [name for name in named if not (ROOT / f"{name.replace('.', '/')}.py").is_file()] == []


def test_the_tests_on_arm_are_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(ROOT / "tests" / "arm")
    from machines import MACHINES

    named = {test for machine in MACHINES.values() for processor in machine.processors for test in processor.tests}
    assert [test for test in named if not (ROOT / test).is_file()] == []


def test_the_base_install_is_light() -> None:
    names = {requirement.split(">")[0] for requirement in PROJECT["project"]["dependencies"]}
    assert names == {"numpy", "pillow"}


def test_all_is_every_extra_of_the_workstation() -> None:
    extras = PROJECT["project"]["optional-dependencies"]
    assert extras["all"] == ["edgeproof[train,export,benchmarks]"]
    assert {"litert", "tflite", "onnx", "train", "export", "check", "benchmarks", "all"} <= set(extras)


def test_the_constraints_pin_versions_and_name_no_place() -> None:
    lines = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if not line.startswith("#")]
    assert len(lines) > 40
    assert [line for line in lines if "==" not in line or "/" in line or "@" in line] == []
