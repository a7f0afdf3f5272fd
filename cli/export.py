"""`edgeproof export`."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from ..runtime.variants import RECIPES, Recipe, find_recipe
from .options import add_data, seed

if TYPE_CHECKING:
    from ..export.bundle import Exported


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the verb's options."""
    parser.add_argument(
        "model", type=Path, metavar="MODEL", help="a .keras file; it takes raw pixels, 0-255, and ends in a softmax"
    )
    add_data(parser)
    parser.add_argument(
        "--recipes",
        default="all",
        help=f"comma-separated: {', '.join(RECIPES)}, or an alias such as int8 (default: all)",
    )
    parser.add_argument("--seed", type=seed, default=1, help="chooses the calibration images (default: 1)")
    parser.add_argument(
        "--out", type=Path, help="the bundle's folder; a bundle there is replaced (default: bundle beside MODEL)"
    )


def run(options: argparse.Namespace) -> int:
    """Export and write the bundle."""
    names = list(RECIPES) if options.recipes == "all" else options.recipes.split(",")
    recipes = list(dict.fromkeys(find_recipe(name.strip()) for name in names))
    out = options.out or options.model.parent / "bundle"
    export_and_tell(options.model, options.data, out, recipes=recipes, seed=options.seed)
    return 0


def export_and_tell(model: Path, data_name: str, out: Path, *, recipes: list[Recipe], seed: int) -> None:
    """Export with a line per proven variant."""
    from ..export.keras_file import check_keras_file
    from ..train.data import load_data

    check_keras_file(model)
    data = load_data(data_name)
    from ..export.bundle import export_bundle

    print(f"Exporting {model}; every file is compared with it on up to 500 training images", flush=True)
    manifest = export_bundle(model, data, out, recipes=recipes, seed=seed, report=_tell)
    reference = manifest.reference
    print(f"  {out}: {len(manifest.variants)} files, each within its recipe's tolerance of the original")
    if reference.accuracy is not None:
        print(
            f"  the Keras original gets {reference.accuracy * 100:.2f} % of {reference.test_images:,} test images right"
        )


def _tell(one: "Exported") -> None:
    difference = one.difference
    print(
        f"  {one.variant.name:22} {one.variant.size_bytes / 1000:7.1f} kB"
        f"  agreement {difference.agreement * 100:6.2f} %"
        f"  largest difference {difference.max_abs:.1e}  signal to noise {difference.snr_db:5.1f} dB",
        flush=True,
    )
