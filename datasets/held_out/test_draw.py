"""The draw of a test split from data that has none of its own; the split of an earlier training is kept."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ...runtime.bundle.model_metadata import Preprocessing
from ...runtime.errors import SpecMismatchError
from ...runtime.text import count, visible
from ..dataset import DataOptions
from ..split import Split
from ..stratify import stratified_split
from ..wording import first_of
from .split_record import SplitRecord, describe_reading, short

_NAMED = 3


class DrawnSplit(NamedTuple):
    """The two splits.

    Attributes:
        train: The images to learn from, of every class.
        test: The other images.
        remarks: How they were drawn, in sentences without a full stop.
        earlier: The split that was kept; None where all images were drawn anew.
    """

    train: Split
    test: Split
    remarks: tuple[str, ...]
    earlier: SplitRecord | None


def draw_test_split(
    images: Split,
    classes: Sequence[str],
    preprocessing: Preprocessing,
    options: DataOptions,
    earlier: SplitRecord | None,
) -> DrawnSplit:
    """Draw a test split from images with these classes, which were read with this preprocessing.

    Raises:
        SpecMismatchError: The images cannot be split, or those of a class are all test images of the earlier split.
    """
    kept, remarks = (None, ()) if earlier is None else _comparable(images, preprocessing, earlier)
    sides = kept and kept.sides(images.digests)
    held_out, used = stratified_split(images.labels, options.test_share, options.split_seed, images.digests, sides)
    train, test = images[used], images[held_out]
    if kept is None or sides is None:
        return DrawnSplit(train, test, (*remarks, _drawn(len(held_out), len(images.labels), options)), None)
    _check_classes(train, test, classes)
    return DrawnSplit(train, test, _kept(kept, images, test, classes, options), kept)


def _comparable(
    images: Split, preprocessing: Preprocessing, earlier: SplitRecord
) -> tuple[SplitRecord | None, tuple[str, ...]]:
    """Return the earlier split if it has any of these images; else why it is of no use."""
    _, height, width, channels = images.images.shape
    if earlier.reading != describe_reading((height, width, channels), preprocessing):
        return None, ("the earlier training read its images otherwise: its test images cannot be told from the others",)
    if all(side is None for side in earlier.sides(images.digests)):
        return None, ("the earlier training had none of these images",)
    return earlier, ()


def _check_classes(train: Split, test: Split, classes: Sequence[str]) -> None:
    """Refuse a class that has no image to learn from; a single one without a test image is possible."""
    left = sorted(set(np.unique(test.labels).tolist()) - set(np.unique(train.labels).tolist()))
    if left:
        raise SpecMismatchError(
            f"all images of {visible(classes[int(left[0])])} are test images of the earlier training: add some to "
            "learn from, or draw all anew in another --out folder"
        )


def _drawn(held_out: int, total: int, options: DataOptions) -> str:
    return (
        f"{held_out:,} of {total:,} images are the test part, drawn by split seed {options.split_seed}, because the "
        "data has none of its own"
    )


def _kept(
    earlier: SplitRecord, images: Split, test: Split, classes: Sequence[str], options: DataOptions
) -> tuple[str, ...]:
    known = {short(digest) for digest in images.digests}
    there = sum(digest in known for digest in earlier.test)
    new = sum(short(digest) not in earlier.test for digest in test.digests)
    missing = len(earlier.test) - there
    absent = f", of which {missing:,} of {len(earlier.test):,} are missing" if missing else ""
    added = f", and {count(new, 'new one')}, drawn by split seed {options.split_seed}" if new else ""
    remark = (
        f"{len(test.labels):,} of {len(images.labels):,} images are the test part: those of the earlier training"
        f"{absent}{added}"
    )
    return (remark, *relabelled_remark(earlier, test, classes))


def relabelled_remark(earlier: SplitRecord, test: Split, classes: Sequence[str]) -> tuple[str, ...]:
    """Return a sentence on test images whose label is another than in the training; empty where there are none."""
    changed = earlier.relabelled(test, classes)
    if not changed:
        return ()
    named = [
        f"{test.names[position]} ({' or '.join(earlier.test[short(test.digests[position])])})"
        for position in changed[: _NAMED + 1]
    ]
    return (f"{count(len(changed), 'test image')} had another label in the training: {first_of(named, _NAMED)}",)
