import numpy as np
import pytest
from edgeproof.metrics.calibration_error import expected_calibration_error
from edgeproof.metrics.comparison import accuracy, compare_answers, confusions, corrected, reliability
from edgeproof.metrics.types import Confusion, Flip
from edgeproof.runtime.bundle.tensors import QuantParams, TensorSpec

LABELS = np.array([0, 1, 2, 0, 1, 2])


def answers(*choices: int) -> np.ndarray:
    """Probabilities with 0.8 for each chosen class."""
    return np.where(np.arange(3) == np.array(choices)[:, None], 0.8, 0.1).astype(np.float32)


REFERENCE = answers(0, 1, 2, 1, 2, 2)  # wrong on images 3 and 4
FOUND = answers(0, 2, 2, 0, 0, 2)  # breaks image 1, fixes image 3, is wrong otherwise on image 4


def test_fixed_and_broken_are_counted_image_by_image() -> None:
    found = compare_answers(FOUND, REFERENCE, LABELS)
    assert accuracy(FOUND, LABELS).count == 4
    assert found.outcome is not None
    assert (found.outcome.fixed, found.outcome.broken) == ((3,), (1,))
    assert found.agreement.count == 3
    assert found.outcome.difference.points == 0
    assert found.outcome.p_value == found.outcome.p_adjusted == 1


def test_every_flip_is_listed_with_both_answers() -> None:
    found = compare_answers(FOUND, REFERENCE, LABELS)
    assert [flip.position for flip in found.flips] == [1, 3, 4]
    assert found.flips[2] == Flip(
        position=4,
        truth=1,
        reference=2,
        reference_probability=pytest.approx(0.8),
        found=0,
        found_probability=pytest.approx(0.8),
    )


def test_probability_differences_are_the_largest_and_the_mean_of_each_images_largest() -> None:
    found = compare_answers(FOUND, REFERENCE, LABELS)
    assert found.max_probability_difference == pytest.approx(0.7)
    assert found.mean_probability_difference == pytest.approx(0.7 * 3 / 6)


def test_recall_is_compared_class_by_class() -> None:
    found = compare_answers(FOUND, REFERENCE, LABELS).outcome
    assert found is not None
    assert found.recall_differences == (50.0, -50.0, 0.0)


def test_a_class_without_images_has_no_recall() -> None:
    found = compare_answers(FOUND[:2], REFERENCE[:2], LABELS[:2]).outcome
    assert found is not None
    assert found.recall_differences == (0.0, -100.0, None)


def test_a_model_agrees_with_itself() -> None:
    found = compare_answers(REFERENCE, REFERENCE, LABELS)
    assert (found.agreement.value, found.flips, found.max_probability_difference) == (1.0, (), 0.0)
    assert found.outcome is not None
    assert (found.outcome.fixed, found.outcome.broken, found.outcome.ece_drift) == ((), (), 0.0)


def test_without_labels_only_the_answers_are_compared() -> None:
    found = compare_answers(FOUND, REFERENCE, None)
    assert found.outcome is None
    assert found.agreement.count == 3
    assert [flip.truth for flip in found.flips] == [None] * 3


def test_p_values_are_corrected_for_their_number() -> None:
    labels = np.zeros(40, np.int64)
    right, wrong = answers(*[0] * 40), answers(*[1] * 6, *[0] * 34)
    one = compare_answers(wrong, right, labels)
    first, *others = corrected([one, *[compare_answers(right, right, labels)] * 7])
    assert first.outcome is not None
    assert first.outcome.p_value == pytest.approx(2 / 2**6)
    assert first.outcome.p_adjusted == pytest.approx(8 * 2 / 2**6)
    assert {one.outcome.p_adjusted for one in others if one.outcome} == {1.0}
    unlabelled = compare_answers(right, right, None)
    assert corrected([unlabelled]) == [unlabelled]


def test_calibration_drifts_where_probabilities_do() -> None:
    surer = np.where(REFERENCE > 0.5, 0.9, 0.05).astype(np.float32)
    outcome = compare_answers(surer, REFERENCE, LABELS).outcome
    assert outcome is not None
    assert outcome.ece_drift == pytest.approx(0.1, abs=1e-6)  # 4 of 6 are right, and it says 0.9 in place of 0.8


def test_reliability_is_measured_with_and_without_the_temperature() -> None:
    quantization = QuantParams(scale=1 / 256, zero_point=0)
    output = TensorSpec(name="p", dtype="uint8", shape=(1, 2), quantization=quantization)
    stored = np.array([[192, 64]] * 10, np.uint8)  # says 3/4
    labels = np.array([0] * 9 + [1])  # is right in 9 of 10
    found = reliability(stored, labels, output, 0.5)
    assert (found.images, found.temperature) == (10, 0.5)
    assert found.ece_raw == pytest.approx(0.9 - 0.75)
    assert found.ece == pytest.approx(0, abs=1e-6)  # 3^2 to 1^2
    assert [(one.images, one.probability, one.accuracy) for one in found.bins] == [(10, 0.75, 0.9)]


def test_the_calibration_error_is_that_of_its_bins() -> None:
    draw = np.random.default_rng(1)
    probabilities = draw.dirichlet([0.3] * 3, 500).astype(np.float32)
    labels = draw.integers(0, 3, 500)
    found = reliability(probabilities, labels, TensorSpec(name="p", dtype="float32", shape=(1, 3)))
    assert sum(one.images for one in found.bins) == 500
    weighted = sum(one.images * abs(one.probability - one.accuracy) for one in found.bins) / 500
    assert weighted == pytest.approx(found.ece_raw) == pytest.approx(expected_calibration_error(probabilities, labels))


def test_confusions_are_counted_the_most_frequent_first() -> None:
    found = confusions(answers(1, 1, 0, 2, 1, 2), np.array([0, 0, 1, 2, 1, 0]))
    assert found == (
        Confusion(truth=0, answer=1, count=2),
        Confusion(truth=0, answer=2, count=1),
        Confusion(truth=1, answer=0, count=1),
    )
    assert confusions(answers(0, 1), np.array([0, 1])) == ()
