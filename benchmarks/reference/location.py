"""The place of a bundle's Keras file."""

from pathlib import Path

from ...datasets.training_record import MODEL_NAME


def beside(bundle: Path) -> Path:
    """Return the folder that a bundle lies in, also where it is named ``.``."""
    return bundle.parent if bundle.name else bundle.absolute().parent


def reference_of(bundle: Path, given: str | Path | None = None) -> Path:
    """Return the `.keras` file that a bundle was exported from: the given one, or `model.keras` beside the bundle."""
    return beside(bundle) / MODEL_NAME if given is None else Path(given)
