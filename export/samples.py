"""Which training images an export looks at: some to calibrate on, others to verify with, never test images."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

CALIBRATION_IMAGES = 500
VERIFICATION_IMAGES = 500
GOLDEN_IMAGES = 32


@dataclass(frozen=True, kw_only=True, slots=True)
class Samples:
    """Disjoint draws from the training images; uint8 of shape (N, H, W, C), values 0-255.

    Attributes:
        calibration: What activation ranges are measured on.
        verification: What every exported file is compared with the original on.
    """

    calibration: NDArray[np.uint8]
    verification: NDArray[np.uint8]

    @property
    def golden(self) -> NDArray[np.uint8]:
        """The images that travel with the bundle: the first of those for verification."""
        return self.verification[:GOLDEN_IMAGES]


def draw_samples(images: NDArray[np.uint8], labels: NDArray[np.int64], *, seed: int) -> Samples:
    """Draw both samples with every class in proportion; a small data set is halved between them.

    Args:
        images: Training images, uint8 of shape (N, H, W, C).
        labels: Their classes, shape (N,).
        seed: The same seed gives the same images in the same order.
    """
    calibration = min(CALIBRATION_IMAGES, len(images) // 2)
    verification = min(VERIFICATION_IMAGES, len(images) - calibration)
    order = stratified_order(labels, seed=seed)
    return Samples(
        calibration=images[order[:calibration]],
        verification=images[order[calibration : calibration + verification]],
    )


def calibration_inputs(images: NDArray[np.uint8]) -> Iterator[NDArray[np.float32]]:
    """Yield the images one by one as the model takes them: float32 of shape (1, H, W, C), values 0-255.

    Two corner pixels of the first are set to 0 and 255, so that the input's measured range is that of bytes whatever
    the images are like: its scale becomes 1, and camera bytes go in as they are.
    """
    for position, image in enumerate(images):
        pixels = image[np.newaxis].astype(np.float32)
        if position == 0:
            pixels[0, 0, 0], pixels[0, -1, -1] = 0.0, 255.0
        yield pixels


def stratified_order(labels: NDArray[np.int64], *, seed: int) -> NDArray[np.intp]:
    """Return a random order in which every stretch holds the classes in about their overall proportion.

    Each image gets the place that it has within its own class, as a share of that class, and all are sorted by it.
    """
    rng = np.random.default_rng(seed)
    place = np.empty(len(labels))
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        place[members] = (rng.permutation(len(members)) + rng.random()) / len(members)
    return np.argsort(place, kind="stable")
