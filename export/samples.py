"""Samples of the training images: some to calibrate on, others to verify with, never test images."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..runtime.errors import SpecMismatchError

PIXELS = (0.0, 255.0)

CALIBRATION_IMAGES = 500  # the default
VERIFICATION_IMAGES = 500
GOLDEN_IMAGES = 32


@dataclass(frozen=True, kw_only=True, slots=True)
class Samples:
    """Disjoint draws from the training images; uint8 of shape (N, H, W, C), values 0-255.

    Attributes:
        calibration: Activation ranges are measured on these.
        calibration_labels: Their classes, shape (N,).
        verification: Every exported file is compared with the reference on these.
        verification_labels: Their classes, shape (N,).
        verification_numbers: Their positions among the training images, shape (N,).
    """

    calibration: NDArray[np.uint8]
    calibration_labels: NDArray[np.int64]
    verification: NDArray[np.uint8]
    verification_labels: NDArray[np.int64]
    verification_numbers: NDArray[np.intp]

    @property
    def golden(self) -> NDArray[np.uint8]:
        """The images stored in the bundle: the first of those for verification."""
        return self.verification[:GOLDEN_IMAGES]


def draw_samples(
    images: NDArray[np.uint8], labels: NDArray[np.int64], *, seed: int, count: int = CALIBRATION_IMAGES
) -> Samples:
    """Draw both samples with every class in proportion; a small data set is halved between them.

    Args:
        images: Training images, uint8 of shape (N, H, W, C).
        labels: Their classes, shape (N,).
        seed: The same seed gives the same images in the same order.
        count: How many to calibrate on.
    """
    calibration = min(count, len(images) // 2)
    verification = min(VERIFICATION_IMAGES, len(images) - calibration)
    order = stratified_order(labels, seed=seed)
    first, second = order[:calibration], order[calibration : calibration + verification]
    return Samples(
        calibration=images[first],
        calibration_labels=labels[first],
        verification=images[second],
        verification_labels=labels[second],
        verification_numbers=second,
    )


def check_calibration_images(images: NDArray[Any] | None, shape: tuple[int, ...], recipe: str) -> None:
    """Raise SpecMismatchError for no images, of another shape than (N, *shape), or with values outside of 0-255."""
    if images is None or len(images) == 0:
        raise SpecMismatchError(f"{recipe} needs calibration images: give some hundreds of the training images")
    if images.shape[1:] != tuple(shape):
        raise SpecMismatchError(f"calibration images have shape {images.shape[1:]}; the model takes {tuple(shape)}")
    if images.dtype.kind not in "uif":
        raise SpecMismatchError(f"calibration images hold {images.dtype}; needed are pixels, 0-255")
    broken = int((~np.isfinite(images)).any(axis=(1, 2, 3)).sum())
    if broken:
        raise SpecMismatchError(f"{broken} calibration images hold NaN or infinity; leave them out")
    low, high = float(images.min()), float(images.max())
    scaled = images.dtype.kind == "f" and 0 <= low <= high <= 1
    if low < 0 or high > 255 or scaled:
        found = f"calibration images go from {low:g} to {high:g} as {images.dtype}"
        raise SpecMismatchError(f"{found}; needed are raw pixels, 0-255{': multiply by 255' if scaled else ''}")


def calibration_inputs(images: NDArray[np.uint8]) -> Iterator[NDArray[np.float32]]:
    """Yield the images one by one as the model takes them: float32 of shape (1, H, W, C), values 0-255.

    Two corner pixels of the first become 0 and 255: the input's scale is always 1, and camera bytes go in as they are.
    """
    for position, image in enumerate(images):
        pixels = image[np.newaxis].astype(np.float32)
        if position == 0:
            pixels[0, 0, 0], pixels[0, -1, -1] = 0.0, 255.0
        yield pixels


def stratified_order(labels: NDArray[np.int64], *, seed: int) -> NDArray[np.intp]:
    """Return a random order in which every stretch holds the classes in about their overall proportion."""
    rng = np.random.default_rng(seed)
    place = np.empty(len(labels))  # within the class, as a share of it
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        place[members] = (rng.permutation(len(members)) + rng.random()) / len(members)
    return np.argsort(place, kind="stable")
