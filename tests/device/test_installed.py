"""Engines' packages are tried in a child process; here they are made up, and really die."""

import sys
from pathlib import Path

import pytest
from edgeproof.device.installed import broken_packages, find_installed, in_use
from edgeproof.runtime.engines.engine import ENGINE_OF, is_installed

DIES = {
    "os.kill(os.getpid(), signal.SIGILL)": "it uses an instruction that this CPU lacks",
    "os.kill(os.getpid(), signal.SIGSEGV)": "its process ended by SIGSEGV",
    "os.write(2, b'LLVM ERROR: x\\n'); os.abort()": "its process ended by SIGABRT: LLVM ERROR: x",
    "os._exit(3)": "its process ended with exit code 3",
    "raise ImportError('libodd.so: cannot open')": "ImportError: libodd.so: cannot open",
    "raise AttributeError('_ARRAY_API not found')": "it was built for NumPy 1, and this is NumPy 2",
    "raise ImportError('x.so: failed to map segment')": "there is not enough memory: ImportError: x.so: failed to",
    "raise MemoryError": "there is not enough memory: MemoryError",
    "os.write(2, b'what(): std::bad_alloc\\n'); os.abort()": "there is not enough memory: what(): std::bad_alloc",
    "sys.exit('\\x1b[31m  red\\n')": "red",
}
LITERT = """
class Interpreter:
    def __init__(self, *, model_content, num_threads): assert model_content[4:8] == b"TFL3"
    def allocate_tensors(self): pass
    def get_input_details(self): return [{"index": 0}]
    def get_output_details(self): return [{"index": 0}]
    def set_tensor(self, index, value): self.value = value
    def invoke(self): pass
    def get_tensor(self, index): return self.value + OFF
"""


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for packages of which this Python has no others."""
    monkeypatch.setattr("edgeproof.runtime.engines.packages.find_spec", lambda name: (tmp_path / name).exists() or None)
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def add(site: Path, module: str, code: str) -> None:
    package, _, inner = module.partition(".")
    (site / package).mkdir()
    (site / package / "__init__.py").touch()
    (site / package / f"{inner or '__init__'}.py").write_text("import os, signal, sys, time\n" + code)


def test_the_engines_of_this_machine_work() -> None:
    installed = find_installed()
    assert {one.package.engine for one in installed} == {name for name in ENGINE_OF.values() if is_installed(name)}
    assert broken_packages(installed) == {}
    assert all(one.version[0].isdigit() for one in installed)


@pytest.mark.parametrize("code", DIES)
@pytest.mark.parametrize("module", ["onnxruntime", "tflite_runtime.interpreter"])
def test_a_package_that_dies_takes_only_its_child_along(site: Path, module: str, code: str) -> None:
    add(site, module, code)
    [one] = find_installed()
    assert one.package.module == module.partition(".")[0]
    assert one.problem.startswith(DIES[code])
    assert broken_packages([one])[one.package.module].endswith(f"does not work: {one.problem}")


def test_a_package_that_hangs_is_given_up(site: Path) -> None:
    add(site, "onnxruntime", "time.sleep(60)")
    [one] = find_installed(seconds=0.5)
    assert one.problem == "it had not loaded after 0.5 seconds"


@pytest.mark.parametrize(("off", "problem"), [(0, ""), (1, "it makes [3.5] of [2.5]")])
def test_a_package_must_give_the_right_answer(site: Path, off: int, problem: str) -> None:
    add(site, "ai_edge_litert.interpreter", LITERT.replace("OFF", str(off)))
    [one] = find_installed()
    assert one.problem == problem


def test_the_first_package_of_an_engine_is_the_one_in_use(site: Path) -> None:
    add(site, "ai_edge_litert.interpreter", "raise ImportError('first')")
    add(site, "tflite_runtime.interpreter", LITERT.replace("OFF", "0"))
    installed = find_installed()
    assert [(one.package.name, one.problem == "") for one in installed] == [
        ("ai-edge-litert", False),
        ("tflite-runtime", True),
    ]
    assert in_use(installed)["litert"].package.name == "ai-edge-litert"
    assert list(broken_packages(installed)) == ["ai_edge_litert"]


def test_a_package_is_tried_with_the_entries_of_the_path_that_python_uses(
    site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (site / "elsewhere").mkdir()
    (site / "elsewhere" / "numpy.py").write_text("raise ImportError('not this one')")
    monkeypatch.chdir(site / "elsewhere")
    monkeypatch.setattr(sys, "path", [Path("nowhere"), "", *sys.path])
    add(site, "ai_edge_litert.interpreter", LITERT.replace("OFF", "0"))
    [one] = find_installed()
    assert one.problem == ""


def test_without_packages_nothing_is_tried(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edgeproof.device.installed.run_child", pytest.fail)
    assert find_installed() == ()


@pytest.mark.parametrize("executable", ["nowhere", "", None])
@pytest.mark.parametrize(
    ("code", "problem"), [("", ""), ("raise ImportError('libodd.so')", "ImportError: libodd.so"), ("sys.exit(1)", "1")]
)
def test_where_no_process_can_be_started_packages_are_tried_here(
    site: Path, monkeypatch: pytest.MonkeyPatch, executable: str | None, code: str, problem: str
) -> None:
    add(site, "tflite_runtime.interpreter", LITERT.replace("OFF", "0") + code)
    for module in ("tflite_runtime", "tflite_runtime.interpreter"):
        monkeypatch.setitem(sys.modules, module, None)  # what is made up goes when the test ends
        del sys.modules[module]
    monkeypatch.setattr(sys, "executable", executable)
    [one] = find_installed()
    assert one.problem.endswith(problem)
    assert bool(one.problem) == bool(problem)
    assert "tflite_runtime" in sys.modules
