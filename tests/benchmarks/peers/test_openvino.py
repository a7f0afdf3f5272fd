import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from edgeproof.runtime.bundle.recipes import Format
from edgeproof.runtime.engines.engine import load_engine, run_each
from edgeproof.runtime.errors import InvalidFileError, SpecMismatchError

from tests.helpers.peers import FakeOpenVino, check_on_noise, random_onnx, the_peer

# Not importorskip: what is looked for here must not be imported without the precautions that are tested.
needs_openvino = pytest.mark.skipif(find_spec("openvino") is None, reason="needs openvino; the extra peers brings it")


OPENVINO_RUNS = ("float32.onnx", "static_wi8_ai8.onnx", "static_wi8_ai8.tflite")


def test_the_telemetry_of_openvino_cannot_be_imported(tmp_path: Path) -> None:
    """With packages that do what OpenVINO's do: the first imports the second, which would be the report."""
    (tmp_path / "openvino.py").write_text(
        "try:\n    import openvino_telemetry as telemetry\nexcept ImportError:\n    telemetry = None\n"
    )
    (tmp_path / "openvino_telemetry.py").write_text("print('reported')\n")
    start = f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n"
    reported = subprocess.run(
        [sys.executable, "-P", "-c", f"{start}import openvino"], capture_output=True, text=True, check=True
    )
    assert reported.stdout == "reported\n"
    code = (
        f"{start}from edgeproof.benchmarks.peers.openvino import import_openvino\n"
        "assert import_openvino().__file__.startswith(sys.path[0])\n"
        "print(import_openvino().telemetry)"
    )
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "None\n"


@needs_openvino
def test_openvino_touches_neither_the_network_nor_the_home(golden: Path, tmp_path: Path) -> None:
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from edgeproof.benchmarks.peers.registry import installed_peers\n"
        "def watch(event, arguments):\n"
        "    if event.startswith(('socket.', 'urllib.', 'http.')):\n"
        "        print(event, arguments, flush=True)\n"
        "        sys.exit(3)\n"
        "sys.addaudithook(watch)\n"
        "[peer] = (p for p in installed_peers(['float32.onnx']) if p.name.startswith('OpenVINO'))\n"
        f"peer.load(Path({str(golden / 'float32.onnx')!r}).read_bytes(), 1)\n"
        "print('openvino' in sys.modules, sys.modules['openvino_telemetry'])"
    )
    # In continuous integration OpenVINO reports nothing anyway.
    environment = {name: value for name, value in os.environ.items() if name != "CI"} | {"HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-P", "-c", code], capture_output=True, text=True, check=False, env=environment, timeout=60
    )
    assert (done.stdout, done.returncode) == ("True None\n", 0)
    assert list(tmp_path.iterdir()) == []


def test_openvino_is_asked_for_float32_for_so_many_threads_and_for_one_image(
    fake_openvino: FakeOpenVino, golden: Path
) -> None:
    content = (golden / "float32.onnx").read_bytes()
    engine = the_peer("OpenVINO", "float32.onnx").load(content, 3)
    assert fake_openvino.read == [(".onnx", content)] * 2  # tried, then loaded
    assert fake_openvino.shapes == [[1, 28, 28, 1]] * 2
    assert fake_openvino.properties == {
        "INFERENCE_NUM_THREADS": 3,
        "NUM_STREAMS": 1,
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_PRECISION_HINT": "f32",
        "ENABLE_CPU_PINNING": False,
        "ENABLE_HYPER_THREADING": True,
    }
    assert (engine.name, engine.input.shape, engine.output.shape) == ("OpenVINO 7", (1, 28, 28, 1), (1, 10))
    assert (engine.input.dtype, engine.input.name, engine.output.name) == ("float32", "image", "probabilities")


def test_answers_are_the_callers_own(fake_openvino: FakeOpenVino, golden: Path) -> None:
    engine = the_peer("OpenVINO", "float32.onnx").load((golden / "float32.onnx").read_bytes(), 1)
    images = np.zeros((2, 28, 28, 1), np.float32)
    images[0, 0, 5], images[1, 0, 9] = 255, 255
    answers = [engine.run(image) for image in images[:, np.newaxis]]
    assert [answer[0, 0] for answer in answers] == [5, 9]
    assert all(fake_openvino.shared)


def test_an_image_is_handed_over_once(fake_openvino: FakeOpenVino, golden: Path) -> None:
    engine = the_peer("OpenVINO", "float32.onnx").load((golden / "float32.onnx").read_bytes(), 1)
    image = np.zeros((1, 28, 28, 1), np.float32)
    image[0, 0, 7] = 255
    invoke = engine.invoker(image)
    before = len(fake_openvino.shared)
    image[...] = 0
    invoke()
    invoke()
    assert fake_openvino.given[0, 0] == 7
    assert len(fake_openvino.shared) == before + 2


