from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from edgeproof.datasets.rows import ImageRows
from edgeproof.export.samples import draw_samples
from edgeproof.export.verification.temperature_fit import (
    MAX_IMAGES,
    HeldOut,
    fit_temperature,
    held_out_images,
    measure_temperature,
)
from edgeproof.metrics.calibration_error import expected_calibration_error
from edgeproof.runtime.bundle.temperature import Temperature
from edgeproof.runtime.bundle.tensors import QuantParams, TensorSpec
from edgeproof.runtime.errors import SpecMismatchError

FLOATS = TensorSpec(name="probabilities", dtype="float32", shape=(1, 10))
BYTES = replace(FLOATS, dtype="uint8", quantization=QuantParams(scale=1 / 256, zero_point=0))


def softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def answers(sharpness: float, *, images: int = 5000, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities of a model that is right as often as `softmax(logits)` says, and says `sharpness` times as much."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(images, 10)) * 3
    labels = (softmax(logits).cumsum(axis=1) > rng.random((images, 1))).argmax(axis=1)
    return softmax(logits * sharpness).astype(np.float32), labels


# In bytes, what a very sharp model rounds away cannot be had back.
@pytest.mark.parametrize(
    ("output", "sharpness"), [(FLOATS, 0.5), (FLOATS, 1.5), (FLOATS, 3.0), (BYTES, 0.5), (BYTES, 0.8), (BYTES, 1.5)]
)
def test_a_known_temperature_is_found(output: TensorSpec, sharpness: float) -> None:
    probabilities, labels = answers(sharpness)
    found = fit_temperature(output.encode(probabilities), labels, output)
    assert found == pytest.approx(sharpness, rel=0.1)


@pytest.mark.parametrize("output", [FLOATS, BYTES], ids=["float32", "uint8"])
@pytest.mark.parametrize("sharpness", [0.5, 0.9, 1.0, 1.1, 3.0])
def test_the_labels_are_never_less_likely_with_the_temperature(output: TensorSpec, sharpness: float) -> None:
    probabilities, labels = answers(sharpness, images=1000)
    stored = output.encode(probabilities)

    def loss(temperature: float) -> float:
        of_labels = Temperature(output, temperature)(stored)[np.arange(1000), labels]
        return float(-np.log(np.maximum(of_labels, 1e-4)).mean())

    assert loss(fit_temperature(stored, labels, output)) <= loss(1.0)


def test_the_calibration_error_goes_down() -> None:
    probabilities, labels = answers(2.0)
    found = measure_temperature(probabilities, labels, FLOATS, held_out=True)
    assert found is not None
    assert (found.images, found.held_out) == (5000, True)
    assert found.ece_before > 0.1
    assert found.ece_after < 0.02
    calibrated = Temperature(FLOATS, found.temperature)(probabilities)
    assert found.ece_after == pytest.approx(expected_calibration_error(calibrated, labels), abs=1e-6)


def test_what_chance_explains_changes_nothing() -> None:
    probabilities, labels = answers(1.0, images=300)
    assert fit_temperature(probabilities, labels, FLOATS) == 1.0


def test_one_wrong_label_does_not_decide() -> None:
    labels = np.arange(2000) % 10
    probabilities = np.full((2000, 10), 0.1 / 9, np.float32)  # says 90 %
    probabilities[np.arange(2000), labels] = 0.9
    labels[:20] = (labels[:20] + 1) % 10  # is right in 99 %
    expected = fit_temperature(probabilities, labels, FLOATS)
    assert expected < 0.7
    labels[-1], probabilities[-1] = 5, np.eye(10)[6]
    assert fit_temperature(probabilities, labels, FLOATS) == pytest.approx(expected, rel=0.02)


def test_a_model_that_is_always_right_stays_as_it_is() -> None:
    probabilities = np.full((1000, 10), 0.01, np.float32)
    labels = np.arange(1000) % 10
    probabilities[np.arange(1000), labels] = 0.91
    assert fit_temperature(probabilities, labels, FLOATS) == 1.0


def test_answers_that_labels_have_nothing_to_do_with_stay_as_they_are() -> None:
    probabilities, _ = answers(3.0)
    assert fit_temperature(probabilities, np.arange(5000) % 10, FLOATS) == 1.0


@pytest.mark.parametrize(("sharpness", "expected"), [(0.5, 1.0), (2.0, 2.0)])
def test_images_that_were_learned_from_make_no_model_surer(sharpness: float, expected: float) -> None:
    probabilities, labels = answers(sharpness)
    found = measure_temperature(probabilities, labels, FLOATS, held_out=False)
    assert found is not None
    assert found.temperature == pytest.approx(expected, rel=0.1)
    assert not found.held_out


def test_a_few_images_say_nothing() -> None:
    probabilities, labels = answers(3.0, images=100)
    assert measure_temperature(probabilities[:99], labels[:99], FLOATS, held_out=True) is None
    assert measure_temperature(probabilities, labels, FLOATS, held_out=True) is not None


def rows(*sure: float) -> np.ndarray:
    """Answers of a model with two classes, the first of them more probable."""
    return np.array([[one, 1 - one] for one in sure], np.float32)


@pytest.mark.parametrize(
    ("probabilities", "labels", "error"),
    [
        (rows(1.0, 1.0), [0, 0], 0.0),
        (rows(1.0, 1.0), [1, 1], 1.0),
        (rows(0.75, 0.75, 0.75, 0.75), [0, 0, 0, 1], 0.0),  # right as often as it says
        (rows(0.95, 0.95, 0.95, 0.95), [0, 1, 0, 1], 0.45),
        # Two bins: |0.9 - 1| for one image, |(0.6 + 0.62) / 2 - 0.5| for two; weights 1/3 and 2/3.
        (rows(0.9, 0.6, 0.62), [0, 0, 1], 0.1 / 3 + 0.11 * 2 / 3),
        # The bins are ]9/15, 10/15] and ]10/15, 11/15]: in one bin, 0.65 and 0.69 would take each other's place.
        (rows(0.65, 0.69), [0, 1], (0.35 + 0.69) / 2),
    ],
)
def test_the_calibration_error_is_what_one_computes_by_hand(
    probabilities: np.ndarray, labels: list[int], error: float
) -> None:
    assert expected_calibration_error(probabilities, np.array(labels)) == pytest.approx(error, abs=1e-6)


LABELS = np.random.default_rng(1).permutation(np.arange(20_000) % 10)
IMAGES = np.arange(20_000, dtype=np.uint32).view(np.uint8).reshape(20_000, 1, 2, 2)


def drawn(positions: range) -> HeldOut:
    return held_out_images(IMAGES, LABELS, positions, seed=1, calibration=500)


def numbers(images: np.ndarray) -> set[int]:
    return set(images.reshape(len(images), 4).copy().view(np.uint32)[:, 0].tolist())


def test_held_out_images_are_those_that_were_named_and_none_that_is_calibrated_on() -> None:
    calibrated = numbers(draw_samples(IMAGES, LABELS, seed=1, count=500).calibration)
    held_out = drawn(range(3000))
    assert set(held_out.positions.tolist()) == set(range(3000)) - calibrated
    images, labels = held_out.sample(10**9, "float32")
    assert numbers(images) <= set(range(3000)) - calibrated
    np.testing.assert_array_equal(labels, LABELS[sorted(numbers(images), key=held_out.positions.tolist().index)])


@pytest.mark.parametrize(
    ("macs", "activations", "count"),
    [
        (1000, "float32", MAX_IMAGES),
        (10**7, "int8", 1000),
        (5 * 10**6, "int16", 250),
        (4 * 10**9, "float32", 200),
        (None, "float32", 200),
    ],
)
def test_a_large_model_is_run_on_fewer_images(macs: int | None, activations: str, count: int) -> None:
    images, labels = drawn(range(10_000)).sample(macs, activations)
    assert (len(images), len(labels)) == (count, count)


def test_images_on_disk_stay_there(tmp_path: Path) -> None:
    (tmp_path / "pixels").write_bytes(IMAGES.tobytes())
    stored = ImageRows(tmp_path / "pixels", len(IMAGES), (1, 2, 2), np.arange(len(IMAGES)))
    on_disk, labels = replace(drawn(range(10_000)), images=stored).sample(None, "float32")
    in_memory, same = drawn(range(10_000)).sample(None, "float32")
    assert isinstance(on_disk, ImageRows)
    np.testing.assert_array_equal(on_disk[:], in_memory)
    np.testing.assert_array_equal(labels, same)


@pytest.mark.parametrize(
    ("positions", "complaint"),
    [
        ([0, 20_000], "numbered from 0 to 20000; the data has 20000"),
        ([-1, 5], "numbered from -1 to 5; the data has 20000"),
        ([7, 7], "given twice"),
    ],
)
def test_held_out_images_that_do_not_exist_are_refused(positions: list[int], complaint: str) -> None:
    with pytest.raises(SpecMismatchError, match=complaint):
        held_out_images(IMAGES, LABELS, positions, seed=1, calibration=500)


def test_no_image_may_be_held_out() -> None:
    assert len(held_out_images(IMAGES, LABELS, [], seed=1, calibration=500).positions) == 0
