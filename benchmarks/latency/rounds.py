"""Times of model files in interleaved rounds, without the rest of a benchmark."""

from collections.abc import Callable, Mapping
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from ...metrics.latency import Rounds
from ...runtime.bundle.model_metadata import ImageSpec, Preprocessing
from ...runtime.engines.engine import Engine
from .interleaved import TimedEngine, measure

Key = TypeVar("Key")


class _TimedOnce(TimedEngine):
    """A file that is not compared with itself, and so needs one repetition a round."""

    repetitions = 1


def measure_rounds(
    files: Mapping[Key, Callable[[], Engine]],
    images: NDArray[np.uint8],
    image: ImageSpec,
    preprocessing: Preprocessing,
    *,
    seconds: float,
    rounds: int,
) -> dict[Key, Rounds]:
    """Time files in turns, and return the times of each one's runs, for `metrics.latency.ratio`.

    Args:
        files: What loads each into an engine.
        images: What they are asked about, uint8 of shape (N, H, W, C).
        image: The images that they take.
        preprocessing: How others come to that size.
        seconds: Of each file, over all rounds.
        rounds: How many.
    """
    timed = {name: _TimedOnce(load, images, image, preprocessing) for name, load in files.items()}
    taken = measure(timed, seconds=seconds, rounds=rounds)
    return {name: [[one.run for one in repetitions] for repetitions in each] for name, each in taken.items()}
