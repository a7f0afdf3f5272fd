"""The device stays light: what an import loads, and what a prediction loads, seen in child processes."""

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.helpers.reports import write_report

if TYPE_CHECKING:
    from edgeproof.report.model import Report

# Of the standard library, a tenth of a prediction and more.
SLOW = {"importlib.metadata", "tempfile", "multiprocessing", "asyncio", "ctypes", "email", "socket"}
HEAVY = {"tensorflow", "keras", "onnx", "onnxruntime", "ai_edge_litert", "PIL", "matplotlib", "rich", "scipy", "torch"}
TRAINING = {"tensorflow", "keras", "onnx", "tf2onnx", "torch", "matplotlib"}


def loaded_after(code: str) -> set[str]:
    """Names of the modules that a fresh interpreter has loaded after running `code`."""
    probe = f"import sys\n{code}\nprint('\\n', *sys.modules)"
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    return set(done.stdout.splitlines()[-1].split())


@pytest.mark.parametrize(
    "module",
    [
        "edgeproof.runtime",
        "edgeproof.cli",
        "edgeproof.datasets.loading",
        "edgeproof.datasets.recorded_split",
        "edgeproof.export",
        "edgeproof.inspection",
        "edgeproof.report",
        "edgeproof.report.gate.gate",
        "edgeproof.report.gate.selection",
        "edgeproof.benchmarks",
    ],
)
def test_importing_a_light_package_loads_nothing_heavy(module: str) -> None:
    assert loaded_after(f"import {module}") & HEAVY == set()


def test_the_help_loads_nothing_heavy() -> None:
    help_text = "from edgeproof.cli import main\ntry: main(['--help'])\nexcept SystemExit: pass"
    assert loaded_after(help_text) & HEAVY == set()


def test_a_prediction_never_loads_tensorflow(golden: Path, files: Path, variant: str) -> None:
    loaded = loaded_after(
        "from edgeproof.cli import main\n"
        f"assert main(['predict', {str(files / 'seven.png')!r}, '--model', {str(golden / variant)!r}]) == 0"
    )
    assert loaded & TRAINING == set()
    assert "ai_edge_litert" in loaded or "tflite_runtime" in loaded or "onnxruntime" in loaded


@pytest.mark.needs("litert", "pillow")
def test_a_prediction_of_a_bundle_loads_nothing_that_it_does_without(golden: Path, files: Path) -> None:
    loaded = loaded_after(
        "import numpy; from PIL import JpegImagePlugin\n"
        "before = {*sys.modules}\n"
        "from edgeproof.cli import main\n"
        f"assert main(['predict', {str(files / 'seven.png')!r}, '--model', {str(golden)!r}]) == 0\n"
        "for name in before: sys.modules.pop(name)"
    )
    assert "edgeproof.runtime.bundle.reader" in loaded
    assert loaded & SLOW == set()


@pytest.mark.parametrize("verb", ["check", "pick"])
def test_a_report_is_judged_without_anything_heavy(report: "Report", tmp_path: Path, verb: str) -> None:
    pytest.importorskip("msgspec", reason="reports need msgspec")
    write_report(report, tmp_path / "report.json")
    loaded = loaded_after(
        "from edgeproof.cli import main\n"
        f"assert main([{verb!r}, {str(tmp_path)!r}, '--max-drop-points', '9', '--max-p50-us', '900']) == 0"
    )
    assert loaded & (HEAVY | {"jinja2"}) == set()


@pytest.mark.parametrize("module", sorted(TRAINING))
def test_the_check_can_fail(module: str) -> None:
    assert loaded_after(f"sys.modules[{module!r}] = sys") & TRAINING == {module}


@pytest.mark.parametrize("module", ["edgeproof.runtime", "edgeproof.export"])
def test_telemetry_is_off_before_onnx_runtime_can_be_imported(module: str) -> None:
    code = (
        f"import os, {module}; print(os.environ['ORT_DISABLE_TELEMETRY'], 'onnxruntime' in __import__('sys').modules)"
    )
    environment = {"PATH": "/usr/bin"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert done.stdout == "1 False\n"
