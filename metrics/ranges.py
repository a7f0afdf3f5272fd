"""Ranges of figures, as annotations of the fields that hold them; who reads figures from a file checks them."""

from math import inf
from typing import Annotated, NamedTuple, TypeAlias


class Range(NamedTuple):
    """The smallest and the largest number that a figure can be; of a tuple's figures, each."""

    low: float
    high: float = inf


_ONE = 1 + 1e-6  # probabilities are float32, and their rounding can exceed 1

Count: TypeAlias = Annotated[int, Range(0)]
Positive: TypeAlias = Annotated[int, Range(1)]
Fraction: TypeAlias = Annotated[float, Range(0, _ONE)]
Points: TypeAlias = Annotated[float, Range(-100, 100)]
Duration: TypeAlias = Annotated[float, Range(0)]
