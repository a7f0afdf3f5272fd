"""Arguments that the training and the measuring of families share."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from .families import FAMILIES
from .images import FASHION_MNIST

RUNS = Path("runs/families")


def parse(program: str, description: str | None, arguments: Sequence[str] | None) -> argparse.Namespace:
    """Return `family`, a list of names, all by default; `data`, the folder of the images; `runs`, that of the networks.

    A family that is not there ends the program.

    Args:
        program: Name of the module that is run.
        description: For the help.
        arguments: Those of the command line if None.
    """
    parser = argparse.ArgumentParser(prog=f"python -m studies.families.{program}", description=description)
    parser.add_argument("family", nargs="*", metavar="FAMILY", help=f"{', '.join(FAMILIES)} (default: all)")
    parser.add_argument(
        "--data",
        type=Path,
        default=FASHION_MNIST,
        metavar="FOLDER",
        help=f"with the IDX files of Fashion-MNIST (default: {FASHION_MNIST}, of Debian's dataset-fashion-mnist)",
    )
    parser.add_argument("--runs", type=Path, default=RUNS, help=f"folder for the networks (default: {RUNS})")
    options = parser.parse_args(arguments)
    if unknown := [name for name in options.family if name not in FAMILIES]:
        parser.error(f"unknown family {unknown[0]!r}; possible: {', '.join(FAMILIES)}")
    options.family = options.family or list(FAMILIES)
    return options