def test_threads_that_openvino_would_not_use_are_refused(fake_openvino: FakeOpenVino, golden: Path) -> None:
    fake_openvino.cores = 2
    peer = the_peer("OpenVINO", "float32.onnx")
    content = (golden / "float32.onnx").read_bytes()
    peer.load(content, 2)
    with pytest.raises(SpecMismatchError, match=r"^OpenVINO 7 uses 2 threads here, not 3$"):
        peer.load(content, 3)


def test_what_openvino_refuses_is_one_line(
    fake_openvino: FakeOpenVino, golden: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: Path) -> FakeOpenVino:
        raise RuntimeError("Exception from src/core.cpp:105:\nno such\n\noperator")

    monkeypatch.setattr(fake_openvino, "read_model", refuse)
    with pytest.raises(InvalidFileError, match=r"^OpenVINO 7 does not accept the model: .* no such operator$"):
        the_peer("OpenVINO", "float32.onnx").load((golden / "float32.onnx").read_bytes(), 1)


def test_an_image_that_does_not_fit_openvino_is_an_error(fake_openvino: FakeOpenVino, golden: Path) -> None:
    engine = the_peer("OpenVINO", "float32.onnx").load((golden / "float32.onnx").read_bytes(), 1)
    with pytest.raises(InvalidFileError, match="OpenVINO 7 cannot run the model: could not broadcast"):
        engine.run(np.zeros((2, 28, 28, 1), np.float32))


def test_answers_of_another_shape_than_the_files_are_refused(fake_openvino: FakeOpenVino, golden: Path) -> None:
    fake_openvino.given = np.zeros((1, 11), np.float32)
    with pytest.raises(InvalidFileError, match=r"gives an answer of shape \(1, 11\), the file says \(1, 10\)"):
        the_peer("OpenVINO", "float32.onnx").load((golden / "float32.onnx").read_bytes(), 1)


def test_the_tensors_of_a_tflite_file_have_names_for_openvino_only(fake_openvino: FakeOpenVino, golden: Path) -> None:
    tflite = pytest.importorskip("ai_edge_litert.schema_py_generated", reason="needs ai-edge-litert")
    fake_openvino.taken, fake_openvino.given = np.zeros((1, 28, 28, 1), np.uint8), np.zeros((1, 10), np.uint8)
    content = (golden / "static_wi8_ai8.tflite").read_bytes()
    engine = the_peer("OpenVINO", "static_wi8_ai8.tflite").load(content, 1)
    assert (engine.input.dtype, engine.input.is_identity) == ("uint8", True)
    assert engine.output.quantization is not None
    suffix, given = fake_openvino.read[-1]
    assert suffix == ".tflite"

    def names(model: bytes) -> list[bytes | None]:
        [graph] = tflite.ModelT.InitFromPackedBuf(model, 0).subgraphs
        return [tensor.name for tensor in graph.tensors]

    assert None in names(content)
    assert None not in names(given)
    assert len(set(names(given))) == len(names(content))
    assert {b"image", b"probabilities"} < set(names(given))
    original, named = (load_engine(model, Format.TFLITE) for model in (content, given))
    image = np.full((1, 28, 28, 1), 100, np.uint8)
    np.testing.assert_array_equal(original.run(image), named.run(image))


@needs_openvino
@pytest.mark.parametrize("variant", OPENVINO_RUNS)
@pytest.mark.parametrize("threads", [1, 2])
def test_openvino_gives_the_golden_answers(golden: Path, variant: str, threads: int) -> None:
    if threads > (os.cpu_count() or 1):
        pytest.skip("OpenVINO uses no more threads than there are cores")
    engine = the_peer("OpenVINO", variant).load((golden / variant).read_bytes(), threads)
    with np.load(golden / "golden.npz") as vectors:
        inputs, expected = vectors["inputs"], vectors[variant]
    answers = run_each(engine, inputs)
    assert (answers.shape, answers.dtype) == (expected.shape, expected.dtype)
    difference = np.abs(engine.output.decode(answers) - engine.output.decode(expected)).max()
    # Integers are rounded in other places: a few steps of 1/256.
    assert difference < (1e-5 if variant.startswith("float32") else 0.05)
    engine.invoker(engine.input.encode(inputs[:1]))()
    np.testing.assert_array_equal(engine.run(engine.input.encode(inputs[:1])), answers[:1])


@needs_openvino
def test_openvino_runs_colour_pictures_of_odd_sizes() -> None:
    check_on_noise(the_peer("OpenVINO", "float32.onnx"))


@needs_openvino
def test_openvino_says_what_it_does_not_accept() -> None:
    onnx = pytest.importorskip("onnx", reason="needs onnx")
    model = onnx.load_from_string(random_onnx())
    model.graph.node[3].op_type = "NoSuchOperator"
    with pytest.raises(InvalidFileError, match=r"^OpenVINO [\d.]+ does not accept the model: .*NoSuchOperator"):
        the_peer("OpenVINO", "float32.onnx").load(model.SerializeToString(), 1)
