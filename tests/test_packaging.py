import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def test_every_package_folder_is_installed() -> None:
    config = PROJECT["tool"]["setuptools"]
    declared = {config["package-dir"][name] for name in config["packages"]}
    assert declared == {path.parent.name for path in ROOT.glob("*/__init__.py")}


def test_packages_are_flat() -> None:
    """A folder in a folder would be importable in a checkout and absent from the wheel."""
    packages = [path.parent for path in ROOT.glob("*/__init__.py")]
    assert [nested for package in packages for nested in package.rglob("*/*.py")] == []


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
