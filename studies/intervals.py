"""The confidence interval of a mean over seeds."""

# SciPy has no types.
# pyright: basic

from collections.abc import Sequence
from statistics import stdev

from edgeproof.metrics.paired import CONFIDENCE
from scipy.stats import t


def half_width(values: Sequence[float]) -> float | None:
    """Return the half-width of the 95 % interval of a mean (Student's t); None for one value."""
    n = len(values)
    return float(t.ppf((1 + CONFIDENCE) / 2, n - 1)) * stdev(values) / n**0.5 if n > 1 else None
