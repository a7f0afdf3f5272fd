import numpy as np
import pytest
from edgeproof.benchmarks.accuracy import compare, reliability, share
from edgeproof.runtime.spec import QuantParams, TensorSpec

LABELS = np.array([0, 1, 2, 0, 1, 2])


def answers(*choices: int) -> np.ndarray:
    """Probabilities with 0.8 for each chosen class."""
    return np.where(np.arange(3) == np.array(choices)[:, None], 0.8, 0.1).astype(np.float32)


@pytest.mark.parametrize(
    ("count", "images", "low", "high"),
    [
        (9900, 10_000, 98.79, 99.18),  # the intervals that Wilson's formula gives for MNIST's test set
        (9940, 10_000, 99.23, 99.53),
        (9970, 10_000, 99.57, 99.79),
        (0, 10, 0.0, 27.75),  # Newcombe 1998: never below 0, not empty at 0
        (10, 10, 72.25, 100.0),
    ],
)
def test_shares_have_wilson_intervals(count: int, images: int, low: float, high: float) -> None:
    found = share(np.arange(images) < count)
    assert (found.count, found.images, found.value) == (count, images, count / images)
    assert (round(found.low * 100, 2), round(found.high * 100, 2)) == (low, high)


def test_fixed_and_broken_are_counted_image_by_image() -> None:
    reference = answers(0, 1, 2, 1, 2, 2)  # wrong on images 3 and 4
    found = answers(0, 2, 2, 0, 0, 2)  # breaks image 1, fixes image 3, is wrong otherwise on image 4
    accuracy, comparison = compare(found, reference, LABELS)
    assert accuracy.count == 4
    assert (comparison.fixed, comparison.broken) == ((3,), (1,))
    assert comparison.agreement.count == 3
    assert comparison.max_probability_difference == pytest.approx(0.7)


def test_a_model_agrees_with_itself() -> None:
    reference = answers(0, 0, 0, 0, 0, 0)
    accuracy, comparison = compare(reference, reference, LABELS)
    assert accuracy.count == 2
    assert (comparison.agreement.value, comparison.fixed, comparison.broken) == (1.0, (), ())


def test_reliability_is_measured_with_and_without_the_temperature() -> None:
    quantization = QuantParams(scale=1 / 256, zero_point=0)
    output = TensorSpec(name="p", dtype="uint8", shape=(1, 2), quantization=quantization)
    stored = np.array([[192, 64]] * 10, np.uint8)  # says 3/4
    labels = np.array([0] * 9 + [1])  # is right in 9 of 10
    found = reliability(stored, labels, output, 0.5)
    assert (found.images, found.temperature) == (10, 0.5)
    assert found.ece_raw == pytest.approx(0.9 - 0.75)
    assert found.ece == pytest.approx(0, abs=1e-6)  # 3^2 to 1^2
