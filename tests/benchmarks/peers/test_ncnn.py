import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from edgeproof.benchmarks.peers import ncnn as ncnn_engine
from edgeproof.benchmarks.peers import registry as peers
from edgeproof.runtime.bundle.recipes import Format
from edgeproof.runtime.engines.engine import run_each
from edgeproof.runtime.errors import EngineMissingError, InvalidFileError

from tests.helpers.peers import check_on_noise, random_onnx, the_peer

# Not importorskip: what is looked for here must not be imported without the precautions that are tested.
needs_openvino = pytest.mark.skipif(find_spec("openvino") is None, reason="needs openvino; the extra peers brings it")


needs_ncnn = pytest.mark.skipif(
    find_spec("ncnn") is None or find_spec("pnnx") is None,
    reason="needs ncnn, which the extra peers brings, and pnnx; pip install --no-deps pnnx",
)


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
            "^pnnx cannot convert the model, and ended with exit code 3: is why$",
        ),
        ("kill -SEGV $$", "^pnnx cannot convert the model, and ended by SIGSEGV$"),
        ("printf layers > model.ncnn.param", "^pnnx cannot convert the model, and ended with exit code 0$"),
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
    with pytest.raises(InvalidFileError, match=r"^pnnx cannot convert the model, and ended with exit code \d+: \w"):
        ncnn_engine.convert(random_onnx()[:300], (1, 5, 7, 3))


@needs_ncnn
def test_ncnn_does_not_know_the_operators_of_a_quantized_file(golden: Path) -> None:
    name = the_peer("ncnn", "float32.onnx").name
    with pytest.raises(InvalidFileError, match=r"^ncnn [\d.]+ does not accept what pnnx made of the model$"):
        peers.load_peer("ncnn", name, Format.ONNX, (golden / "static_wi8_ai8.onnx").read_bytes(), 1)
