"""Latency of single images in interleaved repetitions, so that a slow minute hits every model alike.

Every repetition loads its model anew: where the memory of a model happens to lie changes its speed by some percent, and
a difference must be larger than that.
"""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from time import perf_counter, perf_counter_ns
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from ...runtime.bundle.model_metadata import ImageSpec, Preprocessing
from ...runtime.engines.engine import Engine
from ...runtime.images.preprocess import prepare

# Many short rounds: on a shared machine, whose speed changes from second to second, 60 rounds of the same length in all
# tell apart 4 %; 20 rounds, 20 to 50 %.
ROUNDS = 60
WARMUP_SECONDS, WARMUP_RUNS = 0.01, 5
# At least so many of each kind, however short a repetition is: a slow model has its median from 120 of them.
LEAST_RUNS = 1
# The parts of a repetition's time.
_RUN, _INVOKE, _PREPROCESSING = 0.6, 0.25, 0.15

Nanoseconds = NDArray[np.int64]
Key = TypeVar("Key")


@dataclass(frozen=True, kw_only=True, slots=True)
class Repetition:
    """The times of one model in one repetition, in nanoseconds; arrays of int64, one entry for each time.

    Attributes:
        run: Hand one image over, run, take the output.
        invoke: The run alone; empty where that cannot be told apart.
        preprocessing: From an image's pixels to what the engine takes.
        load: From the file's bytes to an engine that is ready; one entry, or none where it was loaded before.
        first: The first run after that.
    """

    run: Nanoseconds
    invoke: Nanoseconds
    preprocessing: Nanoseconds
    load: Nanoseconds
    first: Nanoseconds


class Timed(Protocol):
    """A model whose latency is measured.

    Attributes:
        repetitions: How many it has in every round; with two it can be compared with itself.
    """

    repetitions: int

    def repeat(self, seconds: float) -> Repetition:
        """Run for about so long, after a warm-up that is not counted."""
        ...


class TimedEngine:
    """A model file in an engine of this process.

    Args:
        load: Makes a new engine that is ready to run.
        images: uint8 of shape (N, H, W, C), values 0-255; cycled through.
        image: The images that the model takes.
        preprocessing: How other images come to that size.
    """

    repetitions = 2

    def __init__(
        self, load: Callable[[], Engine], images: NDArray[np.uint8], image: ImageSpec, preprocessing: Preprocessing
    ) -> None:
        self._load = load
        self._images, self._inputs = images, list[NDArray[Any]]()
        self._image, self._preprocessing = image, preprocessing

    def repeat(self, seconds: float) -> Repetition:
        """Load the model, run it once, warm it up, then time it; see `Timed.repeat`."""
        start = perf_counter_ns()
        engine = self._load()
        loaded = perf_counter_ns() - start
        if not self._inputs:
            self._inputs = [image[np.newaxis] for image in engine.input.encode(self._images)]
        inputs = self._inputs
        start = perf_counter_ns()
        engine.run(inputs[0])
        first = perf_counter_ns() - start
        # A model that takes longer than all of the warm-up needs no five runs of it.
        timed(engine.run, inputs, WARMUP_SECONDS, 1 if first > WARMUP_SECONDS * 1e9 else WARMUP_RUNS)

        def encode(image: NDArray[np.uint8]) -> object:
            return engine.input.encode(prepare(image, self._image, self._preprocessing).pixels)

        run = timed(engine.run, inputs, seconds * _RUN)
        invoke = engine.invoker(inputs[0])
        return Repetition(
            run=run,
            invoke=timed(lambda _: invoke(), inputs, seconds * _INVOKE),
            preprocessing=timed(encode, list(self._images), seconds * _PREPROCESSING),
            load=np.array([loaded]),
            first=np.array([first]),
        )


def timed(work: Callable[[Any], object], inputs: list[Any], seconds: float, least: int = LEAST_RUNS) -> Nanoseconds:
    """Call `work` on the inputs, one after the other, for so long and so often; return how long each call took."""
    times: list[int] = []
    end = perf_counter() + seconds
    while len(times) < least or perf_counter() < end:
        one = inputs[len(times) % len(inputs)]
        start = perf_counter_ns()
        work(one)
        times.append(perf_counter_ns() - start)
    return np.array(times)


def measure(
    models: Mapping[Key, Timed],
    *,
    seconds: float,
    rounds: int = ROUNDS,
    seed: int = 1,
    progress: Callable[[int], None] = lambda _: None,
) -> dict[Key, list[list[Repetition]]]:
    """Time models in repetitions, in every round in an order that is drawn anew.

    A short round before the first warms up what is shared, and is not counted. Each model has `seconds` over all
    rounds; `progress` is called with the number of each finished round, from 1.

    Returns:
        For each model a list for each round, with its repetitions in the order in which they were taken.
    """
    for model in models.values():
        model.repeat(0.0)
    taken: dict[Key, list[list[Repetition]]] = {name: [] for name in models}
    order, draw = [name for name, model in models.items() for _ in range(model.repetitions)], random.Random(seed)
    for number in range(1, rounds + 1):
        draw.shuffle(order)
        for repetitions in taken.values():
            repetitions.append([])
        for name in order:
            model = models[name]
            taken[name][-1].append(model.repeat(seconds / (rounds * model.repetitions)))
        progress(number)
    return taken
