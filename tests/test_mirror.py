"""The tests mirror the tree: whoever has changed a module knows where its tests are."""

from pathlib import Path

import pytest

TESTS = Path(__file__).parent
ROOT = TESTS.parent
# Tests of several modules at once: whole chains of commands, and the documents.
OF_NO_MODULE = ("integration", "docs", "faults")
MIRRORING = sorted(
    path.relative_to(TESTS)
    for path in TESTS.rglob("test_*.py")
    if path.parent != TESTS and path.relative_to(TESTS).parts[0] not in OF_NO_MODULE
)


def is_tested_by(path: Path) -> bool:
    """Whether the place of a test file, such as `room/test_module.py`, names a module or a package."""
    name = path.stem.removeprefix("test_")
    folder = ROOT / path.parent
    return any((folder / module).is_file() for module in (f"{name}.py", f"__{name}__.py", f"{name}/__init__.py"))


@pytest.mark.parametrize("path", MIRRORING, ids=str)
def test_a_test_file_stands_where_its_module_does(path: Path) -> None:
    assert is_tested_by(path)


def test_the_check_can_fail() -> None:
    assert is_tested_by(Path("runtime/test_classifier.py"))
    assert is_tested_by(Path("runtime/test_images.py"))
    assert not is_tested_by(Path("runtime/test_hostile_files.py"))
    assert not is_tested_by(Path("test_classifier.py"))
