"""The statistics against published examples, SciPy, and what they promise."""

import numpy as np
import pytest
from edgeproof.metrics.paired import holm, mcnemar, paired_difference, share
from scipy.stats import binom, binomtest, multinomial


@pytest.mark.parametrize(
    ("count", "images", "low", "high"),
    [
        (9900, 10_000, 98.79, 99.18),  # the intervals that Wilson's formula gives for MNIST's test set
        (9940, 10_000, 99.23, 99.53),
        (9970, 10_000, 99.57, 99.79),
        (0, 10, 0.0, 27.75),  # Newcombe 1998: never below 0, not empty at 0
        (10, 10, 72.25, 100.0),
        (81, 263, 25.53, 36.62),  # Newcombe 1998, table I
        (15, 148, 6.24, 16.05),
    ],
)
def test_shares_have_wilson_intervals(count: int, images: int, low: float, high: float) -> None:
    found = share(count, images)
    assert (found.count, found.images, found.value) == (count, images, count / images)
    assert (round(found.low * 100, 2), round(found.high * 100, 2)) == (low, high)


@pytest.mark.parametrize(
    ("fixed", "broken", "images", "low", "high"),
    [
        (1, 7, 21, -51.7, -2.6),  # Bentur et al. 2009, in Fagerland, Lydersen, Laake 2014
        (6, 16, 161, -12.40, -0.54),  # Cavo et al. 2012, in the R package contingencytables
    ],
)
def test_the_paired_interval_is_that_of_published_examples(
    fixed: int, broken: int, images: int, low: float, high: float
) -> None:
    found = paired_difference(fixed, broken, images)
    assert found.points == pytest.approx(100 * (fixed - broken) / images)
    assert (found.low, found.high) == (pytest.approx(low, abs=0.06), pytest.approx(high, abs=0.06))


@pytest.mark.parametrize(("fixed", "broken"), [(0, 0), (3, 0), (0, 3), (50, 0), (0, 50), (20, 30), (7, 7)])
def test_turning_the_sides_round_turns_the_interval_round(fixed: int, broken: int) -> None:
    one, other = paired_difference(fixed, broken, 50), paired_difference(broken, fixed, 50)
    assert (one.low, one.points, one.high) == pytest.approx((-other.high, -other.points, -other.low), abs=1e-7)
    assert -100 <= one.low <= one.points <= one.high <= 100
    assert one.low < one.high


@pytest.mark.parametrize("images", [1, 10, 10_000, 10**6])
def test_where_no_image_differs_the_interval_still_has_a_width(images: int) -> None:
    """Then it ends where Wilson's interval of 0 of n ends."""
    found = paired_difference(0, 0, images)
    assert found.high == pytest.approx(100 * share(0, images).high, rel=1e-6)
    assert found.largest_drop == pytest.approx(found.high)


def test_a_gain_that_is_sure_rules_out_any_drop() -> None:
    assert paired_difference(300, 0, 10_000).largest_drop == 0


@pytest.mark.parametrize(("p_fixed", "p_broken"), [(0.002, 0.002), (0.01, 0.03), (0.0, 0.02), (0.1, 0.1)])
def test_the_paired_interval_covers_the_truth_as_often_as_it_says(p_fixed: float, p_broken: float) -> None:
    """Exactly, over all outcomes of 200 images that are not next to impossible."""
    images, truth = 200, 100 * (p_fixed - p_broken)
    covered = total = 0.0
    for fixed in range(int(binom.ppf(1 - 1e-5, images, p_fixed)) + 1):
        for broken in range(int(binom.ppf(1 - 1e-5, images, p_broken)) + 1):
            chance = multinomial.pmf(
                [fixed, broken, images - fixed - broken], images, [p_fixed, p_broken, 1 - p_fixed - p_broken]
            )
            found = paired_difference(fixed, broken, images)
            total += chance
            covered += chance * (found.low <= truth <= found.high)
    assert total > 0.999
    assert 0.93 < covered < 0.999


@pytest.mark.parametrize(
    ("fixed", "broken", "p"),
    [(6, 16, 0.052479), (1, 7, 0.070313), (0, 0, 1.0), (5, 5, 1.0), (0, 1, 1.0), (0, 6, 0.03125), (4, 31, 3.4655e-6)],
)
def test_mcnemar_is_exact(fixed: int, broken: int, p: float) -> None:
    """Cavo 2012 and Bentur 2009 as above; the others are sums of binomial coefficients."""
    assert mcnemar(fixed, broken) == mcnemar(broken, fixed) == pytest.approx(p, rel=1e-4)


@pytest.mark.parametrize(
    ("fixed", "broken"), [(0, 3), (480, 520), (500, 500), (501, 500), (900, 1200), (20_000, 20_400), (3, 1500)]
)
def test_mcnemar_is_that_of_scipy(fixed: int, broken: int) -> None:
    assert mcnemar(fixed, broken) == pytest.approx(binomtest(fixed, fixed + broken).pvalue, rel=1e-8)


@pytest.mark.parametrize("images", [1, 7, 200, 10**9])
def test_wilson_intervals_are_those_of_scipy(images: int) -> None:
    for count in {0, 1, images // 3, images - 1, images}:
        found, expected = share(count, images), binomtest(count, images).proportion_ci(method="wilson")
        assert (found.low, found.high) == (pytest.approx(expected.low, abs=1e-12), pytest.approx(expected.high, 1e-12))
        assert found.low <= found.value <= found.high


def test_mcnemar_errs_no_more_often_than_it_says() -> None:
    draw = np.random.default_rng(1)
    fixed = draw.binomial(10, 0.5, 5000)
    assert np.mean([mcnemar(int(n), 10 - int(n)) < 0.05 for n in fixed]) <= 0.05


def test_holm_is_that_of_the_textbook() -> None:
    """Aickin and Gensler 1996: 0.01 to 0.05 in steps become 0.05, 0.08, 0.09, 0.09, 0.09."""
    assert holm([0.03, 0.01, 0.05, 0.02, 0.04]) == pytest.approx([0.09, 0.05, 0.09, 0.08, 0.09])
    assert holm([]) == []
    assert holm([0.9, 0.8]) == [1.0, 1.0]


def test_holm_calls_nothing_different_too_often_among_eight() -> None:
    draw = np.random.default_rng(2)
    assert np.mean([min(holm(draw.random(8).tolist())) < 0.05 for _ in range(4000)]) == pytest.approx(0.05, abs=0.012)
