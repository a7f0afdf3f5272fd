"""Known architectures in every recipe: train each on Fashion-MNIST and export it like any user's file.

    python -m studies.families.run [FAMILY ...] [--data FOLDER]

A network that `studies.families.train` has left in the folder of runs is measured as it is; the others are trained
first. The figures are kept in studies/results/families.json, and docs/families.md is written from them.
"""

import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from edgeproof.datasets.training_record import RECORD_NAME
from edgeproof.device.environment import describe_environment
from edgeproof.runtime.errors import CheckFailedError
from edgeproof.runtime.io.child import run_child
from edgeproof.runtime.io.files import is_file
from edgeproof.runtime.io.processes import python_command

from ..commands import ONE_THREAD, one_line_errors
from .arguments import family_arguments, parse
from .families import FAMILIES
from .figures import STORE, Figures
from .images import load_images
from .measure import measure_family
from .page import families_page

TRAIN = f"{__package__}.train"
PAGE = Path(__file__).parents[2] / "docs" / "families.md"


def train_missing(name: str, runs: Path, data: Path) -> None:
    """Train a family in a process of its own, unless its record is there: TensorFlow would be the noise of latencies.

    Raises:
        CheckFailedError: The training failed; the message is its own.
    """
    if is_file(runs / name / RECORD_NAME):
        return
    arguments = [name, "--data", str(data), "--runs", str(runs)]
    program = f"import {TRAIN} as train\nsys.exit(train.main({arguments!r}))"
    done = run_child(python_command(program), env=os.environ | ONE_THREAD, stdout=sys.stdout, text=True)
    if done.returncode:
        raise CheckFailedError(f"{name} cannot be trained: {(done.stderr.splitlines() or ['no message'])[-1]}")


@one_line_errors
def main(arguments: Sequence[str] | None = None) -> int:
    """Measure the families, keep the figures of each as soon as they are there, and write the page."""
    options = parse(family_arguments("families.run", __doc__), arguments)
    known = STORE.read()
    found = {} if known is None else dict(known.families)
    for name in options.family:
        train_missing(name, options.runs, options.data)
        start = time.perf_counter()
        found[name] = measure_family(options.runs / name, load_images(options.data, colour=FAMILIES[name].colour))
        figures = Figures(
            families={name: found[name] for name in FAMILIES if name in found}, environment=describe_environment()
        )
        STORE.write(figures, {})
        PAGE.write_text(families_page(figures), encoding="utf-8")
        sys.stdout.write(f"{name}: measured in {time.perf_counter() - start:.0f} s\n")
        sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
