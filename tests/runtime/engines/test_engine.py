import tracemalloc
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
from edgeproof.runtime.bundle.reader import read_manifest
from edgeproof.runtime.bundle.recipes import Format
from edgeproof.runtime.bundle.tensors import TensorSpec
from edgeproof.runtime.engines.engine import choose_engine, load_engine, run_each
from edgeproof.runtime.engines.static_checks import check_magic
from edgeproof.runtime.errors import EngineMissingError, InvalidFileError, SpecMismatchError, UnknownNameError

# Another CPU adds in another order: differences of 1e-7 were seen between x86 and ARM.
FLOAT_TOLERANCE = 1e-5
EACH_FORMAT = [pytest.param(one, marks=pytest.mark.needs(one.value)) for one in Format]


class Mean:
    """An engine that gives the mean of one image."""

    name = "mean"
    input = TensorSpec(name="x", dtype="float32", shape=(1, 32, 32, 1))
    output = TensorSpec(name="y", dtype="float32", shape=(1, 1))
    metadata: ClassVar[dict[str, str]] = {}

    def run(self, batch: np.ndarray) -> np.ndarray:
        assert (batch.shape, batch.dtype) == (self.input.shape, np.float32)
        return batch.mean(axis=(1, 2))


def test_images_are_run_one_by_one_and_not_all_of_them_held_as_floats() -> None:
    images = np.random.default_rng(1).integers(0, 256, (1000, 32, 32, 1), np.uint8)
    tracemalloc.start()
    try:
        found = run_each(Mean(), images)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    np.testing.assert_allclose(found, images.mean(axis=(1, 2)), rtol=1e-5)
    assert peak < images.nbytes  # as floats they take four times as much


def test_no_image_has_no_answer() -> None:
    assert run_each(Mean(), np.zeros((0, 32, 32, 1), np.uint8)).shape == (0, 1)


def test_the_tensors_are_those_of_the_manifest(golden: Path, variant: str) -> None:
    """What they hold is for the golden vectors to say."""
    known = read_manifest(golden).variant(variant)
    engine = load_engine((golden / known.file).read_bytes(), known.format)
    assert (engine.input, engine.output) == (known.input, known.output)


@pytest.mark.needs("tflite")
def test_the_int8_file_takes_camera_bytes_and_gives_bytes(golden: Path) -> None:
    engine = load_engine((golden / "static_wi8_ai8.tflite").read_bytes(), Format.TFLITE)
    assert (engine.input.dtype, engine.input.is_identity, engine.output.dtype) == ("uint8", True, "uint8")


@pytest.mark.parametrize("model_format", EACH_FORMAT)
def test_the_threads_do_not_change_the_answer(golden: Path, model_format: Format) -> None:
    model = (golden / f"float32.{model_format}").read_bytes()
    one, two = (load_engine(model, model_format, threads=n) for n in (1, 2))
    image = np.full((1, 28, 28, 1), 100, np.float32)
    np.testing.assert_allclose(one.run(image), two.run(image), atol=FLOAT_TOLERANCE)


@pytest.mark.parametrize("model_format", EACH_FORMAT)
def test_an_invoker_runs_the_batch_that_it_was_made_with(golden: Path, model_format: Format) -> None:
    """Seen in the output that the engine keeps: LiteRT's tensor, the value bound for ONNX Runtime."""
    engine = load_engine((golden / f"float32.{model_format}").read_bytes(), model_format)
    dark, bright = (np.full((1, 28, 28, 1), value, np.float32) for value in (0, 200))
    expected = engine.run(dark)
    assert not np.array_equal(expected, engine.run(bright))
    invoke = engine.invoker(dark)
    if model_format is Format.TFLITE:
        engine._interpreter.tensor(engine._output_index)()[:] = 0  # type: ignore[attr-defined]
        invoke()
        found = engine._interpreter.get_tensor(engine._output_index)  # type: ignore[attr-defined]
    else:
        binding = invoke.args[0]  # type: ignore[attr-defined]
        assert not binding.copy_outputs_to_cpu()[0].any()
        invoke()
        [found] = binding.copy_outputs_to_cpu()
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("model_format", EACH_FORMAT)
def test_an_invoker_refuses_a_batch_that_does_not_fit(golden: Path, model_format: Format) -> None:
    engine = load_engine((golden / f"float32.{model_format}").read_bytes(), model_format)
    with pytest.raises(InvalidFileError, match="cannot run the model"):
        engine.invoker(np.zeros((1, 8, 8, 1), np.float32))


@pytest.mark.parametrize("model_format", EACH_FORMAT)
@pytest.mark.parametrize("model", [b"", b"PK\x03\x04 a zip file", b"x" * 5000])
def test_foreign_bytes_never_reach_an_engine(model: bytes, model_format: Format) -> None:
    with pytest.raises(InvalidFileError, match=f"are not a .{model_format} model"):
        load_engine(model, model_format)


