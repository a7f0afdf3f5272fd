"""The place of a bundle's Keras file."""

from contextlib import suppress
from pathlib import Path

from ...datasets.training_record import MODEL_NAME
from ...runtime.bundle.reader import read_manifest
from ...runtime.errors import EdgeproofError
from ...runtime.io.digest import sha256_of
from ...runtime.io.files import is_file, read_file

_NAMES = (MODEL_NAME, "model.h5", "model.hdf5")


def beside(bundle: Path) -> Path:
    """Return the folder that a bundle lies in, also where it is named ``.``."""
    return bundle.parent if bundle.name else bundle.absolute().parent


def reference_of(bundle: Path, given: str | Path | None = None) -> Path:
    """Return the file that a bundle was exported from: the given one, or `model.keras`, or `model.h5`, beside it.

    Of both, it is the one whose digest the bundle has; the first if that cannot be told.
    """
    if given is not None:
        return Path(given)
    usual, *_ = files = [beside(bundle) / name for name in _NAMES]
    there = [file for file in files if is_file(file)]
    if len(there) > 1:
        with suppress(EdgeproofError):
            digest = read_manifest(bundle).reference.sha256
            there = [file for file in there if sha256_of(read_file(file, "model")) == digest] or there
    return next(iter(there), usual)
