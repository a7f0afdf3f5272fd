"""`edgeproof train`."""

import argparse
import sys
from pathlib import Path

from .options import add_data, positive, seed


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the verb's options."""
    add_data(parser)
    parser.add_argument("--preset", default="default", help="which model (default: default)")
    parser.add_argument("--epochs", type=positive, help="passes over the training images (default: the preset's)")
    parser.add_argument("--seed", type=seed, default=1, help="starting point of everything random (default: 1)")
    parser.add_argument("--out", type=Path, default=Path("runs/default"), help="folder (default: runs/default)")


def run(options: argparse.Namespace) -> int:
    """Train and write model.keras, training.json and curves.png."""
    train_and_tell(options.data, options.out, preset=options.preset, epochs=options.epochs, seed=options.seed)
    return 0


def train_and_tell(data_name: str, out: Path, *, preset: str, epochs: int | None, seed: int) -> None:
    """Train with progress on the terminal."""
    from ..train.data import load_data

    data = load_data(data_name)
    from ..train.fit import FitOptions
    from ..train.run import train

    chosen = FitOptions(seed=seed) if epochs is None else FitOptions(seed=seed, epochs=epochs)
    trained = train(data, out, preset=preset, options=chosen, progress=sys.stdout)
    print(
        f"  {trained.path}: {trained.parameters:,} parameters, {trained.test_accuracy * 100:.2f} % of "
        f"{len(data.x_test):,} test images right"
    )