@pytest.mark.parametrize(
    "model_format",
    [
        pytest.param(Format.TFLITE, marks=pytest.mark.needs("litert")),  # tflite-runtime 2.14 dies of it
        pytest.param(Format.ONNX, marks=pytest.mark.needs("onnx")),
    ],
)
def test_a_truncated_model_is_refused(golden: Path, model_format: Format) -> None:
    model = (golden / f"float32.{model_format}").read_bytes()
    with pytest.raises(InvalidFileError, match=r"does not accept the model|structure is damaged"):
        load_engine(model[: len(model) // 2], model_format)


def test_the_format_of_onnx_runtime_itself_is_no_onnx() -> None:
    # A flatbuffer whose root is at offset 8 begins as an ONNX file does.
    with pytest.raises(InvalidFileError, match=r"these 64 bytes are not a \.onnx model"):
        check_magic(b"\x08\0\0\0ORTM" + bytes(56), Format.ONNX)
    check_magic(b"\x08\0\0\0ONNX" + bytes(56), Format.ONNX)


def test_an_engine_for_the_other_format_is_refused() -> None:
    with pytest.raises(UnknownNameError, match=r"litert does not run \.onnx files; onnxruntime does"):
        choose_engine(Format.ONNX, "litert")


def test_an_unknown_engine_names_those_that_exist() -> None:
    with pytest.raises(UnknownNameError, match="'tensorrt'; possible: auto, litert, onnxruntime"):
        choose_engine(Format.ONNX, "tensorrt")


@pytest.mark.parametrize(("model_format", "extra"), [(Format.TFLITE, "litert"), (Format.ONNX, "onnx")])
def test_a_missing_engine_names_the_extra(monkeypatch: pytest.MonkeyPatch, model_format: Format, extra: str) -> None:
    monkeypatch.setattr("edgeproof.runtime.engines.packages.find_spec", lambda _: None)
    with pytest.raises(EngineMissingError, match=rf"pip install 'edgeproof\[{extra}\]'"):
        choose_engine(model_format)


@pytest.mark.needs("tflite")
def test_a_package_that_is_asked_for_is_the_one_that_runs(golden: Path) -> None:
    from edgeproof.runtime.engines.litert import LiteRTEngine
    from edgeproof.runtime.engines.packages import PACKAGES

    model = (golden / "float32.tflite").read_bytes()
    for package in (package for package in PACKAGES if package.runs is Format.TFLITE):
        if package.is_installed:
            assert LiteRTEngine(model, package=package.module).name.startswith(f"{package.title} ")
        else:
            with pytest.raises(EngineMissingError, match=f"no engine {package.module} for .tflite files is installed"):
                LiteRTEngine(model, package=package.module)


def test_without_a_package_there_is_no_interpreter(monkeypatch: pytest.MonkeyPatch) -> None:
    from edgeproof.runtime.engines.litert import LiteRTEngine

    monkeypatch.setattr("edgeproof.runtime.engines.packages.find_spec", lambda _: None)
    with pytest.raises(EngineMissingError, match=r"no engine for \.tflite files is installed; pip install"):
        LiteRTEngine(b"")


@pytest.mark.needs("tflite")
def test_litert_gets_the_threads_that_were_asked_for(golden: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from edgeproof.runtime.engines.packages import installed_packages

    asked: list[int] = []
    module = installed_packages(Format.TFLITE)[0].load("interpreter")
    interpreter = module.Interpreter
    monkeypatch.setattr(module, "Interpreter", lambda **o: asked.append(o["num_threads"]) or interpreter(**o))
    load_engine((golden / "float32.tflite").read_bytes(), Format.TFLITE, threads=3)
    assert asked == [3]


@pytest.mark.needs("onnx")
def test_onnx_runtime_gets_the_threads_that_were_asked_for(golden: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from edgeproof.runtime.engines import onnxruntime as ort

    asked: list[int] = []
    session = ort.ort.InferenceSession
    monkeypatch.setattr(
        ort.ort, "InferenceSession", lambda m, o, **k: asked.append(o.intra_op_num_threads) or session(m, o, **k)
    )
    load_engine((golden / "float32.onnx").read_bytes(), Format.ONNX, threads=2)
    assert asked == [2]


@pytest.mark.parametrize("threads", [0, -1, 257, 2**40])
def test_threads_have_a_range(golden: Path, threads: int) -> None:
    with pytest.raises(SpecMismatchError, match=f"threads must be a whole number from 1 to 256, got {threads}"):
        load_engine((golden / "float32.onnx").read_bytes(), Format.ONNX, threads=threads)
