"""Statistics of shares of images, and of two classifiers that answered the same ones."""

from collections.abc import Sequence
from functools import lru_cache
from math import comb, exp, lgamma, log, sqrt
from statistics import NormalDist

from .types import Difference, Share

CONFIDENCE = 0.95
_Z = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)


@lru_cache
def share(count: int, images: int) -> Share:
    """Return a share with its 95 % Wilson score interval; `images` is at least 1.

    >>> found = share(9, 10)
    >>> round(found.low, 6), found.value, round(found.high, 6)
    (0.59585, 0.9, 0.982124)
    """
    middle = (count + _Z**2 / 2) / (images + _Z**2)
    half = _Z / (images + _Z**2) * sqrt(count * ((images - count) / images) + _Z**2 / 4)
    low, high = 0.0 if count == 0 else middle - half, 1.0 if count == images else middle + half
    return Share(count=count, images=images, value=count / images, low=low, high=high)


@lru_cache
def paired_difference(fixed: int, broken: int, images: int) -> Difference:
    """Return a difference of accuracies on the same images with its score interval (Tango 1998).

    The interval holds every true difference that a two-sided score test of the two counts does not reject. It keeps
    what it promises where few images or none differ, as is usual here; intervals from the normal distribution do not.

    T. Tango, Equivalence test and confidence interval for the difference in proportions for the paired-sample design,
    Statistics in Medicine 17 (1998), 891-908.

    Args:
        fixed: Images that only the second classifier gets right.
        broken: Images that only the first one gets right.
        images: All images, at least 1.

    >>> found = paired_difference(0, 0, 10_000)
    >>> round(found.low, 4), found.points, round(found.high, 4)
    (-0.0384, 0.0, 0.0384)
    """
    low, high = -_upper_end(broken, fixed, images), _upper_end(fixed, broken, images)
    return Difference(points=100 * ((fixed - broken) / images), low=100 * low, high=100 * high)


def _upper_end(more: int, less: int, images: int) -> float:
    seen = (more - less) / images

    def excess(true: float) -> float:
        """How far the score statistic is beyond -z, in units that stay finite where its variance is 0."""
        # The share of `less` that is most likely if the difference is `true`: a root of Tango's quadratic.
        a = 2 * images
        b = -more - less + (2 * images - more + less) * true
        c = -less * true * (1 - true)
        likely = (sqrt(max(b * b - 4 * a * c, 0.0)) - b) / (2 * a)
        variance = images * max(2 * likely + true * (1 - true), 0.0)
        return more - less - images * true + _Z * sqrt(variance)

    low, high = seen, 1.0
    while high - low > 1e-12:
        middle = (low + high) / 2
        low, high = (middle, high) if excess(middle) > 0 else (low, middle)
    return high


@lru_cache
def mcnemar(fixed: int, broken: int) -> float:
    """Return the two-sided p-value of the exact McNemar test; 1 where no image differs.

    Of the images on which only one of two equally good classifiers is right, each has half: the counts are binomial.

    >>> round(mcnemar(4, 31), 7)
    3.5e-06
    """
    different, fewer = fixed + broken, min(fixed, broken)
    chance, tail = _binomial(different, fewer), 0.0
    for count in range(fewer, -1, -1):
        tail += chance
        if chance < tail * 1e-16 or tail >= 0.5:
            break
        chance *= count / (different - count + 1)
    return min(1.0, 2 * tail)


def _binomial(trials: int, count: int) -> float:
    """Return how probable so many heads are in this many throws of a coin."""
    if trials <= 1000:
        return comb(trials, count) / 2**trials  # without an error of rounding
    return exp(lgamma(trials + 1) - lgamma(count + 1) - lgamma(trials - count + 1) - trials * log(2))


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values corrected for their number (Holm 1979), in the same order.

    However the hypotheses depend on each other, the chance that any true one is rejected stays below the level.

    >>> [round(p, 6) for p in holm([0.01, 0.04, 0.03])]
    [0.03, 0.06, 0.06]
    """
    adjusted = [0.0] * len(p_values)
    largest = 0.0
    for position, index in enumerate(sorted(range(len(p_values)), key=lambda i: p_values[i])):
        largest = max(largest, min(1.0, p_values[index] * (len(p_values) - position)))
        adjusted[index] = largest
    return adjusted
