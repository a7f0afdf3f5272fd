"""Measures of how far the numbers of an operator are from the right ones, collected image by image."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ...metrics.explanation import EXACT_DB

# Percentiles come from so many numbers of an image.
_SAMPLE = 4096
# Of fewer, the median says nothing.
_FEWEST_CHANNELS = 4


@dataclass(slots=True)
class Noise:
    """Signal and noise, per channel.

    Attributes:
        channel_axis: Where outputs of four dimensions have their channels; others count as one channel.
    """

    channel_axis: int
    _signal: NDArray[np.float64] | None = None
    _noise: NDArray[np.float64] | None = None

    def add(self, expected: NDArray[np.float32], found: NDArray[np.float32]) -> None:
        """Add one image's numbers, in the same shape."""
        right, got = by_channel(expected, self.channel_axis), by_channel(found, self.channel_axis)
        usual = np.isfinite(right)  # the logarithm of 0 has no signal
        with np.errstate(invalid="ignore"):
            right, error = np.where(usual, right, 0), np.where(usual, got - right, 0)
        signal, noise = (right**2).sum(axis=0), (error**2).sum(axis=0)
        self._signal = signal if self._signal is None else self._signal + signal
        self._noise = noise if self._noise is None else self._noise + noise

    @property
    def snr_db(self) -> float | None:
        """10 log10(sum(expected²) / sum(error²)) over all numbers; None where nothing was added."""
        if self._signal is None or self._noise is None:
            return None
        return decibels(float(self._signal.sum()), float(self._noise.sum()))

    @property
    def channel_snr_db(self) -> float | None:
        """The median of the channels' ratios, in which a large channel does not hide what the others lose.

        Channels that are always 0 do not count; with few channels, the ratio over all numbers.
        """
        if self._signal is None or self._noise is None:
            return None
        ratios = [decibels(s, n) for s, n in zip(self._signal.tolist(), self._noise.tolist(), strict=True) if s > 0]
        return float(np.median(ratios)) if len(ratios) >= _FEWEST_CHANNELS else self.snr_db


@dataclass(slots=True)
class Spread:
    """The range of an operator's numbers, over all and per channel.

    Attributes:
        channel_axis: See `Noise`.
        low: The smallest number that its output can hold; None for floats.
        high: The largest one.
    """

    channel_axis: int
    low: float | None = None
    high: float | None = None
    _largest: NDArray[np.float64] | None = None
    _smallest_of_all: float = np.inf
    _largest_of_all: float = -np.inf
    _outside: int = 0
    _numbers: int = 0
    _samples: list[NDArray[np.float32]] = field(default_factory=list)

    def add(self, values: NDArray[np.float32]) -> None:
        """Add one image's numbers."""
        largest = np.abs(by_channel(values, self.channel_axis)).max(axis=0)
        self._largest = largest if self._largest is None else np.maximum(self._largest, largest)
        self._smallest_of_all = min(self._smallest_of_all, float(values.min()))
        self._largest_of_all = max(self._largest_of_all, float(values.max()))
        self._numbers += values.size
        flat = np.abs(values.ravel())
        self._samples.append(flat[:: max(1, -(-flat.size // _SAMPLE))])
        if self.low is not None and self.high is not None:
            margin = (self.high - self.low) / 255  # a step of 8 bits: what is rounded to the end is not clipped
            self._outside += int(((values < self.low - margin) | (values > self.high + margin)).sum())

    @property
    def range(self) -> tuple[float, float] | None:
        """The smallest and the largest number; None where nothing was added."""
        return (self._smallest_of_all, self._largest_of_all) if self._numbers else None

    @property
    def clipped(self) -> float | None:
        """Share of the numbers that the output cannot hold; None for floats."""
        return self._outside / self._numbers if self._numbers and self.low is not None else None

    @property
    def channels(self) -> float | None:
        """The largest channel's range over the median channel's; channels that are always 0 do not count."""
        if self._largest is None:
            return None
        used = self._largest[self._largest > 0]
        return float(used.max() / np.median(used)) if len(used) >= _FEWEST_CHANNELS else None

    @property
    def tail(self) -> float | None:
        """The largest absolute number over the 99.99th percentile; infinite where that is 0."""
        if not self._numbers:
            return None
        common = float(np.percentile(np.concatenate(self._samples), 99.99))
        largest = max(abs(self._smallest_of_all), abs(self._largest_of_all))
        return largest / common if common else float("inf") if largest else 1.0


def by_channel(values: NDArray[np.float32], axis: int) -> NDArray[np.float64]:
    """Return numbers as a table with a column for each channel; tensors of less than four dimensions have one."""
    wide = values.astype(np.float64)
    if values.ndim < 4:
        return wide.reshape(-1, 1)
    return np.moveaxis(wide, axis, -1).reshape(-1, values.shape[axis])


def decibels(signal: float, noise: float) -> float:
    """Return 10 log10(signal / noise), at most `EXACT_DB` either way."""
    if noise <= 0 or not np.isfinite(signal):
        return EXACT_DB
    if signal <= 0 or not np.isfinite(noise):
        return -EXACT_DB
    return float(np.clip(10 * np.log10(signal / noise), -EXACT_DB, EXACT_DB))
