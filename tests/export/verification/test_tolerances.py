from typing import ClassVar

import numpy as np
import pytest
from edgeproof.export.verification.tolerances import NOISY_BELOW_DB, TOLERANCES, check_tolerance, measure_difference
from edgeproof.runtime.bundle.recipes import RECIPES
from edgeproof.runtime.bundle.tensors import TensorSpec
from edgeproof.runtime.engines.engine import run_each
from edgeproof.runtime.errors import CheckFailedError

IMAGES = np.arange(40, dtype=np.uint8).reshape(10, 2, 2, 1)
EXPECTED = np.random.default_rng(0).dirichlet(np.ones(4), 10).astype(np.float32)


class Recorded:
    """An engine that plays back probabilities, one image at a time: image i holds the pixel 4 i."""

    name = "recorded"
    input = TensorSpec(name="x", dtype="float32", shape=(1, 2, 2, 1))
    output = TensorSpec(name="y", dtype="float32", shape=(1, 4))
    metadata: ClassVar[dict[str, str]] = {}

    def run(self, batch: np.ndarray) -> np.ndarray:
        assert batch.shape == (1, 2, 2, 1)
        return EXPECTED[[int(batch.flat[0]) // 4]]


def test_images_are_run_one_by_one() -> None:
    np.testing.assert_array_equal(run_each(Recorded(), IMAGES), EXPECTED)


def test_every_recipe_has_a_tolerance() -> None:
    assert TOLERANCES.keys() == RECIPES.keys()
    assert all(t.max_abs is not None or t.min_snr_db is not None for t in TOLERANCES.values())


@pytest.mark.parametrize("recipe", RECIPES)
def test_the_same_answers_pass(recipe: str) -> None:
    difference = measure_difference(EXPECTED, EXPECTED)
    check_tolerance(difference, recipe)
    assert (difference.max_abs, difference.snr_db, difference.agreement) == (0, float("inf"), 1)


@pytest.mark.parametrize(
    ("recipe", "size"),
    [
        ("float32", 1e-3),
        ("float16", 0.02),
        ("dynamic_wi8_afp32", 0.4),
        ("static_wi8_ai8", 0.4),
        ("static_wi8_ai16", 0.4),
    ],
)
def test_one_wrong_image_fails_and_is_named(recipe: str, size: float) -> None:
    answers = EXPECTED.copy()
    answers[6] += np.array([size, -size, size, -size], np.float32)
    with pytest.raises(CheckFailedError, match=r"image 6.* off by"):
        check_tolerance(measure_difference(answers, EXPECTED), recipe)


@pytest.mark.parametrize("recipe", RECIPES)
def test_nan_fails(recipe: str) -> None:
    answers = EXPECTED.copy()
    answers[3, 0] = np.nan
    with pytest.raises(CheckFailedError):
        check_tolerance(measure_difference(answers, EXPECTED), recipe)


def test_what_is_noisy_still_passes() -> None:
    noise = np.random.default_rng(1).normal(0, 0.1, EXPECTED.shape).astype(np.float32)
    difference = measure_difference(EXPECTED + noise, EXPECTED)
    assert 10 < difference.snr_db < NOISY_BELOW_DB
    check_tolerance(difference, "static_wi8_ai8")


def test_another_shape_fails() -> None:
    with pytest.raises(CheckFailedError, match=r"gives shape \(10, 3\), the original \(10, 4\)"):
        measure_difference(EXPECTED[:, :3], EXPECTED)


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
    # The first two images are clear to the original, the last two are not.
    assert measure_difference(found, expected).clear_agreement == 0.5


def test_without_clear_answers_none_is_turned() -> None:
    level = np.full((3, 2), 0.5, np.float32)
    assert measure_difference(level, level).clear_agreement == 1


def test_turned_answers_fail_even_where_the_noise_is_small() -> None:
    expected = np.eye(10, dtype=np.float32)[np.arange(400) % 10]
    found = expected.copy()
    found[:24, :] = np.where(np.roll(found[:24], 1, axis=1) > 0, 0.51, found[:24] * 0.49)
    difference = measure_difference(found, expected)
    assert difference.snr_db > 12
    with pytest.raises(CheckFailedError, match=r"it turns 6\.0 % of the answers that are clear.*allowed are 5 %"):
        check_tolerance(difference, "static_wi8_ai8")


def test_answers_lost_in_the_steps_of_the_output_fail_at_any_ratio() -> None:
    expected = np.full((100, 10), 0.1, np.float32) + np.eye(10, dtype=np.float32)[np.arange(100) % 10] * 1e-3
    difference = measure_difference(np.full_like(expected, 26 / 256), expected)
    assert difference.snr_db > 30
    with pytest.raises(CheckFailedError, match=r"it turns 90\.0 % of the answers, allowed are 40 %"):
        check_tolerance(difference, "static_wi8_ai8")


def test_the_worst_image_is_numbered_as_the_user_knows_it() -> None:
    answers = EXPECTED.copy()
    answers[6] += 0.1
    with pytest.raises(CheckFailedError, match=r"training image 106 is off by 0\.1, allowed is 0\.0001"):
        check_tolerance(measure_difference(answers, EXPECTED), "float32", numbers=np.arange(100, 110))
