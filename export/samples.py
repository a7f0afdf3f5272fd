"""Samples of the training images: some to calibrate on, others to verify with, never test images."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..datasets.rows import Images
from ..runtime.errors import SpecMismatchError

PIXELS = (0.0, 255.0)

CALIBRATION_IMAGES = 500  # the default
VERIFICATION_IMAGES = 500
# To choose ranges; and to keep to a budget of accuracy, which fewer images cannot show.
SELECTION_IMAGES, MOST_SELECTION_IMAGES = 500, 5000
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
        selection: What there is to choose about a file is chosen on these.
        selection_labels: Their classes, shape (N,).
    """

    calibration: NDArray[np.uint8]
    calibration_labels: NDArray[np.int64]
    verification: NDArray[np.uint8]
    verification_labels: NDArray[np.int64]
    verification_numbers: NDArray[np.intp]
    selection: NDArray[np.uint8]
    selection_labels: NDArray[np.int64]

    @property
    def golden(self) -> NDArray[np.uint8]:
        """The images stored in the bundle: the first of those for verification."""
        return self.verification[:GOLDEN_IMAGES]


def draw_samples(
    images: Images,
    labels: NDArray[np.int64],
    *,
    seed: int,
    count: int = CALIBRATION_IMAGES,
    selection: int = SELECTION_IMAGES,
    held_out: Sequence[int] = (),
) -> Samples:
    """Draw the samples with every class in proportion; a small data set is divided evenly between them.

    Args:
        images: Training images, uint8 of shape (N, H, W, C).
        labels: Their classes, shape (N,).
        seed: The same seed gives the same images in the same order.
        count: How many to calibrate on.
        selection: How many to choose on, at most.
        held_out: Positions of images that the model has not learned from, which are the first to choose on.
    """
    part = len(images) // 3 or len(images) // 2
    calibration, verification = min(count, part), min(VERIFICATION_IMAGES, part)
    order = stratified_order(labels, seed=seed)
    first, second, rest = np.split(order, [calibration, calibration + verification])
    unseen = np.isin(rest, held_out)
    third = np.concatenate([rest[unseen], rest[~unseen]])[:selection]
    return Samples(
        calibration=images[first],
        calibration_labels=labels[first],
        verification=images[second],
        verification_labels=labels[second],
        verification_numbers=second,
        selection=images[third],
        selection_labels=labels[third],
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
