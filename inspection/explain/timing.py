"""Times of functions in interleaved rounds, so that a slow moment hits all alike."""

import random
from collections.abc import Callable, Sequence
from time import perf_counter

import numpy as np

_ROUNDS = 15
_TURN_SECONDS = 5e-4


def median_seconds(runs: Sequence[Callable[[], object]]) -> list[float]:
    """Return the median seconds of a run of each function, over rounds in which all have a turn, in any order."""
    for run in runs:
        run()
    order = list(range(len(runs)))
    shuffle = random.Random(0).shuffle
    medians: list[list[float]] = [[] for _ in runs]
    for _ in range(_ROUNDS):
        shuffle(order)
        for index in order:
            medians[index].append(_turn(runs[index]))
    return [float(np.median(found)) for found in medians]


def _turn(run: Callable[[], object]) -> float:
    """Run a function once to warm the caches, then for a short while; return the median seconds."""
    run()
    seconds: list[float] = []
    while not seconds or sum(seconds) < _TURN_SECONDS:
        start = perf_counter()
        run()
        seconds.append(perf_counter() - start)
    return float(np.median(seconds))
