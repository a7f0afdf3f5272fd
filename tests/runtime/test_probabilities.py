"""Answers are checked to be probabilities: at each call, or once where a manifest vouches for the file."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from edgeproof.runtime import Classifier, InvalidFileError
from edgeproof.runtime.bundle.tensors import QuantParams, TensorSpec
from edgeproof.runtime.engines.engine import noise
from edgeproof.runtime.probabilities import check_probabilities, step_of

from tests.helpers.command import error_line, run
from tests.helpers.files import vouch
from tests.helpers.tflite_files import SIGMOID, SOFTMAX, TANH, with_operator

REFUSED = "does not give probabilities: .* edgeproof export --softmax appends one"
STEP = 1 / 256
SURE = [1.0] + [0.0] * 9


@pytest.mark.parametrize(
    ("row", "step"),
    [
        ([0.1] * 10, 1e-9),
        (SURE, 1e-9),
        ([255 / 256] + [0.0] * 9, STEP),  # the largest of a byte
        ([0.0] * 1000, STEP),  # of 1,000 classes, each has less than half a step
        ([26 * STEP] * 10, STEP),  # 1.0156
        ([25 * STEP] * 10, STEP),
        ([0.1] * 10, None),
        ([0.0999] * 10, None),  # in float16
        # Floats that a file has made of bytes.
        ([255 / 256] + [0.0] * 9, None),
        ([254 / 255] + [0.0] * 9, None),
        ([26 / 256] * 10, None),
        ([1 / 255] * 300, None),
        ([60 / 255] + [0.0] * 999, None),  # each of the others has less than half a step
        ([float(np.float32(0.003921569) * 25)] * 10, None),
        ([12 / 127] * 10, None),
        ([13 / 127.5] * 10, None),
        ([33 * 2**-15] * 1000, None),  # 1.007, of int16
        ([32 * 2**-15] * 1000, None),
    ],
)
def test_probabilities_may_be_rounded(row: list[float], step: float | None) -> None:
    check_probabilities(np.array([SURE[:1] + [0.0] * (len(row) - 1), row], np.float32), step, "it")


@pytest.mark.parametrize(
    ("row", "step"),
    [
        ([-0.0079, 1.0079], 1e-9),
        ([-STEP, 1.0], STEP),
        ([0.5, 0.43], STEP),
        ([0.5, 0.57], STEP),
        ([0.0] * 10, STEP),
        ([0.1] * 9 + [0.09], 1e-9),
        ([0.02] * 1000, STEP),  # a sigmoid for each of 1,000 classes
        ([STEP] * 1000, STEP),
        ([0.0] * 300, STEP),  # equal, they would have 1 / 300 each, which is rounded to a step
        ([0.0] * 10, None),
        ([0.0] * 300, None),
        ([0.0] * 1000, None),
        ([0.0] * 2**16, None),
        ([0.0039] * 1000, None),
        ([STEP] * 1000, None),
        ([1 / 255] * 1000, None),
        ([0.097] * 10, None),
        ([0.5] * 2 + [0.003] * 8, None),
        ([1.0, -1e-7], None),
        ([np.nan] * 10, None),
        ([np.inf] + [0.0] * 9, None),
        ([np.nan, 1.0], STEP),
        ([np.inf, 0.0], STEP),
    ],
)
def test_what_no_rounding_explains_is_refused(row: list[float], step: float | None) -> None:
    with pytest.raises(InvalidFileError, match=rf"^it {REFUSED}"):
        check_probabilities(np.array([[1.0] + [0.0] * (len(row) - 1), row], np.float32), step, "it")


def test_the_step_is_that_of_the_output_which_floats_have_not() -> None:
    output = TensorSpec(name="", dtype="int16", shape=(1, 10), quantization=QuantParams(scale=2**-15, zero_point=0))
    assert step_of(output) == 2**-15
    assert step_of(TensorSpec(name="", dtype="float32", shape=(1, 10))) is None


def test_nothing_is_no_fault() -> None:
    check_probabilities(np.zeros((0, 10), np.float32), STEP, "it")


@pytest.mark.needs("tflite")
@pytest.mark.parametrize(
    ("name", "operator"),
    # Sigmoids in steps of 1/256 may happen to sum up to 1.
    [("float32.tflite", SIGMOID), ("float32.tflite", TANH), ("static_wi8_ai8.tflite", TANH)],
)
def test_a_file_that_gives_other_numbers_is_refused(
    bundle_copy: Path, tmp_path: Path, name: str, operator: int
) -> None:
    (bundle_copy / name).write_bytes(with_operator((bundle_copy / name).read_bytes(), SOFTMAX, operator))
    vouch(bundle_copy, name)
    for load in (lambda: Classifier.load(bundle_copy, variant=name), lambda: Classifier.load(bundle_copy / name)):
        with pytest.raises(InvalidFileError, match=REFUSED):
            load()
    shutil.copy(bundle_copy / name, tmp_path)
    alone = Classifier.load(tmp_path / name, trusted=True)
    image = noise((28, 28, 1))
    for call in (alone.predict_one, alone.probabilities, lambda one: list(alone.stream([one]))):
        with pytest.raises(InvalidFileError, match=REFUSED):
            call(image)


@pytest.mark.needs("tflite", "pillow")
def test_the_command_refuses_it_in_one_line(golden: Path, files: Path, tmp_path: Path) -> None:
    model = (golden / "float32.tflite").read_bytes()
    (tmp_path / "my.tflite").write_bytes(with_operator(model, SOFTMAX, SIGMOID))
    done = run("predict", files / "seven.png", "--model", tmp_path / "my.tflite")
    assert done.stdout == ""
    assert "--softmax" in error_line(done)


def test_every_kind_of_file_gives_probabilities(golden: Path, variant: str, tmp_path: Path) -> None:
    shutil.copy(golden / variant, tmp_path)
    images = np.random.default_rng(1).integers(0, 256, (50, 28, 28, 1), np.uint8)
    alone = Classifier.load(tmp_path / variant, trusted=True)
    np.testing.assert_array_equal(alone.probabilities(images).shape, (50, 10))
    assert len([alone.predict(image) for image in images]) == 50


def test_only_a_file_that_nobody_vouches_for_is_checked_at_each_call(
    golden: Path, variant: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked: list[int] = []
    for module in ("classifier", "probabilities"):
        count = f"edgeproof.runtime.{module}.check_probabilities"
        monkeypatch.setattr(count, lambda rows, *_: checked.append(len(rows)))
    image = np.zeros((28, 28, 1), np.uint8)
    vouched = Classifier.load(golden, variant=variant)
    assert checked == [1]
    vouched.predict(image)
    vouched.predict([image, image])
    assert checked == [1]
    shutil.copy(golden / variant, tmp_path)
    alone = Classifier.load(tmp_path / variant, trusted=True)
    assert checked == [1]
    alone.predict(image)
    alone.predict(np.stack([image, image]))
    assert checked == [1, 1, 2]
