import numpy as np
import pytest
from edgeproof.metrics.distance import measure_difference
from edgeproof.runtime.errors import CheckFailedError


def test_another_shape_fails() -> None:
    expected = np.full((10, 4), 0.25, np.float32)
    with pytest.raises(CheckFailedError, match=r"gives shape \(10, 3\), the reference \(10, 4\)"):
        measure_difference(expected[:, :3], expected)


def test_the_signal_to_noise_ratio_is_that_of_the_definition() -> None:
    expected = np.array([[3.0, 4.0]], np.float32)  # power 25
    found = expected + np.array([[0.5, 0.0]], np.float32)  # noise 0.25
    assert measure_difference(found, expected).snr_db == pytest.approx(20.0)


def test_agreement_counts_the_most_probable_class() -> None:
    expected = np.array([[0.9, 0.1], [0.2, 0.8], [0.55, 0.45], [0.4, 0.6]], np.float32)
    found = expected[:, ::-1][[0, 0, 0, 1]].copy()  # right on the second and on the last image
    difference = measure_difference(found, expected)
    assert difference.agreement == 0.25
    found[3] = expected[3]
    assert measure_difference(found, expected).agreement == 0.5
    # The first two images are clear to the reference, the last two are not.
    assert measure_difference(found, expected).clear_agreement == 0.5


def test_without_clear_answers_none_is_turned() -> None:
    level = np.full((3, 2), 0.5, np.float32)
    assert measure_difference(level, level).clear_agreement == 1
