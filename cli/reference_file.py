"""Location of a bundle's Keras file."""

from argparse import Namespace
from pathlib import Path


def beside(bundle: Path) -> Path:
    """Return the folder that a bundle lies in, also where it is named ``.``."""
    return bundle.parent if bundle.name else bundle.absolute().parent


def reference_of(options: Namespace) -> Path:
    """Return the `.keras` file that a bundle was exported from: `--reference`, or `model.keras` beside the bundle."""
    bundle = options.bundle if "bundle" in options else options.subject
    return options.reference or beside(bundle) / "model.keras"
