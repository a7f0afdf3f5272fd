import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


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
