"""A split of a data set: images with their labels, names and digests."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .fingerprints import pixel_digests
from .rows import Images, select


@dataclass(frozen=True, kw_only=True, slots=True)
class Split:
    """Labelled images.

    Attributes:
        images: uint8 of shape (N, H, W, C), values 0-255; N is at least 1.
        labels: Integers of shape (N,): positions in the classes.
        names: What a user knows each image as: a file's name, or a place in an array such as ``x_test[0]``.
        digests: Of each image's pixels; computed if not given.
    """

    images: Images
    labels: NDArray[Any]
    names: Sequence[str]
    digests: Sequence[bytes] = ()

    def __post_init__(self) -> None:
        if not self.digests:
            object.__setattr__(self, "digests", pixel_digests(self.images))

    def __getitem__(self, positions: NDArray[np.intp]) -> "Split":
        return Split(
            images=select(self.images, positions),
            labels=self.labels[positions],
            names=[self.names[int(position)] for position in positions],
            digests=[self.digests[int(position)] for position in positions],
        )
