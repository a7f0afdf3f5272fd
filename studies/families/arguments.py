"""Arguments that the training and the measuring of families share."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from .families import FAMILIES
from .images import FASHION_MNIST

RUNS = Path("runs/families")


def family_arguments(
    program: str, description: str | None, families: Sequence[str] = tuple(FAMILIES)
) -> argparse.ArgumentParser:
    """Return a parser of `family`, a list of names; `data`, the folder of the images; `runs`, that of the networks.

    Args:
        program: Name of the module that is run, in `studies`.
        description: For the help.
        families: Those that are meant where none is named.
    """
    parser = argparse.ArgumentParser(prog=f"python -m studies.{program}", description=description)
    parser.add_argument("family", nargs="*", metavar="FAMILY", help=f"(default: {', '.join(families)})")
    parser.add_argument(
        "--data",
        type=Path,
        default=FASHION_MNIST,
        metavar="FOLDER",
        help=f"with the IDX files of Fashion-MNIST (default: {FASHION_MNIST}, of Debian's dataset-fashion-mnist)",
    )
    parser.add_argument("--runs", type=Path, default=RUNS, help=f"folder for the networks (default: {RUNS})")
    parser.set_defaults(families=families)
    return parser


def parse(parser: argparse.ArgumentParser, arguments: Sequence[str] | None) -> argparse.Namespace:
    """Return the options of such a parser; a family that is not there ends the program.

    Args:
        parser: From `family_arguments`.
        arguments: Those of the command line if None.
    """
    options = parser.parse_args(arguments)
    if unknown := [name for name in options.family if name not in FAMILIES]:
        parser.error(f"unknown family {unknown[0]!r}; possible: {', '.join(FAMILIES)}")
    options.family = options.family or list(options.families)
    return options
