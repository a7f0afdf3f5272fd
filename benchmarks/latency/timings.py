"""The latencies of all models of one benchmark, compared with each other."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from math import inf

from ...metrics.latency import Rounds, distribution, noise_floor, ratio, slower_than
from ...metrics.types import Timing
from ...report.model import KerasTiming, NoiseFloor
from .interleaved import Repetition

# A model, which is the title of a row or a way of calling Keras, and its number of threads.
Key = tuple[str, int]


class Timings:
    """The latency of every model with every number of threads.

    Attributes:
        noise_floors: One for each number of threads.
        keras: The reference's timings, one for each call and number of threads.

    Args:
        repetitions: Of every model a list for each round; empty where latency was not measured.
        calls: The ways in which Keras was called.
        rows: The titles of the bundle's rows: the noise floor is theirs, and ranks are among them.
    """

    def __init__(
        self, repetitions: Mapping[Key, Sequence[Sequence[Repetition]]], *, calls: Sequence[str], rows: Sequence[str]
    ) -> None:
        self._repetitions, self._rows = repetitions, rows
        self._runs = {key: _times(taken, "run") for key, taken in repetitions.items()}
        threads = dict.fromkeys(count for _, count in repetitions)
        self._floors = {count: noise_floor({name: self._runs[name, count] for name in rows}) for count in threads}
        self.noise_floors = tuple(NoiseFloor(threads=count, ratio=floor) for count, floor in self._floors.items())
        self.keras = tuple(
            KerasTiming(call=call, threads=count, run=distribution(self._runs[call, count]))
            for count in threads
            for call in calls
        )

    def of(self, row: str) -> tuple[Timing, ...]:
        """Return a row's timings, one for each number of threads."""
        return tuple(self._timing(row, count) for count in self._floors)

    def _timing(self, row: str, threads: int) -> Timing:
        taken, runs = self._repetitions[row, threads], self._runs[row, threads]
        floor, rows = self._floors[threads], {name: self._runs[name, threads] for name in self._rows}
        fastest = min(self.keras, key=lambda timing: timing.run.p50_us if timing.threads == threads else inf)
        return Timing(
            threads=threads,
            **{each.name: distribution(_times(taken, each.name)) for each in fields(Repetition)},
            ratio_to_keras=ratio(runs, self._runs[fastest.call, threads], floor),
            slower_than=slower_than(runs, rows, floor),
        )


def _times(taken: Sequence[Sequence[Repetition]], kind: str) -> Rounds:
    return [[getattr(repetition, kind) for repetition in repetitions] for repetitions in taken]
