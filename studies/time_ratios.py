"""Times of model files over that of one among them, in interleaved rounds."""

from collections.abc import Callable, Mapping
from typing import TypeVar

import numpy as np
from edgeproof.benchmarks.latency.interleaved import TimedEngine, measure
from edgeproof.metrics.latency import Rounds
from edgeproof.runtime.bundle.model_metadata import ImageSpec, Preprocessing
from edgeproof.runtime.engines.engine import Engine
from numpy.typing import NDArray

Key = TypeVar("Key")
_SECONDS, _ROUNDS, _IMAGES = 1.5, 31, 64


class _TimedOnce(TimedEngine):
    """A file that is not compared with itself, and so needs one repetition a round."""

    repetitions = 1


def measure_rounds(
    files: Mapping[Key, Callable[[], Engine]],
    images: NDArray[np.uint8],
    image: ImageSpec,
    preprocessing: Preprocessing,
) -> dict[Key, Rounds]:
    """Time files in turns, and return the times of each one's runs, for `edgeproof.metrics.latency.ratio`.

    Args:
        files: What loads each into an engine.
        images: What they are asked about, uint8 of shape (N, H, W, C).
        image: The images that they take.
        preprocessing: How others come to that size.
    """
    timed = {name: _TimedOnce(load, images[:_IMAGES], image, preprocessing) for name, load in files.items()}
    taken = measure(timed, seconds=_SECONDS, rounds=_ROUNDS)
    return {name: [[one.run for one in repetitions] for repetitions in rounds] for name, rounds in taken.items()}
