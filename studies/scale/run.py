"""Memory and time of train, export and benchmark on folders of 10,000 to 100,000 photographs.

    python -m studies.scale.run --folder /tmp/photos

The photographs are made, 224 x 224 pixels in twenty classes, and left in the folder with the cache of their pixels:
about 2 and 15 GB for 100,000.
"""

import argparse
import shutil
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from edgeproof.cli.arguments import positive
from edgeproof.device.environment import describe_environment

from ..commands import one_line_errors
from .decoding import measure_decoding
from .figures import STORE, Decoding, Scale, Size
from .images import CLASSES, SIDE, make_images
from .memory import measure_command
from .page import draw_scale, scale_table

COUNTS = (10_000, 30_000, 100_000)
_BUILDER = f"{Path(__file__).with_name('network.py')}:waves_network"


def measure(folder: Path, count: int) -> Size:
    """Make so many images, and measure the three commands one after the other with an empty cache before the first."""
    photos, run, cache = (folder / f"{name}-{count}" for name in ("photos", "run", "cache"))
    sys.stdout.write(f"making {count:,} images in {photos}\n")
    make_images(photos, count)
    shutil.rmtree(cache, ignore_errors=True)
    data = ("--data", str(photos), "--cache", str(cache))
    trained = measure_command("train", *data, "--model", _BUILDER, "--epochs", "1", "--out", str(run))
    exported = measure_command("export", str(run / "model.keras"), *data)
    benchmarked = measure_command("benchmark", str(run / "bundle"), *data)
    return Size(
        images=count,
        pixel_bytes=count * SIDE * SIDE * 3,
        costs={"train": trained, "export": exported, "benchmark": benchmarked},
    )


def _measured(options: argparse.Namespace, decoding: Decoding) -> Scale:
    return Scale(
        sizes=tuple(measure(options.folder, count) for count in options.counts),
        decoding=decoding,
        shape=(SIDE, SIDE, 3),
        classes=CLASSES,
        environment=describe_environment(),
    )


@one_line_errors
def main(arguments: Sequence[str] | None = None) -> int:
    """Measure all counts, and write studies/results/scale.json."""
    parser = argparse.ArgumentParser(prog="python -m studies.scale.run", description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path("runs/scale"), help="for images, cache and runs")
    parser.add_argument("--counts", type=positive, nargs="+", default=COUNTS, help="numbers of images")
    parser.add_argument(
        "--decoding", action="store_true", help="measure that of large photographs alone, and keep the rest"
    )
    options = parser.parse_args(arguments)
    known = STORE.read() if options.decoding else None
    decoding = measure_decoding(options.folder / "large", SIDE)
    scale = replace(known, decoding=decoding) if known else _measured(options, decoding)
    STORE.write(scale, {".md": scale_table(scale).encode(), ".png": draw_scale(scale)})
    return 0


if __name__ == "__main__":
    sys.exit(main())
