"""Times of model files over that of one among them, measured alike in all studies."""

from collections.abc import Callable, Mapping
from typing import TypeVar

import numpy as np
from edgeproof.benchmarks.latency import rounds
from edgeproof.metrics.latency import Rounds
from edgeproof.runtime.bundle.model_metadata import ImageSpec, Preprocessing
from edgeproof.runtime.engines.engine import Engine
from numpy.typing import NDArray

Key = TypeVar("Key")
_SECONDS, _ROUNDS, _IMAGES = 1.5, 31, 64


def measure_rounds(
    files: Mapping[Key, Callable[[], Engine]],
    images: NDArray[np.uint8],
    image: ImageSpec,
    preprocessing: Preprocessing,
) -> dict[Key, Rounds]:
    """Time files in turns on some of the images; see `edgeproof.benchmarks.latency.rounds.measure_rounds`."""
    some = images[:_IMAGES]
    return rounds.measure_rounds(files, some, image, preprocessing, seconds=_SECONDS, rounds=_ROUNDS)
