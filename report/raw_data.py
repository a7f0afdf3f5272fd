"""What a report was drawn from and does not hold itself: too much for a file that people read."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True, slots=True)
class RawData:
    """The test images and the raw latencies behind a report.

    Attributes:
        images: uint8 of shape (N, H, W, C), values 0-255, as every model was given them.
        runs: Nanoseconds of every timed run (hand the input over, run, take the output) by subject and number of
            threads, int64. A subject is the title of a variant's row, or the way in which Keras was called. Empty
            where latency was not measured.
    """

    images: NDArray[np.uint8]
    runs: Mapping[tuple[str, int], NDArray[Any]]
