"""A labelled image set, and the options that it was loaded with."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from ..runtime.bundle.model_metadata import MAX_SIDE, Preprocessing
from ..runtime.errors import SpecMismatchError
from .held_out.split_record import SplitRecord
from .rows import Images
from .split import Split

TEST_SHARE = 1 / 6


@dataclass(frozen=True, kw_only=True, slots=True)
class DataOptions:
    """Options for reading files as a data set.

    Attributes:
        image_size: Height and width of images from files; None for their own, if all share it. Arrays keep theirs.
        channels: 1 for grayscale, 3 for RGB; None for grayscale if all image files are. Arrays keep theirs.
        preprocessing: How an image file is resized; None for the data's own way.
        test_share: Share of the images to draw as the test split, where the data has none of its own.
        split_seed: Seed of that draw.
        skip_bad: Leave out image files that cannot be read, instead of refusing the data.
    """

    image_size: tuple[int, int] | None = None
    channels: int | None = None
    preprocessing: Preprocessing | None = None
    test_share: float = TEST_SHARE
    split_seed: int = 0
    skip_bad: bool = False

    def __post_init__(self) -> None:
        if self.image_size is not None and not all(1 <= side <= MAX_SIDE for side in self.image_size):
            height, width = self.image_size
            raise SpecMismatchError(f"an image's height and width go from 1 to {MAX_SIDE:,}, got {height} and {width}")
        if self.channels not in (None, 1, 3):
            raise SpecMismatchError(f"images have 1 or 3 channels, got {self.channels}")
        if not 0 < self.test_share < 1:
            raise SpecMismatchError(f"the test share is between 0 and 1, got {self.test_share:g}")
        if not 0 <= self.split_seed < 2**31:
            raise SpecMismatchError(f"a seed goes from 0 to {2**31 - 1}, got {self.split_seed}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Dataset:
    """Labelled images, split into those to learn from and those that only the final test may see.

    Attributes:
        name: The data set's name.
        train: Labels are int64.
        test: Likewise.
        classes: The labels.
        preprocessing: How an image of any size becomes like these.
        sha256: SHA-256 of the bytes of x_train, y_train, x_test and y_test as they were loaded, by these names.
        options: The options they were loaded with, without any None: the same files give the same images again.
        test_drawn: Whether the test split was drawn from the images, because the data has none of its own.
        earlier: The split of an earlier training that this one keeps to; None where it is drawn anew.
        remarks: What is doubtful about them, and what was done to them, in sentences without a full stop.
        skipped: Image files that could not be read and were left out: their names, and what was wrong with them.
    """

    name: str
    train: Split
    test: Split
    classes: tuple[str, ...]
    preprocessing: Preprocessing
    sha256: Mapping[str, str]
    options: DataOptions = field(default_factory=DataOptions)
    test_drawn: bool = False
    earlier: SplitRecord | None = None
    remarks: tuple[str, ...] = ()
    skipped: tuple[tuple[str, str], ...] = ()

    @property
    def x_train(self) -> Images:
        """The training images, uint8 of shape (N, H, W, C), values 0-255."""
        return self.train.images

    @property
    def y_train(self) -> NDArray[np.int64]:
        """Their labels, shape (N,), positions in `classes`."""
        return self.train.labels

    @property
    def x_test(self) -> Images:
        """The test images, like `x_train`."""
        return self.test.images

    @property
    def y_test(self) -> NDArray[np.int64]:
        """Their labels, like `y_train`."""
        return self.test.labels

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Height, width and channels."""
        _, height, width, channels = self.train.images.shape
        return height, width, channels

    def in_order(self, classes: tuple[str, ...]) -> "Dataset":
        """Return the same images with these classes, which are its own in any order; see `renumber`."""
        train, test = (
            replace(split, labels=renumber(split.labels, self.classes, classes)) for split in (self.train, self.test)
        )
        return replace(self, train=train, test=test, classes=classes)

    def content_sha256(self) -> str:
        """Return a digest of all images with their labels, independent of their order and split."""
        digests = [*self.train.digests, *self.test.digests]
        labels = [*self.y_train.tolist(), *self.y_test.tolist()]
        whole = hashlib.sha256()
        for digest, label in sorted(zip(digests, labels, strict=True)):
            whole.update(digest + label.to_bytes(8, "little"))
        return whole.hexdigest()


def renumber(labels: NDArray[np.int64], own: Sequence[str], classes: Sequence[str]) -> NDArray[np.int64]:
    """Return labels as positions in `classes` that are positions in `own`, int64 of shape (N,).

    Classes of other names are the same ones by another name, in the same order: their labels stay.

    >>> renumber(np.array([0, 0, 2]), ["cat", "cow", "dog"], ["dog", "cat", "cow"]).tolist()
    [1, 1, 0]
    >>> renumber(np.array([0, 0, 2]), ["cat", "cow", "dog"], ["Katze", "Kuh", "Hund"]).tolist()
    [0, 0, 2]
    """
    if set(own) != set(classes):
        return labels
    positions = {name: position for position, name in enumerate(classes)}
    return np.array([positions[name] for name in own], np.int64)[labels]
