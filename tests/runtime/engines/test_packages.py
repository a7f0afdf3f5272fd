import sys
from importlib.metadata import requires
from pathlib import Path

import pytest
from edgeproof.runtime.bundle.recipes import Format
from edgeproof.runtime.engines.packages import LITERT, PACKAGES, Package, no_engine_message
from edgeproof.runtime.errors import EdgeproofError, EngineMissingError

ADVICE = "(edgeproof doctor says what fits this machine)"
TFLITE = "'edgeproof[litert]', or 'edgeproof[tflite]' on 32-bit ARM"
BOTH = "'edgeproof[litert]', 'edgeproof[tflite]' on 32-bit ARM, or 'edgeproof[onnx]'"


@pytest.fixture
def made_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Package:
    """A package that holds an empty module."""
    (tmp_path / "made_up").mkdir()
    for name in ("__init__.py", "whole.py"):
        (tmp_path / "made_up" / name).touch()
    monkeypatch.syspath_prepend(tmp_path)
    for name in ("made_up", "made_up.whole", "made_up.broken"):
        monkeypatch.setitem(sys.modules, name, None)  # what is imported goes when the test ends
        del sys.modules[name]
    return Package(name="made-up", module="made_up", title="Made Up", engine="x", runs=Format.ONNX, extra="onnx")


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.name)
def test_the_extra_of_a_package_brings_it(package: Package) -> None:
    brought = [needed for needed in requires("edgeproof") or () if f'extra == "{package.extra}"' in needed]
    assert any(needed.startswith(f"{package.name}>") for needed in brought)


def test_a_package_is_looked_for_without_an_import(made_up: Package) -> None:
    assert made_up.is_installed
    assert "made_up" not in sys.modules
    assert made_up.load("whole").__name__ == "made_up.whole"
    assert made_up.load() is sys.modules["made_up"]


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("import no_such_dependency", "No module named 'no_such_dependency'"),
        ("raise ImportError('libodd.so:\\n cannot open')", "libodd.so: cannot open"),
        ("raise AttributeError('_ARRAY_API not found')", "_ARRAY_API not found"),
        ("raise SystemError", "SystemError"),
        ("raise OSError(8, 'Exec format error')", r"\[Errno 8\] Exec format error"),
        ("raise ImportError('much ' * 1000)", "much much [much ]{180,190}"),
    ],
)
def test_a_package_that_cannot_be_imported_says_why(made_up: Package, tmp_path: Path, code: str, reason: str) -> None:
    (tmp_path / "made_up" / "broken.py").write_text(code)
    advice = "edgeproof doctor says what fits this machine"
    with pytest.raises(EngineMissingError, match=f"^made-up is installed but cannot be imported: {reason}; {advice}$"):
        made_up.load("broken")


def test_a_lack_of_memory_is_not_blamed_on_the_package(made_up: Package, tmp_path: Path) -> None:
    (tmp_path / "made_up" / "broken.py").write_text("raise ImportError('x.so: failed to map segment')")
    told = "^there is not enough memory to import made-up: ImportError: x.so: failed to map segment$"
    with pytest.raises(EdgeproofError, match=told) as caught:
        made_up.load("broken")
    assert not isinstance(caught.value, EngineMissingError)


@pytest.mark.parametrize(
    ("formats", "text"),
    [
        ([Format.TFLITE], f"no engine for .tflite files is installed; pip install {TFLITE} {ADVICE}"),
        ([Format.ONNX], f"no engine for .onnx files is installed; pip install 'edgeproof[onnx]' {ADVICE}"),
        (reversed(Format), f"no engine for .tflite or .onnx files is installed; pip install {BOTH} {ADVICE}"),
    ],
)
def test_what_is_offered_runs_the_files_at_hand(formats: list[Format], text: str) -> None:
    assert no_engine_message(formats) == text


def test_litert_is_the_first_choice() -> None:
    assert PACKAGES[0] is LITERT
