"""Option types and options that several verbs share."""

import argparse
from pathlib import Path

_LONGEST = 100_000


def positive(text: str) -> int:
    """Read a whole number of at least 1."""
    return _at_least(1, text)


def seed(text: str) -> int:
    """Read a seed: a whole number from 0."""
    return _at_least(0, text)


def thread_counts(text: str) -> tuple[int, ...]:
    """Read numbers of threads: whole numbers of at least 1, separated by commas, each once.

    >>> thread_counts("1,2,4")
    (1, 2, 4)
    """
    counts = tuple(positive(part) for part in text.split(","))
    if len(set(counts)) < len(counts):
        raise argparse.ArgumentTypeError(f"each number of threads is needed once, got {text!r}")
    return counts


def seconds(text: str) -> float:
    """Read a time above 0, in whatever unit the option has."""
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number <= _LONGEST:
        raise argparse.ArgumentTypeError(f"a number above 0 and at most {_LONGEST:,} is needed, got {text!r}")
    return number


def add_data(parser: argparse.ArgumentParser) -> None:
    """Add --data."""
    parser.add_argument(
        "--data", default="mnist", help="mnist, or an .npz file with x_train, y_train, x_test, y_test (default: mnist)"
    )


def add_custom(parser: argparse.ArgumentParser | argparse._ArgumentGroup) -> None:  # pyright: ignore[reportPrivateUsage]
    """Add --custom."""
    parser.add_argument(
        "--custom", type=Path, metavar="FILE.py", help="your Python file that registers the model's own layers; is run"
    )


def _at_least(minimum: int, text: str) -> int:
    try:
        number = int(text)
    except ValueError:
        number = minimum - 1
    if number < minimum or number >= 2**31:
        raise argparse.ArgumentTypeError(f"a whole number of at least {minimum} is needed, got {text!r}")
    return number
