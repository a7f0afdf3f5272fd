from typing import ClassVar

import numpy as np
import pytest
from edgeproof.export.verification import NOISY_BELOW_DB, TOLERANCES, check_tolerance, compare
from edgeproof.runtime.engine import run_each
from edgeproof.runtime.errors import CheckFailedError
from edgeproof.runtime.spec import TensorSpec
from edgeproof.runtime.variants import RECIPES

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
    difference = compare(EXPECTED, EXPECTED)
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
        check_tolerance(compare(answers, EXPECTED), recipe)


@pytest.mark.parametrize("recipe", RECIPES)
def test_nan_fails(recipe: str) -> None:
    answers = EXPECTED.copy()
    answers[3, 0] = np.nan
    with pytest.raises(CheckFailedError):
        check_tolerance(compare(answers, EXPECTED), recipe)


def test_what_is_noisy_still_passes() -> None:
    noise = np.random.default_rng(1).normal(0, 0.1, EXPECTED.shape).astype(np.float32)
    difference = compare(EXPECTED + noise, EXPECTED)
    assert 10 < difference.snr_db < NOISY_BELOW_DB
    check_tolerance(difference, "static_wi8_ai8")


def test_another_shape_fails() -> None:
    with pytest.raises(CheckFailedError, match=r"gives shape \(10, 3\), the original \(10, 4\)"):
        compare(EXPECTED[:, :3], EXPECTED)


def test_the_signal_to_noise_ratio_is_that_of_the_definition() -> None:
    expected = np.array([[3.0, 4.0]], np.float32)  # power 25
    found = expected + np.array([[0.5, 0.0]], np.float32)  # noise 0.25
    assert compare(found, expected).snr_db == pytest.approx(20.0)


def test_agreement_counts_the_most_probable_class() -> None:
    found = EXPECTED.copy()
    found[0] = np.roll(np.sort(found[0]), found[0].argmax() + 2)
    assert compare(found, EXPECTED).agreement in (0.9, 1.0)
    found[0] = 0
    found[0, (EXPECTED[0].argmax() + 1) % 4] = 1
    assert compare(found, EXPECTED).agreement == 0.9
