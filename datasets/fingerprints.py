"""Digests of images by their pixels, independent of file names and order."""

import hashlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .rows import Images, batches


def pixel_digests(images: Images) -> list[bytes]:
    """Return the SHA-256 of each image's pixels: images of one size are the same if their digests are."""
    return [hashlib.sha256(np.ascontiguousarray(image).data).digest() for image in images]


def images_sha256(images: Images) -> str:
    """Return the SHA-256 of all images' pixels in their order, as hexadecimal digits."""
    digest = hashlib.sha256()
    for batch in batches(images):
        digest.update(np.ascontiguousarray(batch).data)
    return digest.hexdigest()


def array_sha256(array: NDArray[Any]) -> str:
    """Return the SHA-256 of an array's values in their order, as hexadecimal digits."""
    return hashlib.sha256(np.ascontiguousarray(array).data).hexdigest()
