"""Rounds weights to 8 bits."""

import numpy as np
from numpy.typing import NDArray


def round_to_int8(values: NDArray[np.float32], axis: int) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Return finite weights as int8 in -127..127, and the scale of each channel along this axis.

    The scales have as many axes as the weights, so that the product of both is close to the given ones.

    >>> stored, scales = round_to_int8(np.float32([[254, 2, -254], [0, 0, 0]]), axis=0)
    >>> stored.tolist(), scales.tolist()
    ([[127, 1, -127], [0, 0, 0]], [[2.0], [1.0]])
    """
    others = tuple(i for i in range(values.ndim) if i != axis)
    largest = np.abs(values).max(axis=others, keepdims=True)
    # A channel of zeros needs a scale as well, and so does one whose scale would be too small for a normal float.
    scales = np.where(largest < 127 * np.finfo(np.float32).tiny, 1, largest / 127).astype(np.float32)
    return np.rint(values / scales).clip(-127, 127).astype(np.int8), scales
