"""Activation ranges for integers: the values that tensors take, as histograms, and ways to clip them."""

from collections.abc import Callable, Mapping
from math import frexp
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

# The least and the largest value that integers stand for; 0, which they must represent exactly, is between them.
Range: TypeAlias = tuple[float, float]

# They reach up to twice as far as the values: 1,024 bins or more hold these.
_BINS = 4096
# Of a larger tensor every n-th value is counted; least and largest are of all.
_MOST_COUNTED = 2**14
_STEPS = 255
# Ends tried for clipping, as shares of the whole: eight in each halving, down to 1/64.
_SHARES = 2.0 ** (-np.arange(49) / 8)


class Histogram:
    """The finite values of a tensor: least, largest, and how many lie in each of equal bins.

    The bins reach from -2^k to 2^k. Where a value lies beyond, k grows, and pairs of bins become one.

    Attributes:
        low: The least value; infinity before any was added.
        high: The largest value; minus infinity before any was added.
        zeros: Number of values that are 0, which every quantization represents exactly; they are in no bin.
        counts: Number of other values per bin, int64 of shape (bins,).
    """

    def __init__(self) -> None:
        self.low, self.high = float("inf"), float("-inf")
        self.zeros = 0
        self.counts = np.zeros(_BINS, np.int64)
        self._exponent: int | None = None

    @property
    def centers(self) -> NDArray[np.float64]:
        """The middle of each bin, float64 of shape (bins,)."""
        return np.linspace(-1 + 1 / _BINS, 1 - 1 / _BINS, _BINS, dtype=np.float64) * self._edge

    def add(self, values: NDArray[np.float32], *, offset: int = 0) -> None:
        """Count values of any shape; of many, every n-th is counted, beginning at `offset`."""
        flat = values.reshape(-1)
        if not flat.size:
            return
        low, high = float(flat.min()), float(flat.max())
        if not np.isfinite(low + high):
            flat = flat[np.isfinite(flat)]
            if not flat.size:
                return
            low, high = float(flat.min()), float(flat.max())
        self.low, self.high = min(self.low, low), max(self.high, high)
        self._reach(max(-low, high))
        stride = -(-flat.size // _MOST_COUNTED)
        counted = flat[offset % stride :: stride]
        nonzero = counted[counted != 0]
        self.zeros += counted.size - nonzero.size
        places = ((nonzero / self._edge + 1) * (_BINS / 2)).astype(np.intp)
        self.counts += np.bincount(np.minimum(places, _BINS - 1), minlength=_BINS)

    def __add__(self, other: "Histogram") -> "Histogram":
        """Return the values of both."""
        both = Histogram()
        both.low, both.high = min(self.low, other.low), max(self.high, other.high)
        both.zeros = self.zeros + other.zeros
        known = [one._exponent for one in (self, other) if one._exponent is not None]
        both._exponent = max(known, default=None)
        both.counts = self._counts_up_to(both._exponent) + other._counts_up_to(both._exponent)
        return both

    @property
    def _edge(self) -> float:
        return 2.0 ** (self._exponent or 0)

    def _reach(self, magnitude: float) -> None:
        if magnitude == 0:
            return
        needed = frexp(magnitude)[1]
        if self._exponent is None or self._exponent < needed:
            self.counts = self._counts_up_to(needed)
            self._exponent = needed

    def _counts_up_to(self, exponent: int | None) -> NDArray[np.int64]:
        """Return the counts in bins that reach from -2^exponent to 2^exponent, further than its own."""
        counts = self.counts
        if exponent is not None and self._exponent is not None:
            for _ in range(exponent - self._exponent):
                counts = np.pad(counts.reshape(-1, 2).sum(axis=1), _BINS // 4)
        return counts


def whole_range(histogram: Histogram) -> Range:
    """Return the least and the largest value, or 0 where that lies beyond; (0, 0) before any value was added."""
    return min(histogram.low, 0.0), max(histogram.high, 0.0)


def percentile_range(histogram: Histogram, *, percent: float = 99.99) -> Range:
    """Return the range that holds this percentage of the values, as many are below as above; 0 is in it.

    Where nearly all values are 0, that would be no range; it is the whole one then.
    """
    low, high = whole_range(histogram)
    if not histogram.counts.any():
        return low, high
    outside = (histogram.counts.sum() + histogram.zeros) * (1 - percent / 100) / 2
    lowest = _end_after(histogram.centers, histogram.counts, outside)
    highest = _end_after(histogram.centers[::-1], histogram.counts[::-1], outside)
    if lowest >= 0 >= highest:
        return low, high
    return max(low, min(lowest, 0.0)), min(high, max(highest, 0.0))


def _end_after(centers: NDArray[np.float64], counts: NDArray[np.int64], outside: float) -> float:
    """Return the first place with more than so many values up to it; the last one if they are all zeros behind it."""
    place = np.searchsorted(np.cumsum(counts), outside, "right")
    return float(centers[min(place, len(centers) - 1)])


def least_error_range(histogram: Histogram) -> Range:
    """Return the range with the least squared error of 8-bit steps: rounding within it, clipping beyond."""
    used = histogram.counts > 0
    centers, counts = histogram.centers[used], histogram.counts[used]

    def error(low: float, high: float) -> float:
        return _squared_error(centers, counts, (low, high))

    best_low, best_high = low, high = whole_range(histogram)
    for _ in range(2):  # one end at a time, until neither moves: twice is enough in practice
        best_high = min(high * _SHARES, key=lambda end: error(best_low, end))
        best_low = min(low * _SHARES, key=lambda end: error(end, best_high))
    return float(best_low), float(best_high)


def relative_noise(histogram: Histogram, values: Range) -> float:
    """Return what 8-bit steps over this range make of the values: mean squared error over mean square; 0 for zeros."""
    signal = float(histogram.counts @ histogram.centers**2)
    return _squared_error(histogram.centers, histogram.counts, values) / signal if signal else 0.0


def _squared_error(centers: NDArray[np.float64], counts: NDArray[np.int64], values: Range) -> float:
    """Return the sum of the squared errors: rounding to steps of size s has the error s² / 12, clipping its own."""
    low, high = values
    clipped = centers - np.clip(centers, low, high)
    return float(counts[clipped == 0].sum() * ((high - low) / _STEPS) ** 2 / 12 + counts @ (clipped * clipped))


MIN_MAX = "min-max"
# In the order in which they are tried; of equally good ones the first is kept.
METHODS: Mapping[str, Callable[[Histogram], Range]] = {
    MIN_MAX: whole_range,
    "percentile 99.99": percentile_range,
    "least squared error": least_error_range,
}
