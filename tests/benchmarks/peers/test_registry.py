import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from edgeproof.benchmarks.peers import ncnn as ncnn_engine
from edgeproof.benchmarks.peers import openvino as openvino_engine
from edgeproof.benchmarks.peers import registry as peers
from edgeproof.benchmarks.peers.registry import Peer, installed_peers
from edgeproof.runtime.bundle.recipes import ALL_VARIANTS, Format
from edgeproof.runtime.engines.engine import load_engine, run_each
from edgeproof.runtime.errors import EngineMissingError, InvalidFileError, SpecMismatchError

# Not importorskip: what is looked for here must not be imported without the precautions that are tested.
needs_openvino = pytest.mark.skipif(find_spec("openvino") is None, reason="needs openvino; the extra peers brings it")
needs_ncnn = pytest.mark.skipif(
    find_spec("ncnn") is None or find_spec("pnnx") is None,
    reason="needs ncnn, which the extra peers brings, and pnnx; pip install --no-deps pnnx",
)
OPENVINO_RUNS = ("float32.onnx", "static_wi8_ai8.onnx", "static_wi8_ai8.tflite")


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    """No test takes over what another has tried or converted."""
    yield
    peers._try_once.cache_clear()
    ncnn_engine.convert.cache_clear()


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Makes these packages look installed, and no others."""

    def install(**versions: str) -> None:
        def version(package: str) -> str:
            if package not in versions:
                raise PackageNotFoundError(package)
            return versions[package]

        monkeypatch.setattr(peers, "version", version)

    return install


def the_peer(title: str, variant: str) -> Peer:
    [peer] = (peer for peer in installed_peers([variant]) if peer.name.startswith(title))
    return peer


def random_onnx(*, shape: tuple[int | str, ...] = ("batch", 5, 7, 3), inputs: int = 1, classes: int = 6) -> bytes:
    """A network on images that are no multiple of a vector's length, in any of their sizes.

    Args:
        shape: What it says of its input.
        inputs: How many it has.
        classes: How many it says that it has; they are 6.
    """
    onnx = pytest.importorskip("onnx", reason="needs onnx")
    helper, float32 = onnx.helper, onnx.TensorProto.FLOAT
    draw = np.random.default_rng(1)
    weights = {
        "scale": np.float32(1 / 255),
        "filters": draw.normal(size=(4, 3, 3, 3)).astype(np.float32),
        "dense": draw.normal(size=(4, 6)).astype(np.float32),
    }
    nodes = [
        helper.make_node("Mul", ["image 0", "scale"], ["scaled"]),
        helper.make_node("Transpose", ["scaled"], ["planes"], perm=[0, 3, 1, 2]),
        helper.make_node("Conv", ["planes", "filters"], ["filtered"], pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["filtered"], ["positive"]),
        helper.make_node("GlobalAveragePool", ["positive"], ["mean"]),
        helper.make_node("Flatten", ["mean"], ["flat"]),
        helper.make_node("MatMul", ["flat", "dense"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["probabilities"]),
    ]
    graph = helper.make_graph(
        nodes,
        "random",
        [helper.make_tensor_value_info(f"image {number}", float32, shape) for number in range(inputs)],
        [helper.make_tensor_value_info("probabilities", float32, [shape[0], classes])],
        [onnx.numpy_helper.from_array(value, name) for name, value in weights.items()],
    )
    opset = helper.make_opsetid("", 17)
    return helper.make_model(graph, ir_version=8, opset_imports=[opset]).SerializeToString()


# ---- which there are


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


# ---- OpenVINO's telemetry


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


# ---- OpenVINO, with and without it


class FakeOpenVino:
    """As much of OpenVINO as an engine needs: it gives the number of the pixel at which the image is brightest."""

    def __init__(self, cores: int = 8) -> None:
        self.cores = cores
        self.read: list[tuple[str, bytes]] = []
        self.shapes: list[list[int]] = []
        self.properties: dict[str, Any] = {}
        self.shared: list[bool] = []
        self.taken = np.zeros((1, 28, 28, 1), np.float32)
        self.given = np.zeros((1, 10), np.float32)

    def Core(self) -> "FakeOpenVino":  # noqa: N802
        return self

    def read_model(self, file: Path) -> "FakeOpenVino":
        self.read.append((file.suffix, file.read_bytes()))
        return self

    def reshape(self, shape: list[int]) -> None:
        self.shapes.append(shape)

    def compile_model(self, network: object, device: str, properties: dict[str, Any]) -> "FakeOpenVino":
        assert device == "CPU"
        self.properties = properties
        return self

    def get_property(self, name: str) -> int:
        return min(self.properties[name], self.cores)

    def create_infer_request(self) -> "FakeOpenVino":
        return self

    def get_input_tensor(self) -> SimpleNamespace:
        return SimpleNamespace(data=self.taken)

    def get_output_tensor(self) -> SimpleNamespace:
        return SimpleNamespace(data=self.given)

    def infer(self, *, share_outputs: bool) -> None:
        self.shared.append(share_outputs)
        self.given[...] = self.taken.argmax()


@pytest.fixture
def fake_openvino(installed: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> FakeOpenVino:
    pytest.importorskip("onnx", reason="needs onnx")
    installed(openvino="7")
    fake = FakeOpenVino()
    monkeypatch.setitem(sys.modules, "openvino", fake)
    monkeypatch.setitem(sys.modules, "openvino_telemetry", None)
    return fake


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
        peers._load_ncnn("ncnn 1", content, 1)


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


def check_on_noise(peer: Peer) -> None:
    model = random_onnx()
    images = np.random.default_rng(2).integers(0, 256, (20, 5, 7, 3)).astype(np.uint8)
    expected = run_each(load_engine(model, Format.ONNX), images)
    np.testing.assert_allclose(run_each(peer.load(model, 1), images), expected, atol=1e-5)
    assert np.ptp(expected, axis=0).max() > 0.1


# ---- ncnn, with and without it


class FakeOptions:
    """Some of ncnn's options, as they are from the start."""

    def __init__(self) -> None:
        self.num_threads = 64
        self.use_fp16_storage = self.use_fp16_arithmetic = self.use_int8_inference = self.use_bf16_storage = True
        self.use_packing_layout = True


