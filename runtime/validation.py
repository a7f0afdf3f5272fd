"""Checks of numbers, from users and from models."""

from operator import index
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import SpecMismatchError


def whole_number(value: object, name: str, lowest: int, highest: int) -> int:
    """Return a whole number, or raise SpecMismatchError: it is not one, or not in `lowest` to `highest`."""
    try:
        number = index(value)  # type: ignore[arg-type]
    except TypeError:
        number = lowest - 1
    if not lowest <= number <= highest:
        raise SpecMismatchError(f"{name} must be a whole number from {lowest} to {highest}, got {value!r:.40}")
    return number


def probability(value: object, name: str) -> float:
    """Return a number from 0 to 1, or raise SpecMismatchError."""
    if not isinstance(value, (int, float)) or not 0 <= value <= 1:
        raise SpecMismatchError(f"{name} is a probability from 0 to 1, got {value!r:.40}")
    return value


def are_probabilities(rows: NDArray[Any]) -> bool:
    """Tell whether a model's answers, shape (N, classes), can be probabilities: none below 0, each row's sum is 1."""
    return bool(np.all(rows >= 0) and np.allclose(rows.sum(axis=-1), 1, atol=1e-3))
