"""Latency over a long time: a processor that grows hot slows down, and not every model by as much."""

import random
from collections.abc import Callable, Mapping
from time import perf_counter

import numpy as np

from ...device.state import machine_state
from ...report.model import Sustained, SustainedTurn
from .interleaved import Timed

REPETITION_SECONDS = 1.0


def measure_sustained(
    models: Mapping[str, Timed],
    *,
    minutes: float,
    threads: int,
    progress: Callable[[float], None] = lambda _: None,
) -> Sustained:
    """Time models, by the titles of their rows, in turns for so many minutes in all; the last round is finished.

    `threads` are the engines', for the record; `progress` is called after each round with the minutes that have passed.
    """
    order, draw = list(models), random.Random(1)
    turns: list[SustainedTurn] = []
    states: list[dict[str, object]] = []
    start = perf_counter()
    while (passed := perf_counter() - start) < minutes * 60 or not turns:
        states.append({"at_seconds": round(passed, 1), **machine_state()})
        draw.shuffle(order)
        for name in order:
            at = perf_counter() - start
            p50, p90 = np.percentile(models[name].repeat(REPETITION_SECONDS).run, (50, 90)) / 1000
            turns.append(SustainedTurn(row=name, at_seconds=round(at, 1), p50_us=float(p50), p90_us=float(p90)))
        progress((perf_counter() - start) / 60)
    states.append({"at_seconds": round(perf_counter() - start, 1), **machine_state()})
    return Sustained(minutes=minutes, threads=threads, turns=tuple(turns), states=tuple(states))