class FakeNet:
    """A network of ncnn that takes anything and gives zeros."""

    made: list["FakeNet"]
    statuses: dict[str, int]

    def __init__(self) -> None:
        self.opt = FakeOptions()
        self.options_when_read: dict[str, object] = {}
        self.made.append(self)

    def load_param(self, file: str) -> int:
        self.options_when_read = dict(vars(self.opt))
        assert Path(file).read_bytes() == b"layers"
        return self.statuses.get("param", 0)

    def load_model(self, file: str) -> int:
        assert Path(file).read_bytes() == b"weights"
        return self.statuses.get("model", 0)

    def create_extractor(self) -> "FakeNet":
        return self

    def input(self, name: str, image: object) -> None:
        assert name == "in0"

    def extract(self, name: str) -> tuple[int, np.ndarray]:
        assert name == "out0"
        return self.statuses.get("extract", 0), np.zeros(10, np.float32)


def fake_mat(w: int, h: int, c: int) -> SimpleNamespace:
    array = np.zeros((c, h, w), np.float32)
    return SimpleNamespace(numpy=lambda: array)


@pytest.fixture
def fake_ncnn(installed: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> type[FakeNet]:
    pytest.importorskip("onnx", reason="needs onnx")
    installed(ncnn="7")
    FakeNet.made, FakeNet.statuses = [], {}
    monkeypatch.setitem(sys.modules, "ncnn", SimpleNamespace(Net=FakeNet, Mat=fake_mat))
    return FakeNet


@pytest.fixture
def fake_pnnx(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str], None]:
    """Makes a shell script pnnx; its package, like the true one, is not to be imported."""

    def write(script: str) -> None:
        package = tmp_path / "pnnx"
        package.mkdir()
        (package / "__init__.py").write_text("raise AssertionError('it would import PyTorch')\n")
        (package / "pnnx").write_text(f"#!/bin/sh\n{script}\n")
        (package / "pnnx").chmod(0o755)
        monkeypatch.syspath_prepend(str(tmp_path))

    return write


CONVERTS = 'echo "$PWD $@" >> {told}; printf layers > model.ncnn.param; printf weights > model.ncnn.bin'


def test_ncnn_computes_in_float32_on_so_many_threads_and_converts_once(
    fake_ncnn: type[FakeNet], fake_pnnx: Callable[[str], None], golden: Path, tmp_path: Path
) -> None:
    told = tmp_path / "told"
    fake_pnnx(f"cmp model.onnx {golden / 'float32.onnx'} || exit 9; " + CONVERTS.format(told=told))
    peer = the_peer("ncnn", "float32.onnx")
    content = (golden / "float32.onnx").read_bytes()
    peer.load(content, 3)
    engine = peer.load(content, 5)
    assert [net.opt.num_threads for net in fake_ncnn.made] == [1, 3, 5]
    for net in fake_ncnn.made:
        assert net.options_when_read == vars(net.opt)
        assert {option for option, on in vars(net.opt).items() if on is True} == {"use_packing_layout"}
    [(folder, *arguments)] = [line.split() for line in told.read_text().splitlines()]
    assert arguments == ["model.onnx", "inputshape=[1,28,28,1]f32", "fp16=0"]
    assert not Path(folder).exists()
    assert engine.name == "ncnn 7"
    assert (engine.input.shape, engine.input.dtype, engine.output.shape) == ((1, 28, 28, 1), "float32", (1, 10))
    assert engine.run(np.zeros((1, 28, 28, 1), np.float32)).shape == (1, 10)


