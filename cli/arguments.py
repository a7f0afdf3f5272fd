"""Option types and options that several verbs share."""

import argparse
from pathlib import Path
from typing import Any

from ..runtime.bundle.model_metadata import DIGIT, INTERPOLATIONS, RESIZE, Preprocessing
from ..runtime.errors import SpecMismatchError

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
        "--data",
        default="mnist",
        help="mnist; fashion-mnist; an .npz file with x_train, y_train, x_test, y_test, or x, y; a folder of IDX "
        "files; or one of pictures, with a sub-folder for each class, in train and test or without (default: mnist)",
    )


def add_data_options(parser: argparse.ArgumentParser, *, otherwise: str = "") -> argparse._ArgumentGroup:  # pyright: ignore[reportPrivateUsage]
    """Add a group with what can be said of --data; `data_options_from` reads it.

    Args:
        parser: The verb's.
        otherwise: What holds where nothing is said, for the group's title.
    """
    group = parser.add_argument_group(f"how the data is read{otherwise}")
    group.add_argument(
        "--image-size",
        nargs=2,
        type=positive,
        metavar=("HEIGHT", "WIDTH"),
        help="that pictures are brought to (default: their own, if all have the same, up to 256)",
    )
    group.add_argument("--gray", action="store_true", help="turn pictures gray (default: if all are)")
    group.add_argument(
        "--preprocessing",
        choices=("digit", "resize"),
        help="how pictures of any size come to the model's: digit finds the ink and places it as MNIST's digits are "
        "(default: digit for --data mnist, else resize)",
    )
    group.add_argument("--interpolation", choices=INTERPOLATIONS, help=f"of resize (default: {RESIZE.interpolation})")
    group.add_argument(
        "--no-antialias", action="store_true", help="of resize: as Keras's loaders and tf.image.resize do by default"
    )
    group.add_argument(
        "--test-share",
        type=float,
        metavar="SHARE",
        help="of the images that become the test part, where the data has none (default: 1/6)",
    )
    group.add_argument(
        "--split-seed", type=seed, metavar="SEED", help="chooses the images of the test part (default: 0)"
    )
    group.add_argument("--skip-bad", action="store_true", help="leave out pictures that cannot be read")
    return group


def data_options_from(options: argparse.Namespace) -> dict[str, Any]:
    """Return what the user said of the data, by the names that `DataOptions` has for it.

    Raises:
        SpecMismatchError: Options contradict each other.
    """
    said = {
        "image_size": None if options.image_size is None else tuple(options.image_size),
        "channels": 1 if options.gray else None,
        "preprocessing": _preprocessing(options),
        "test_share": options.test_share,
        "split_seed": options.split_seed,
        "skip_bad": options.skip_bad or None,
    }
    return {name: value for name, value in said.items() if value is not None}


def data_arguments(options: argparse.Namespace) -> list[str]:
    """Return what the user said of the data as it was typed, for another command."""
    typed: list[str] = []
    for name in (
        "image_size",
        "gray",
        "preprocessing",
        "interpolation",
        "no_antialias",
        "test_share",
        "split_seed",
        "skip_bad",
    ):
        value = getattr(options, name)
        if value is None or value is False:
            continue
        typed.append(f"--{name.replace('_', '-')}")
        if value is not True:
            typed += map(str, value if name == "image_size" else [value])
    return typed


def _preprocessing(options: argparse.Namespace) -> Preprocessing | None:
    """Return what the user asked for; None where nothing was said."""
    method, interpolation, antialias = options.preprocessing, options.interpolation, not options.no_antialias
    resizes = interpolation is not None or not antialias
    if method == "digit" and resizes:
        raise SpecMismatchError("--interpolation and --no-antialias are for --preprocessing resize, not for digit")
    if method == "digit":
        return DIGIT
    if method is None and not resizes:
        return None
    return Preprocessing(method="resize", interpolation=interpolation or RESIZE.interpolation, antialias=antialias)


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
