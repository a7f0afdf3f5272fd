"""Types and units of the corruptions: arrays, generators, and the length of a pixel of MNIST in images of any size."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.floating[Any]]
# Shape (N, H, W, C), values 0-1, float32; single operations may widen them.
Images = Floats
# One for each image, so that the result for an image does not depend on the others.
Draws = Sequence[np.random.Generator]
# Results may leave 0-1; `corrupt` clips them.
Corruption = Callable[[Images, Draws], Images]

MNIST_SIDE = 28


def pixel(images: Images) -> float:
    """Return the length of one of MNIST's pixels, in pixels of these images.

    MNIST-C states its lengths for 28x28 pixels. They grow with the shorter side, so that a digit of another size is
    moved, blurred and struck through as far as MNIST's.
    """
    return min(images.shape[1:3]) / MNIST_SIDE


def drawn(draws: Draws, one: Callable[[np.random.Generator], ArrayLike]) -> NDArray[np.float32]:
    """Return what one generator after the other draws, stacked as float32."""
    return np.array([one(draw) for draw in draws], dtype=np.float32)


def sides(draws: Draws, count: int = 1) -> NDArray[np.float32]:
    """Draw -1 or 1 with equal chances, `count` times for each image: shape (N, count)."""
    return drawn(draws, lambda draw: 2 * draw.integers(0, 2, size=count) - 1)
