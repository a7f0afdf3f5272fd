"""Option types, tables of options, and the options that several verbs share.

A table has for each option's name what argparse needs. Its options default to None: the dataclass has the default.
"""

import argparse
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..runtime.bundle.image_reading import CHOICES
from ..runtime.bundle.model_metadata import DIGIT, INTERPOLATIONS, READINGS, RESIZE, Preprocessing
from ..runtime.errors import SpecMismatchError

_LONGEST = 100_000
_LARGEST = 2**31 - 1

OptionTable = Mapping[str, Mapping[str, Any]]


def positive(text: str) -> int:
    """Read a whole number of at least 1."""
    return _at_least(1, text)


def seed(text: str) -> int:
    """Read a seed: a whole number from 0."""
    return whole_number(text)


def whole_number(text: str) -> int:
    """Read a whole number from 0."""
    return _at_least(0, text)


def number(text: str) -> float:
    """Read a number."""
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"a number is needed, got {text!r}") from None


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


def add_table(parser: argparse.ArgumentParser | argparse._ArgumentGroup, table: OptionTable) -> None:  # pyright: ignore[reportPrivateUsage]
    """Add the options of a table to a parser or to a group of one."""
    for name, details in table.items():
        parser.add_argument(flag(name), default=None, **details)


def given(options: argparse.Namespace, names: Iterable[str]) -> dict[str, Any]:
    """Return the options of these names, those of a table for example, that the user gave or that have a default."""
    return {name: getattr(options, name) for name in names if getattr(options, name) is not None}


def as_typed(options: argparse.Namespace, table: OptionTable) -> list[str]:
    """Return the options of a table that the user gave as arguments for another command."""
    arguments: list[str] = []
    for name, value in given(options, table).items():
        arguments.append(flag(name))
        if value is not True:
            arguments += map(str, value if "nargs" in table[name] else [value])
    return arguments


CUSTOM: OptionTable = {
    "custom": {
        "type": Path,
        "metavar": "FILE.py",
        "help": "your Python file that registers the model's own layers; is run",
    },
}
CACHE: OptionTable = {
    "cache": {
        "type": Path,
        "metavar": "DIR",
        "help": "folder for decoded images, where a folder of images takes more than 256 MiB, decoded; see edgeproof "
        "cache (default: edgeproof/images in your cache folder)",
    },
}
# Of a verb that goes on without images that it cannot read, and names them in the end.
SKIP_BAD: OptionTable = {
    "skip_bad": {
        "action": "store_true",
        "help": "exit with 0 where some test images cannot be read; they are named all the same",
    },
}
# Of Preprocessing, for resizing.
READING_OPTIONS: OptionTable = {
    "reading": {
        "choices": tuple(READINGS),
        "help": "read images as image_dataset_from_directory or load_img of Keras does, here and on the device: "
        "options below change single points of it (default: edgeproof)",
    },
    "interpolation": {"choices": INTERPOLATIONS, "help": f"for resizing (default: {RESIZE.interpolation})"},
    "no_antialias": {
        "action": "store_true",
        "help": "resize without antialiasing, the default of Keras's loaders and tf.image.resize",
    },
    "alpha": {
        "choices": CHOICES["alpha"],
        "help": "draw transparent images on this, or drop the transparency (default: white)",
    },
    "exif": {
        "choices": CHOICES["orientation"],
        "help": "turn images as EXIF says, or leave them as they are stored (default: apply)",
    },
    "sixteen_bits": {
        "choices": CHOICES["sixteen_bits"],
        "help": "how gray values of 16 bits become 8: divided by 257, their high byte, or clipped at 255 "
        "(default: scale)",
    },
    "colour_order": {
        "choices": CHOICES["colour_order"],
        "help": "of the model's channels: bgr for models that have learned from OpenCV's images (default: rgb)",
    },
}
_READING_FIELDS = {
    "alpha": "alpha",
    "exif": "orientation",
    "sixteen_bits": "sixteen_bits",
    "colour_order": "colour_order",
}
# Of DataOptions; `data_options_from` makes one preprocessing of those that are about it.
DATA_OPTIONS: OptionTable = {
    "image_size": {
        "nargs": 2,
        "type": positive,
        "metavar": ("HEIGHT", "WIDTH"),
        "help": "resize images to this size, or square to one number (default: their own, if all share it, up to 256)",
    },
    "gray": {"action": "store_true", "help": "convert images to grayscale (default: if all are)"},
    "rgb": {"action": "store_true", "help": "read images in three channels, gray ones as well (default: if any is)"},
    "preprocessing": {
        "choices": ("digit", "resize"),
        "help": "how an image of any size is brought to the model's: digit finds the ink and places it as MNIST's "
        "digits are (default: digit for --data mnist, else resize)",
    },
    **READING_OPTIONS,
    "draft": {
        "action": "store_true",
        "help": "decode large JPEG files at 1/2, 1/4 or 1/8, at least twice the model's size: faster, in less memory, "
        "with slightly other pixels, on the device as well",
    },
    "test_share": {
        "type": float,
        "metavar": "SHARE",
        "help": "share of the images for the test part, where the data has none (default: 1/6)",
    },
    "split_seed": {"type": seed, "metavar": "SEED", "help": "seed of the draw of the test part (default: 0)"},
    "skip_bad": {"action": "store_true", "help": "skip images that cannot be read"},
}


