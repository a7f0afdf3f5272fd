import numpy as np
import pytest
from edgeproof.export.verification.tolerances import check_tolerance
from edgeproof.export.verification.verifier import NOISY_BELOW_DB
from edgeproof.metrics.distance import measure_difference
from edgeproof.runtime.bundle.recipes import RECIPES
from edgeproof.runtime.errors import CheckFailedError

EXPECTED = np.random.default_rng(0).dirichlet(np.ones(4), 10).astype(np.float32)


@pytest.mark.parametrize("recipe", RECIPES)
def test_the_same_answers_pass(recipe: str) -> None:
    difference = measure_difference(EXPECTED, EXPECTED)
    check_tolerance(difference, RECIPES[recipe].tolerance)
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
        check_tolerance(measure_difference(answers, EXPECTED), RECIPES[recipe].tolerance)


@pytest.mark.parametrize("recipe", RECIPES)
def test_nan_fails(recipe: str) -> None:
    answers = EXPECTED.copy()
    answers[3, 0] = np.nan
    with pytest.raises(CheckFailedError):
        check_tolerance(measure_difference(answers, EXPECTED), RECIPES[recipe].tolerance)


def test_what_is_noisy_still_passes() -> None:
    noise = np.random.default_rng(1).normal(0, 0.1, EXPECTED.shape).astype(np.float32)
    difference = measure_difference(EXPECTED + noise, EXPECTED)
    assert 10 < difference.snr_db < NOISY_BELOW_DB
    check_tolerance(difference, RECIPES["static_wi8_ai8"].tolerance)


def test_turned_answers_fail_even_where_the_noise_is_small() -> None:
    expected = np.eye(10, dtype=np.float32)[np.arange(400) % 10]
    found = expected.copy()
    found[:24, :] = np.where(np.roll(found[:24], 1, axis=1) > 0, 0.51, found[:24] * 0.49)
    difference = measure_difference(found, expected)
    assert difference.snr_db > 12
    with pytest.raises(CheckFailedError, match=r"it turns 6\.0 % of the answers that are clear.*allowed are 5 %"):
        check_tolerance(difference, RECIPES["static_wi8_ai8"].tolerance)


def test_answers_lost_in_the_steps_of_the_output_fail_at_any_ratio() -> None:
    expected = np.full((100, 10), 0.1, np.float32) + np.eye(10, dtype=np.float32)[np.arange(100) % 10] * 1e-3
    difference = measure_difference(np.full_like(expected, 26 / 256), expected)
    assert difference.snr_db > 30
    with pytest.raises(CheckFailedError, match=r"it turns 90\.0 % of the answers, allowed are 40 %"):
        check_tolerance(difference, RECIPES["static_wi8_ai8"].tolerance)


def test_the_worst_image_is_numbered_as_the_user_knows_it() -> None:
    answers = EXPECTED.copy()
    answers[6] += 0.1
    with pytest.raises(CheckFailedError, match=r"training image 106 is off by 0\.1, allowed is 0\.0001"):
        check_tolerance(
            measure_difference(answers, EXPECTED), RECIPES["float32"].tolerance, numbers=np.arange(100, 110)
        )
