from pathlib import Path

import numpy as np
import pytest
from edgeproof.runtime import engine as engines
from edgeproof.runtime.engine import choose_engine, load_engine
from edgeproof.runtime.errors import EngineMissingError, InvalidFileError, SpecMismatchError, UnknownNameError
from edgeproof.runtime.manifest_reader import read_manifest
from edgeproof.runtime.variants import ALL_VARIANTS, Format

# Another CPU adds in another order: differences of 1e-7 were seen between x86 and ARM.
FLOAT_TOLERANCE = 1e-5
# ONNX Runtime keeps int8 results in float; a rounding tie that falls the other way is one step of the output.
INT8_ONNX_TOLERANCE = 2 / 255


@pytest.mark.parametrize("name", ALL_VARIANTS)
def test_golden_outputs_are_reproduced(golden: Path, name: str) -> None:
    variant = read_manifest(golden).variant(name)
    engine = load_engine((golden / variant.file).read_bytes(), variant.format)
    assert (engine.input, engine.output) == (variant.input, variant.output)
    with np.load(golden / "golden.npz") as vectors:
        batch = engine.input.encode(vectors["inputs"])
        found = np.concatenate([engine.run(batch[i : i + 1]) for i in range(len(batch))])
        expected = vectors[name]
    assert found.dtype == expected.dtype
    if found.dtype == np.uint8:
        np.testing.assert_array_equal(found, expected)
    else:
        tolerance = FLOAT_TOLERANCE if variant.recipe == "float32" else INT8_ONNX_TOLERANCE
        np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance)


def test_the_int8_file_takes_camera_bytes_and_gives_bytes(golden: Path) -> None:
    engine = load_engine((golden / "static_wi8_ai8.tflite").read_bytes(), Format.TFLITE)
    assert (engine.input.dtype, engine.input.is_identity, engine.output.dtype) == ("uint8", True, "uint8")


def test_the_threads_do_not_change_the_answer(golden: Path) -> None:
    for name in ("float32.tflite", "float32.onnx"):
        model = (golden / name).read_bytes()
        one, two = (load_engine(model, Format(name.split(".")[1]), threads=n) for n in (1, 2))
        image = np.full((1, 28, 28, 1), 100, np.float32)
        np.testing.assert_allclose(one.run(image), two.run(image), atol=FLOAT_TOLERANCE)


@pytest.mark.parametrize("model_format", list(Format))
@pytest.mark.parametrize("model", [b"", b"PK\x03\x04 a zip file", b"x" * 5000])
def test_foreign_bytes_never_reach_an_engine(model: bytes, model_format: Format) -> None:
    with pytest.raises(InvalidFileError, match=f"are not a .{model_format} model"):
        load_engine(model, model_format)


@pytest.mark.parametrize("name", ["float32.tflite", "float32.onnx"])
def test_a_truncated_model_is_refused(golden: Path, name: str) -> None:
    model = (golden / name).read_bytes()
    with pytest.raises(InvalidFileError, match="does not accept the model"):
        load_engine(model[: len(model) // 2], Format(name.split(".")[1]))


def test_an_engine_for_the_other_format_is_refused() -> None:
    with pytest.raises(UnknownNameError, match=r"litert does not run \.onnx files; onnxruntime does"):
        choose_engine(Format.ONNX, "litert")


def test_an_unknown_engine_names_those_that_exist() -> None:
    with pytest.raises(UnknownNameError, match="'tensorrt'; possible: auto, litert, onnxruntime"):
        choose_engine(Format.ONNX, "tensorrt")


@pytest.mark.parametrize(("model_format", "extra"), [(Format.TFLITE, "litert"), (Format.ONNX, "onnx")])
def test_a_missing_engine_names_the_extra(monkeypatch: pytest.MonkeyPatch, model_format: Format, extra: str) -> None:
    monkeypatch.setattr(engines, "find_spec", lambda _: None)
    with pytest.raises(EngineMissingError, match=rf"pip install 'edgeproof\[{extra}\]'"):
        choose_engine(model_format)


def test_engines_get_the_threads_that_were_asked_for(golden: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from edgeproof.runtime import litert, ort

    asked: list[int] = []
    module = litert.import_interpreter()
    interpreter = module.Interpreter
    monkeypatch.setattr(module, "Interpreter", lambda **o: asked.append(o["num_threads"]) or interpreter(**o))
    real = ort.ort.InferenceSession
    monkeypatch.setattr(
        ort.ort, "InferenceSession", lambda m, o, **k: asked.append(o.intra_op_num_threads) or real(m, o, **k)
    )
    load_engine((golden / "float32.tflite").read_bytes(), Format.TFLITE, threads=3)
    load_engine((golden / "float32.onnx").read_bytes(), Format.ONNX, threads=2)
    assert asked == [3, 2]


@pytest.mark.parametrize("threads", [0, -1, 257, 2**40])
def test_threads_have_a_range(golden: Path, threads: int) -> None:
    with pytest.raises(SpecMismatchError, match=f"threads must be from 1 to 256, got {threads}"):
        load_engine((golden / "float32.onnx").read_bytes(), Format.ONNX, threads=threads)
