import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from edgeproof.export import find_recipe
from edgeproof.export.tflite.convert import to_tflite
from edgeproof.export.verification.other_runtimes import Answers, OtherRuntime, find_micro, find_runtime
from edgeproof.runtime.errors import EngineMissingError, InvalidFileError

MICRO = find_micro()
needs_micro = pytest.mark.skipif(MICRO is None, reason="tflite-micro has wheels for Linux on x86-64 only")


@pytest.fixture
def inputs(golden: Path) -> np.ndarray:
    with np.load(golden / "golden.npz") as vectors:
        return vectors["inputs"]


def test_this_python_has_litert() -> None:
    runtime = find_runtime(Path(sys.executable))
    assert runtime is not None
    assert (runtime.package, runtime.is_micro) == ("ai_edge_litert", False)


def test_a_file_gives_the_same_answers_in_another_process(golden: Path, inputs: np.ndarray) -> None:
    runtime = OtherRuntime(python=Path(sys.executable), package="ai_edge_litert")
    found = runtime.run((golden / "static_wi8_ai8.tflite").read_bytes(), inputs)
    assert isinstance(found, Answers)
    assert found.runtime.startswith("LiteRT ")
    assert found.arena_bytes is None
    with np.load(golden / "golden.npz") as vectors:
        np.testing.assert_array_equal(found.outputs, vectors["static_wi8_ai8.tflite"])


@needs_micro
def test_microcontrollers_compute_like_the_plain_kernels_and_say_what_memory_they_need(
    golden: Path, inputs: np.ndarray
) -> None:
    assert MICRO is not None
    found = MICRO.run((golden / "static_wi8_ai8.tflite").read_bytes(), inputs)
    assert isinstance(found, Answers)
    with np.load(golden / "golden.npz") as vectors:
        np.testing.assert_array_equal(found.outputs, vectors["static_wi8_ai8.tflite/reference_kernels"])
    # At least the largest tensors in and out of one layer: 14 x 14 x 8 and 7 x 7 x 16 bytes.
    assert found.arena_bytes is not None
    assert 14 * 14 * 8 + 7 * 7 * 16 < found.arena_bytes < 20_000


@needs_micro
def test_an_operator_that_a_runtime_lacks_is_named() -> None:
    assert MICRO is not None
    images = np.random.default_rng(0).integers(0, 256, (8, 8, 8, 1)).astype(np.uint8)
    layers = [keras.layers.Conv2D(2, 3, activation="gelu"), keras.layers.Flatten(), keras.layers.Dense(2, "softmax")]
    model = keras.Sequential([keras.Input((8, 8, 1)), *layers])
    assert MICRO.run(to_tflite(model, find_recipe("int8"), images), images) == (
        "Didn't find op for builtin opcode 'GELU'"
    )


@needs_micro
def test_what_a_runtime_cannot_run_is_one_line(golden: Path, inputs: np.ndarray) -> None:
    assert MICRO is not None
    problem = MICRO.run((golden / "dynamic_wi8_afp32.tflite").read_bytes(), inputs.astype(np.float32))
    assert isinstance(problem, str)
    assert "Error" in problem
    assert "\n" not in problem


@needs_micro
def test_microcontrollers_expand_weights_of_8_bits_wrongly_without_a_word(golden: Path, inputs: np.ndarray) -> None:
    """They use the first channel's scale for all: no such file may ever be offered to them."""
    assert MICRO is not None
    right = {name: (golden / f"{name}.tflite").read_bytes() for name in ("float32", "weight_only_wi8_afp32")}
    answers = {name: MICRO.run(model, inputs.astype(np.float32)) for name, model in right.items()}
    with np.load(golden / "golden.npz") as vectors:
        for name, found in answers.items():
            assert isinstance(found, Answers)
            off = float(np.abs(found.outputs - vectors[f"{name}.tflite"]).max())
            assert off < 1e-5 if name == "float32" else off > 0.3


def test_a_file_that_is_none_does_not_end_us(inputs: np.ndarray) -> None:
    runtime = OtherRuntime(python=Path(sys.executable), package="ai_edge_litert")
    assert isinstance(runtime.run(b"\x1c\0\0\0TFL3" + bytes(100), inputs), str)


def test_a_python_is_looked_for_where_commands_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # A link would not be a virtual environment's Python any more: it is found by where it lies.
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent))
    runtime = find_runtime(Path(Path(sys.executable).name))
    assert runtime is not None
    assert runtime.python == Path(sys.executable)


def test_a_python_in_the_current_folder_is_that_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "python3").write_text("#!/bin/sh\nexit 7\n")
    (tmp_path / "python3").chmod(0o755)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InvalidFileError, match="it ended with exit code 7"):
        find_runtime(Path("./python3"))


def test_no_python_is_no_runtime(tmp_path: Path) -> None:
    assert find_runtime(None) is None
    with pytest.raises(InvalidFileError, match="no such Python interpreter: nowhere"):
        find_runtime(Path("nowhere"))
    script = tmp_path / "python"
    script.write_text("#!/bin/sh\nexit 3\n")
    script.chmod(0o755)
    with pytest.raises(InvalidFileError, match="is not a Python interpreter: it ended with exit code 3"):
        find_runtime(script)
    script.write_text("#!/bin/sh\nexit 0\n")
    with pytest.raises(EngineMissingError, match=r"has no TFLite runtime; .* pip install tflite-runtime==2\.14\.0"):
        find_runtime(script)
