"""The place of a bundle's Keras file."""

from pathlib import Path

from ...datasets.training_record import MODEL_NAME
from ...runtime.io.files import is_file

_OTHER_NAMES = ("model.h5", "model.hdf5")


def beside(bundle: Path) -> Path:
    """Return the folder that a bundle lies in, also where it is named ``.``."""
    return bundle.parent if bundle.name else bundle.absolute().parent


def reference_of(bundle: Path, given: str | Path | None = None) -> Path:
    """Return the file that a bundle was exported from: the given one, or `model.keras` or `.h5` beside the bundle."""
    if given is not None:
        return Path(given)
    usual, *others = (beside(bundle) / name for name in (MODEL_NAME, *_OTHER_NAMES))
    return next((file for file in (usual, *others) if is_file(file)), usual)
