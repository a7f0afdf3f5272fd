"""Fashion-MNIST for the families: gray in 28x28 pixels as it is, or in the frame and colours of keras.applications."""

from dataclasses import replace
from pathlib import Path

import numpy as np
from edgeproof.datasets.dataset import Dataset
from edgeproof.datasets.fingerprints import images_sha256
from edgeproof.datasets.loading import load_data
from numpy.typing import NDArray

# Where Debian's package dataset-fashion-mnist lays its four IDX files.
FASHION_MNIST = Path("/usr/share/datasets/fashion-mnist")
# Black pixels on each side: from 28 to 32.
_FRAME = 2


def load_images(folder: Path, *, colour: bool) -> Dataset:
    """Load the data set.

    Args:
        folder: Of the IDX files.
        colour: Whether images are framed to 32x32 pixels and their gray is repeated to three channels.

    Raises:
        EdgeproofError: As for `edgeproof.datasets.loading.load_data`.
    """
    data = load_data(folder)
    return _as_photos(data) if colour else data


def _as_photos(data: Dataset) -> Dataset:
    """Return gray images of shape (N, H, W, 1) as (N, H + 4, W + 4, 3)."""
    train, test = (replace(split, images=_framed(split.images[:]), digests=()) for split in (data.train, data.test))
    height, width, channels = train.images.shape[1:]
    return replace(
        data,
        train=train,
        test=test,
        sha256={**data.sha256, "x_train": images_sha256(train.images), "x_test": images_sha256(test.images)},
        options=replace(data.options, image_size=(height, width), channels=channels),
    )


def _framed(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.pad(images, ((0, 0), (_FRAME, _FRAME), (_FRAME, _FRAME), (0, 0))).repeat(3, axis=3)
