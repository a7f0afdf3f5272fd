"""Tries of files in peers, with a package that looks like OpenVINO and dies of some of them."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from edgeproof.benchmarks.peers.trial import try_peer
from edgeproof.benchmarks.targets import benchmark_targets, peer_targets
from edgeproof.runtime.bundle.reader import read_manifest
from edgeproof.runtime.engines.probe import TrialDiedError
from edgeproof.runtime.errors import SpecMismatchError

from tests.helpers.peers import the_peer

pytestmark = pytest.mark.needs("litert", "onnx")

PACKAGE = """
import os, signal
from tests.helpers.peers import FakeOpenVino

class Mortal(FakeOpenVino):
    def read_model(self, file):
        if file.suffix == ".tflite":
            os.write(2, b"terminate called\\n")
            os.kill(os.getpid(), signal.SIGSEGV)
        return super().read_model(file)

def Core():
    return Mortal(cores=2)
"""


@pytest.fixture(autouse=True)
def mortal_openvino(installed: Callable[..., None], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pytest.importorskip("onnx", reason="needs onnx")
    installed(openvino="7")
    (tmp_path / "openvino.py").write_text(PACKAGE)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "openvino", raising=False)
    monkeypatch.setitem(sys.modules, "openvino_telemetry", None)


def test_a_file_that_a_peer_survives_passes(golden: Path) -> None:
    try_peer(the_peer("OpenVINO", "float32.onnx"), (golden / "float32.onnx").read_bytes(), 2)
    assert "openvino" not in sys.modules


def test_the_death_of_a_peer_is_told(golden: Path, capfd: pytest.CaptureFixture[str]) -> None:
    name = "static_wi8_ai8.tflite"
    with pytest.raises(TrialDiedError, match=r"^the process that runs the model ended by SIGSEGV: terminate called$"):
        try_peer(the_peer("OpenVINO", name), (golden / name).read_bytes(), 1)
    assert capfd.readouterr() == ("", "")


def test_errors_keep_their_class(golden: Path) -> None:
    with pytest.raises(SpecMismatchError, match="OpenVINO 7 uses 2 threads here, not 3"):
        try_peer(the_peer("OpenVINO", "float32.onnx"), (golden / "float32.onnx").read_bytes(), 3)


def test_a_file_that_ends_a_peer_fails_and_the_others_are_measured(golden: Path) -> None:
    rows, _, _ = benchmark_targets(golden, read_manifest(golden))
    chosen = [row for row in rows if row.variant.name in ("float32.onnx", "static_wi8_ai8.tflite")]
    found, left_out, failed = peer_targets(chosen, (1, 2))
    assert [target.title for target in found] == ["float32.onnx in OpenVINO 7"]
    assert left_out == {}
    name = "static_wi8_ai8.tflite in OpenVINO 7"
    assert failed == {name: "the process that runs the model ended by SIGSEGV: terminate called"}
