"""The images of any data that a bundle's model has not learned from, found by their digests."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...runtime.bundle.manifest import Manifest
from ...runtime.bundle.reader import read_vouched_file
from ...runtime.errors import InvalidFileError
from ..split import Split
from .split_record import SplitRecord, describe_reading, parse_split, short
from .test_draw import relabelled_remark


def read_split(bundle: Path, manifest: Manifest) -> SplitRecord | None:
    """Return what a bundle says of the images that were held out from its training; None where it says nothing.

    Raises:
        InvalidFileError: The file is missing, is not the one that the manifest names, or is about other images.
    """
    if manifest.split is None:
        return None
    path = bundle / manifest.split.file
    record = parse_split(read_vouched_file(bundle, manifest.split), str(path))
    if record.reading != describe_reading(manifest.image.shape, manifest.preprocessing):
        raise InvalidFileError(f"{path} is about images that were read otherwise than the bundle reads them")
    return record


def select_held_out(
    images: Split, record: SplitRecord, classes: Sequence[str], *, labelled: bool = True
) -> tuple[NDArray[np.intp], tuple[str, ...]]:
    """Return the positions of the images that were held out, and sentences on them; the others may have been learned.

    `images` have labels of these classes, unless `labelled` is false.
    """
    held_out = np.array([short(digest) in record.test for digest in images.digests], bool)
    positions, total = np.flatnonzero(held_out), len(record.test)
    there = len({images.digests[position] for position in positions.tolist()})
    if not there:
        return positions, (f"none of the {total:,} images that were held out from the training is among them",)
    missing = f", of which {total - there:,} of {total:,} are missing" if there < total else ""
    remark = f"{len(positions):,} of {len(held_out):,} images are the test part: those held out from the training"
    relabelled = relabelled_remark(record, images[positions], classes) if labelled else ()
    return positions, (f"{remark}{missing}", *relabelled)
