"""Option types and options that several verbs share."""

import argparse
from pathlib import Path


def positive(text: str) -> int:
    """Read a whole number of at least 1."""
    return _at_least(1, text)


def seed(text: str) -> int:
    """Read a seed: a whole number from 0."""
    return _at_least(0, text)


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
