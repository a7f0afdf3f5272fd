"""Checks of numbers that users give."""

from operator import index

from .errors import SpecMismatchError


def whole_number(value: object, name: str, lowest: int, highest: int) -> int:
    """Return a whole number, or raise SpecMismatchError: it is none, or outside of `lowest` to `highest`."""
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