@pytest.mark.parametrize(
    ("statuses", "problem"),
    [
        ({"param": -1}, "^ncnn 7 does not accept what pnnx made of the model$"),
        ({"model": -1}, "^ncnn 7 does not accept what pnnx made of the model$"),
        ({"extract": -100}, "^ncnn 7 cannot run the model: it ended with -100$"),
    ],
)
def test_what_ncnn_refuses_is_told(
    fake_ncnn: type[FakeNet],
    fake_pnnx: Callable[[str], None],
    golden: Path,
    statuses: dict[str, int],
    problem: str,
) -> None:
    fake_pnnx(CONVERTS.format(told="/dev/null"))
    fake_ncnn.statuses = statuses
    with pytest.raises(InvalidFileError, match=problem):
        the_peer("ncnn", "float32.onnx").load((golden / "float32.onnx").read_bytes(), 1)


@pytest.mark.parametrize(
    ("script", "problem"),
    [
        (
            f"{CONVERTS.format(told='/dev/null')}; echo done; echo 'this\nis why' >&2; exit 3",
            "^pnnx cannot convert the model, and ended with 3: is why$",
        ),
        ("kill -SEGV $$", "^pnnx cannot convert the model, and ended with -11: it gave no reason$"),
        ("printf layers > model.ncnn.param", "^pnnx cannot convert the model, and ended with 0: it gave no reason$"),
        ("exec sleep 5", r"^pnnx had not converted the model after 0\.2 seconds$"),
    ],
)
def test_what_pnnx_cannot_convert_is_one_line(
    fake_pnnx: Callable[[str], None],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    script: str,
    problem: str,
) -> None:
    if "sleep" in script:
        monkeypatch.setattr(ncnn_engine, "_SECONDS", 0.2)
    fake_pnnx(script)
    with pytest.raises(InvalidFileError, match=problem):
        ncnn_engine.convert(b"a model", (1, 28, 28, 1))
    assert capfd.readouterr() == ("", "")


def test_a_pnnx_that_does_not_start_is_told(fake_pnnx: Callable[[str], None], tmp_path: Path) -> None:
    fake_pnnx("")
    (tmp_path / "pnnx" / "pnnx").chmod(0o644)
    with pytest.raises(EngineMissingError, match=r"^pnnx is installed but does not start: .*Permission denied"):
        ncnn_engine.convert(b"a model", (1, 28, 28, 1))


def test_without_pnnx_the_way_to_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ncnn_engine, "find_spec", lambda _: None)
    with pytest.raises(EngineMissingError, match=r"pip install --no-deps pnnx$"):
        ncnn_engine.convert(b"a model", (1, 28, 28, 1))


@needs_ncnn
@pytest.mark.parametrize("threads", [1, 2])
def test_ncnn_gives_the_golden_answers(golden: Path, threads: int) -> None:
    engine = the_peer("ncnn", "float32.onnx").load((golden / "float32.onnx").read_bytes(), threads)
    with np.load(golden / "golden.npz") as vectors:
        inputs, expected = vectors["inputs"], vectors["float32.onnx"]
    answers = run_each(engine, inputs)
    # With float16 weights, or computed in float16, it is 1e-3.
    np.testing.assert_allclose(answers, expected, atol=5e-5)
    assert (answers.shape, answers.dtype) == (expected.shape, expected.dtype)


@needs_ncnn
def test_ncnn_answers_again_when_nothing_new_is_handed_over(golden: Path) -> None:
    engine = the_peer("ncnn", "float32.onnx").load((golden / "float32.onnx").read_bytes(), 1)
    with np.load(golden / "golden.npz") as vectors:
        image = engine.input.encode(vectors["inputs"][:1])
    invoke = engine.invoker(image)
    # Its first layer scales the pixels in their place if it may.
    answers = [np.array(invoke()[1]) for _ in range(3)]  # type: ignore[index]
    for answer in answers:
        np.testing.assert_array_equal(answer[np.newaxis], engine.run(image))


@needs_ncnn
def test_ncnn_runs_colour_pictures_of_odd_sizes() -> None:
    check_on_noise(the_peer("ncnn", "float32.onnx"))


@needs_ncnn
def test_pnnx_says_why_it_cannot_convert() -> None:
    with pytest.raises(
        InvalidFileError, match=r"^pnnx cannot convert the model, and ended with \d+: (?!it gave no reason)\w"
    ):
        ncnn_engine.convert(random_onnx()[:300], (1, 5, 7, 3))


@needs_ncnn
def test_ncnn_does_not_know_the_operators_of_a_quantized_file(golden: Path) -> None:
    with pytest.raises(InvalidFileError, match=r"^ncnn [\d.]+ does not accept what pnnx made of the model$"):
        peers._load_ncnn(the_peer("ncnn", "float32.onnx").name, (golden / "static_wi8_ai8.onnx").read_bytes(), 1)
