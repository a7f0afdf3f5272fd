"""The files of a bundle that a benchmark measures: each is tried in a child process first."""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from edgeproof.benchmarks.targets import benchmark_targets
from edgeproof.runtime.bundle.reader import read_manifest
from edgeproof.runtime.engines.packages import LITERT, TFLITE_RUNTIME
from edgeproof.runtime.errors import CheckFailedError, InvalidFileError

from tests.helpers.files import edit_json, vouch
from tests.helpers.onnx_files import FLOAT, field, graph, node, value
from tests.helpers.tflite_files import FATAL_END, SOFTMAX, TANH, fatal_to_kernels, with_operator

INT8 = "static_wi8_ai8.tflite"

pytestmark = pytest.mark.needs("litert")


@pytest.fixture
def fatal(bundle_copy: Path) -> Path:
    """A bundle whose manifest vouches for a file that ends the process that runs it."""
    (bundle_copy / INT8).write_bytes(fatal_to_kernels((bundle_copy / INT8).read_bytes()))
    vouch(bundle_copy, INT8)
    return bundle_copy


def test_a_file_that_ends_its_process_is_left_out_alone(fatal: Path, runnable: tuple[str, ...]) -> None:
    """In a process of its own: a benchmark that ran the file itself would end, too."""
    code = (
        "import json; from pathlib import Path; from edgeproof.benchmarks.targets import benchmark_targets; "
        "from edgeproof.runtime.bundle.reader import read_manifest; "
        f"folder = Path({str(fatal)!r}); found, absent, failed = benchmark_targets(folder, read_manifest(folder)); "
        "print(json.dumps([[target.variant.name for target in found], failed]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done
    found, failed = json.loads(done.stdout)
    assert found == [name for name in runnable if name != INT8]
    assert list(failed) == [INT8]
    assert re.match(f"LiteRT: {FATAL_END}", failed[INT8])


def test_a_file_that_does_not_give_probabilities_is_left_out(bundle_copy: Path, runnable: tuple[str, ...]) -> None:
    (bundle_copy / INT8).write_bytes(with_operator((bundle_copy / INT8).read_bytes(), SOFTMAX, TANH))
    vouch(bundle_copy, INT8)
    found, _, failed = benchmark_targets(bundle_copy, read_manifest(bundle_copy))
    assert [target.variant.name for target in found] == [name for name in runnable if name != INT8]
    assert failed[INT8].startswith("LiteRT: it does not give probabilities: ")


def softmax_of_pixels(*, outputs: int) -> bytes:
    """An ONNX file that gives 784 probabilities, as its first of so many outputs."""
    nodes = [node("Flatten", "x", "flat"), node("Softmax", "flat", "y")]
    given = [value("y", FLOAT, (1, 784)), value("flat", FLOAT, (1, 784))][:outputs]
    body = graph(nodes, [value("x", FLOAT, (1, 28, 28, 1))], given)
    return field(1, 8) + field(7, body) + field(8, field(2, 17))


def write_vouched(bundle: Path, content: bytes) -> None:
    (bundle / "float32.onnx").write_bytes(content)
    vouch(bundle, "float32.onnx")


@pytest.mark.needs("onnx")
@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda bundle: (bundle / "float32.onnx").unlink(), "no such file of the bundle: "),
        (lambda bundle: (bundle / "float32.onnx").write_bytes(b"other"), "is not the file that the manifest names"),
        (
            lambda bundle: write_vouched(bundle, softmax_of_pixels(outputs=2)),
            "ONNX Runtime: the model has 1 inputs and 2",
        ),
        (
            lambda bundle: write_vouched(bundle, softmax_of_pixels(outputs=1)),
            "ONNX Runtime: it gives 784 probabilities; the bundle has 10 classes",
        ),
    ],
    ids=["missing", "changed", "two outputs", "other classes"],
)
def test_one_bad_file_fails_alone(
    spoil: Callable[[Path], object], reason: str, bundle_copy: Path, runnable: tuple[str, ...]
) -> None:
    spoil(bundle_copy)
    found, _, failed = benchmark_targets(bundle_copy, read_manifest(bundle_copy))
    assert [target.variant.name for target in found] == [name for name in runnable if name != "float32.onnx"]
    assert list(failed) == ["float32.onnx"]
    assert reason in failed["float32.onnx"]


def test_a_file_that_fails_in_two_engines_has_the_reasons_of_both(fatal: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edgeproof.benchmarks.targets.installed_packages", lambda _: [LITERT, TFLITE_RUNTIME])
    monkeypatch.setattr("edgeproof.benchmarks.targets.probe_bundled", died)
    edit_json(fatal / "manifest.json", lambda m: m.update(variants=[v for v in m["variants"] if v["file"] == INT8]))
    with pytest.raises(CheckFailedError, match=r"LiteRT: ai_edge_litert died; tflite-runtime: tflite_runtime died\)$"):
        benchmark_targets(fatal, read_manifest(fatal))


def died(*_: object, package: str, **__: object) -> None:
    raise InvalidFileError(f"{package} died")


def test_where_every_file_fails_nothing_is_measured(fatal: Path) -> None:
    edit_json(fatal / "manifest.json", lambda m: m.update(variants=[v for v in m["variants"] if v["file"] == INT8]))
    with pytest.raises(CheckFailedError, match=rf"none of 1 files can be measured: {INT8} \(LiteRT: {FATAL_END}"):
        benchmark_targets(fatal, read_manifest(fatal))


def test_the_trial_has_the_threads_that_are_measured(golden: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[Any] = []
    monkeypatch.setattr("edgeproof.benchmarks.targets.probe_bundled", lambda *_, **how: tried.append(how["threads"]))
    found, _, failed = benchmark_targets(golden, read_manifest(golden), threads=3)
    assert (tried, failed) == ([3] * len(found), {})
