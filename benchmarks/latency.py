"""Latency of single images, measured in interleaved rounds so that a slow minute hits every subject alike."""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from time import perf_counter, perf_counter_ns

import numpy as np
from numpy.typing import NDArray

from ..runtime.engine import Engine

ROUNDS = 10
MIN_RUNS_PER_ROUND = 10
WARMUP_SECONDS, WARMUP_RUNS = 0.2, 5


@dataclass(frozen=True, kw_only=True, slots=True)
class Latency:
    """Microseconds of `Engine.run` for one image in the engine's own dtype; no run is left out.

    Attributes:
        runs: How many were timed.
        min_us: The fastest.
        p50_us: The median.
        p90_us: Nine of ten runs are at most this slow.
        p99_us: 99 of 100 runs are.
        max_us: The slowest.
    """

    runs: int
    min_us: float
    p50_us: float
    p90_us: float
    p99_us: float
    max_us: float


def measure(
    engines: Mapping[str, Engine],
    images: NDArray[np.uint8],
    *,
    seconds: float,
    seed: int = 1,
    tick: Callable[[int], None] = lambda _: None,
) -> dict[str, Latency]:
    """Time each engine on real images, one at a time.

    After a warm-up, every round gives each engine a turn, in an order drawn anew; a turn lasts a share of `seconds`
    and at least `MIN_RUNS_PER_ROUND` runs. What is timed is `Engine.run`: hand the input over, run, take the output.

    Args:
        engines: What to time, by name.
        images: uint8 of shape (N, H, W, C), values 0-255; cycled through.
        seconds: Time per engine over all rounds.
        seed: Draws the order of the turns.
        tick: Called with the number of each finished round, from 1.
    """
    inputs = {name: _single_images(engine, images) for name, engine in engines.items()}
    samples: dict[str, list[int]] = {name: [] for name in engines}
    for name, engine in engines.items():
        _turn(engine, inputs[name], WARMUP_SECONDS, WARMUP_RUNS)
    order, draw = list(engines), random.Random(seed)
    for number in range(1, ROUNDS + 1):
        draw.shuffle(order)
        for name in order:
            samples[name] += _turn(engines[name], inputs[name], seconds / ROUNDS, MIN_RUNS_PER_ROUND)
        tick(number)
    return {name: summarize(np.array(nanoseconds)) for name, nanoseconds in samples.items()}


def summarize(nanoseconds: NDArray[np.int64]) -> Latency:
    """Return the percentiles of the samples (linear interpolation between neighbours).

    >>> summarize(np.arange(1000, 102_000, 1000))
    Latency(runs=101, min_us=1.0, p50_us=51.0, p90_us=91.0, p99_us=100.0, max_us=101.0)
    """
    low, p50, p90, p99, high = (float(q) for q in np.percentile(nanoseconds, (0, 50, 90, 99, 100)) / 1000)
    return Latency(runs=len(nanoseconds), min_us=low, p50_us=p50, p90_us=p90, p99_us=p99, max_us=high)


def _single_images(engine: Engine, images: NDArray[np.uint8]) -> list[NDArray[np.generic]]:
    batch = engine.input.encode(images)
    return [batch[i : i + 1] for i in range(len(batch))]


def _turn(engine: Engine, inputs: list[NDArray[np.generic]], seconds: float, runs: int) -> list[int]:
    times: list[int] = []
    end = perf_counter() + seconds
    while len(times) < runs or perf_counter() < end:
        image = inputs[len(times) % len(inputs)]
        start = perf_counter_ns()
        engine.run(image)
        times.append(perf_counter_ns() - start)
    return times
