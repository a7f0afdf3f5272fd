"""Digests of images by their pixels, independent of file names and order."""

import hashlib
from typing import Any

import numpy as np
from numpy.typing import NDArray


def pixel_digests(images: NDArray[np.uint8]) -> list[bytes]:
    """Return the SHA-256 of each image's pixels: images of one size are the same if their digests are."""
    return [hashlib.sha256(image.data).digest() for image in np.ascontiguousarray(images)]


def array_sha256(array: NDArray[Any]) -> str:
    """Return the SHA-256 of an array's values in their order, as hexadecimal digits."""
    return hashlib.sha256(np.ascontiguousarray(array).data).hexdigest()
