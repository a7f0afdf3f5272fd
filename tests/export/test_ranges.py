"""Histograms of activations, and the ranges that are made of them."""

from collections.abc import Callable

import numpy as np
import pytest
from edgeproof.export.ranges import METHODS, Histogram, Range, least_error_range, percentile_range, whole_range
from numpy.typing import ArrayLike

RNG = np.random.default_rng(0)


def histogram(*arrays: ArrayLike) -> Histogram:
    made = Histogram()
    for array in arrays:
        made.add(np.asarray(array, np.float32))
    return made


def test_counts_every_value_once() -> None:
    values = RNG.normal(size=(7, 1000)).astype(np.float32)
    values[:, ::10] = 0
    made = histogram(*values)
    assert made.zeros == 700
    assert made.counts.sum() == 6300
    assert (made.low, made.high) == (values.min(), values.max())


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_growing_bins_give_what_fixed_ones_give(scale: float) -> None:
    small, large = RNG.normal(size=5000) * scale, RNG.normal(size=5000) * scale * 300
    grown, at_once = histogram(small, large), histogram(large, small)
    assert np.array_equal(grown.counts, at_once.counts)
    assert np.array_equal(grown.centers, at_once.centers)
    mean = (grown.counts @ grown.centers) / grown.counts.sum()
    assert mean == pytest.approx(np.concatenate([small, large]).mean(), abs=scale)


def test_a_sum_is_the_histogram_of_both() -> None:
    small, large = RNG.normal(size=500), RNG.normal(size=500) * 300
    for parts in ([small, large], [large, small], [small, []], [[], large]):
        together, summed = histogram(*parts), histogram(parts[0]) + histogram(parts[1])
        assert np.array_equal(summed.counts, together.counts)
        assert np.array_equal(summed.centers, together.centers)
        assert (summed.low, summed.high, summed.zeros) == (together.low, together.high, together.zeros)


def test_infinite_values_and_nan_are_not_counted() -> None:
    made = histogram(np.array([np.nan, np.inf, -np.inf, 1.0, -2.0]), np.array([np.nan]), np.array([]))
    assert (made.low, made.high, made.counts.sum()) == (-2.0, 1.0, 2)


def test_of_a_large_tensor_a_sample_is_counted_and_the_ends_are_exact() -> None:
    values = RNG.normal(size=10**6).astype(np.float32)
    values[123_457] = 50
    made = histogram(values)
    assert made.high == 50
    assert 10_000 < made.counts.sum() < 20_000


def test_the_offset_chooses_other_values_of_a_large_tensor() -> None:
    values = np.tile([1.0, -1.0], 2**15).astype(np.float32)
    made = Histogram()
    made.add(values, offset=0)
    made.add(values, offset=1)
    assert sorted(made.counts[made.counts > 0]) == [2**14, 2**14]


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
@pytest.mark.parametrize(
    "values", [[], [0.0], [3.0], [-3.0], [0.0] * 100 + [5.0], [1e-30, -1e-30], [1e30, 1.0]], ids=str
)
def test_every_range_holds_zero_and_ends_within_the_values(
    method: Callable[[Histogram], Range], values: list[float]
) -> None:
    made = histogram(np.array(values))
    low, high = method(made)
    whole_low, whole_high = whole_range(made)
    assert whole_low <= low <= 0 <= high <= whole_high


def test_the_percentile_cuts_off_as_many_values_below_as_above() -> None:
    values = RNG.normal(size=2**14)
    made = histogram(values)
    low, high = percentile_range(made, percent=90)
    assert low == pytest.approx(np.quantile(values, 0.05), abs=0.01)
    assert high == pytest.approx(np.quantile(values, 0.95), abs=0.01)


def test_a_tensor_of_zeros_but_for_some_keeps_its_range() -> None:
    made = histogram(np.zeros(10**4 - 1), np.array([3.0]), np.zeros(10**5))
    assert percentile_range(made) == (0.0, 3.0)


def test_least_error_keeps_an_even_spread() -> None:
    even = histogram(RNG.uniform(-1, 1, size=10_000))
    assert least_error_range(even) == pytest.approx(whole_range(even), rel=0.1)


def test_least_error_clips_one_outlier_among_millions() -> None:
    values = RNG.normal(size=2**14)
    low, high = least_error_range(histogram(*[values] * 160, np.array([12.0])))
    assert low == pytest.approx(values.min(), abs=0.5)
    assert high == pytest.approx(values.max(), abs=1)


def test_least_error_is_the_least_of_what_quantizing_the_values_gives() -> None:
    values = RNG.standard_t(3, size=2**14).astype(np.float32)

    def error(low: float, high: float) -> float:
        step = (high - low) / 255
        return float(np.square(np.round((np.clip(values, low, high) - low) / step) * step + low - values).mean())

    made = histogram(values)
    found = error(*least_error_range(made))
    assert found <= min(error(-a, b) for a in np.linspace(1, 31, 31) for b in np.linspace(1, 31, 31)) * 1.05
