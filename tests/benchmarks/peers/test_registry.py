import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from edgeproof.benchmarks.peers import ncnn as ncnn_engine
from edgeproof.benchmarks.peers import openvino as openvino_engine
from edgeproof.benchmarks.peers import registry as peers
from edgeproof.benchmarks.peers.registry import installed_peers
from edgeproof.runtime.bundle.recipes import ALL_VARIANTS, Format
from edgeproof.runtime.errors import EngineMissingError, SpecMismatchError

from tests.helpers.peers import random_onnx, the_peer

# Not importorskip: what is looked for here must not be imported without the precautions that are tested.
needs_openvino = pytest.mark.skipif(find_spec("openvino") is None, reason="needs openvino; the extra peers brings it")


OPENVINO_RUNS = ("float32.onnx", "static_wi8_ai8.onnx", "static_wi8_ai8.tflite")


def test_no_package_is_no_peer(installed: Callable[..., None]) -> None:
    installed()
    assert installed_peers(ALL_VARIANTS) == ()


def test_a_peer_runs_the_variants_that_it_can_of_those_that_the_bundle_has(installed: Callable[..., None]) -> None:
    installed(openvino="2026.4.1", ncnn="1.0.20261020")
    assert [(peer.name, peer.variant) for peer in installed_peers(ALL_VARIANTS)] == [
        *(("OpenVINO 2026.4.1", variant) for variant in OPENVINO_RUNS),
        ("ncnn 1.0.20261020", "float32.onnx"),
    ]
    assert [peer.variant for peer in installed_peers(["static_wi8_ai8.tflite", "float16.onnx"])] == [
        "static_wi8_ai8.tflite"
    ]


def test_one_package_is_enough(installed: Callable[..., None]) -> None:
    installed(ncnn="1")
    assert [peer.name for peer in installed_peers(ALL_VARIANTS)] == ["ncnn 1"]


def test_looking_for_peers_imports_nothing_heavy() -> None:
    code = (
        "import sys\n"
        "from edgeproof.benchmarks.peers.registry import installed_peers\n"
        f"installed_peers({ALL_VARIANTS})\n"
        "print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True)
    heavy = {"openvino", "ncnn", "pnnx", "torch", "onnx", "onnxruntime", "ai_edge_litert", "tensorflow", "keras"}
    assert "edgeproof.benchmarks.peers.registry" in done.stdout.split()
    assert heavy.intersection(done.stdout.split()) == set()


@pytest.mark.usefixtures("fake_openvino")
@pytest.mark.parametrize(
    ("model", "problem"),
    [
        ({"inputs": 2}, "^the model has 2 inputs and 1 outputs; a peer runs one of each$"),
        ({"shape": ("batch", "rows", 7, 3)}, r"leaves it open: \(1, None, 7, 3\)"),
    ],
)
def test_models_that_a_peer_is_not_given(model: dict[str, Any], problem: str) -> None:
    with pytest.raises(SpecMismatchError, match=problem):
        the_peer("OpenVINO", "float32.onnx").load(random_onnx(**model), 1)


@pytest.mark.usefixtures("fake_openvino")
def test_a_package_that_cannot_be_imported_is_named(monkeypatch: pytest.MonkeyPatch, golden: Path) -> None:
    def broken(module: str) -> Any:  # noqa: ANN401
        raise SystemError(f"{module} is built\nfor another NumPy")

    monkeypatch.setattr(openvino_engine, "import_module", broken)
    monkeypatch.setattr(ncnn_engine, "import_module", broken)
    content = (golden / "float32.onnx").read_bytes()
    with pytest.raises(EngineMissingError, match=r"^openvino cannot be imported: openvino is built for another NumPy$"):
        the_peer("OpenVINO", "float32.onnx").load(content, 1)
    with pytest.raises(EngineMissingError, match=r"^ncnn cannot be imported: ncnn is built for another NumPy$"):
        peers.load_peer("ncnn", "ncnn 1", Format.ONNX, content, 1)