def add_data(parser: argparse.ArgumentParser, default: str | None = "mnist", means: str = "mnist") -> None:
    """Add --data, and say in its help what the default means."""
    parser.add_argument(
        "--data",
        default=default,
        help="mnist; fashion-mnist; an .npz file with x_train, y_train, x_test, y_test, or x, y; a folder of IDX "
        "files; or a folder of images, with a sub-folder for each class, in train and test or without "
        f"(default: {means})",
    )


def add_data_options(parser: argparse.ArgumentParser, *, otherwise: str = "") -> None:
    """Add a group with the options of --data; `otherwise` says in its title what the defaults are."""
    add_table(parser.add_argument_group(f"how the data is read{otherwise}"), DATA_OPTIONS)


def data_options_from(options: argparse.Namespace) -> dict[str, Any]:
    """Return the options of --data that the user gave, by their names in `DataOptions`.

    Raises:
        SpecMismatchError: Options contradict each other.
    """
    found = given(options, DATA_OPTIONS)
    resizing = {name: found.pop(name) for name in (*READING_OPTIONS, "draft") if name in found}
    if found.get("preprocessing") == "digit":
        if resizing:
            raise SpecMismatchError(f"{_listed(resizing)} for --preprocessing resize, not for digit")
        found["preprocessing"] = DIGIT
    elif resizing or "preprocessing" in found:
        found["preprocessing"] = preprocessing_from(resizing) or RESIZE
    gray, rgb = found.pop("gray", False), found.pop("rgb", False)
    if gray and rgb:
        raise SpecMismatchError("--gray and --rgb contradict each other: give one of them")
    if gray or rgb:
        found["channels"] = 1 if gray else 3
    if "image_size" in found:
        found["image_size"] = tuple(found["image_size"])
    return found


def preprocessing_from(chosen: Mapping[str, Any]) -> Preprocessing | None:
    """Return the preprocessing of options in `READING_OPTIONS`, and of ``draft``; None if none of them is given.

    Raises:
        SpecMismatchError: Options contradict each other.
    """
    if not chosen:
        return None
    base = READINGS[chosen.get("reading", "edgeproof")]
    return replace(
        base,
        interpolation=chosen.get("interpolation", base.interpolation),
        antialias=base.antialias and not chosen.get("no_antialias", False),
        draft=chosen.get("draft", False),
        reading=replace(
            base.reading, **{_READING_FIELDS[name]: chosen[name] for name in chosen if name in _READING_FIELDS}
        ),
    )


def _listed(names: Iterable[str]) -> str:
    flags = [flag(name) for name in names]
    return f"{' and '.join(flags)} {'is' if len(flags) == 1 else 'are'}"


def flag(name: str) -> str:
    """Return the option of a name in a table.

    >>> flag("skip_bad")
    '--skip-bad'
    """
    return f"--{name.replace('_', '-')}"


def _at_least(minimum: int, text: str) -> int:
    try:
        number = int(text)
    except ValueError:
        number = minimum - 1
    if number < minimum:
        raise argparse.ArgumentTypeError(f"a whole number of at least {minimum} is needed, got {text!r}")
    if number > _LARGEST:
        raise argparse.ArgumentTypeError(f"a whole number of at most {_LARGEST:,} is needed, got {text!r}")
    return number
