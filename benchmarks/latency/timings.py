"""The latencies of all subjects of one benchmark, held beside each other."""

from collections.abc import Mapping, Sequence
from math import inf

from ...metrics.latency import distribution, noise_floor, ratio, slower_than
from ...metrics.types import Timing
from ...report.model import KerasTiming, NoiseFloor
from .interleaved import Nanoseconds, Repetition

# A subject, which is the title of a row or a way of calling Keras, and its number of threads.
Key = tuple[str, int]


class Timings:
    """What was measured of every subject with every number of threads.

    Attributes:
        keras: The original's timings, one for each call and number of threads.

    Args:
        turns: The turns of every subject, in a list for each round; empty where latency was not measured.
        calls: The ways in which Keras was called.
        rows: The titles of the bundle's rows, which the noise floor is taken from, and which may be faster than
            others.
    """

    def __init__(
        self,
        turns: Mapping[Key, Sequence[Sequence[Repetition]]],
        *,
        calls: Sequence[str],
        rows: Sequence[str],
    ) -> None:
        self._turns = turns
        self._runs = {key: _times(taken, "run") for key, taken in turns.items()}
        self._threads = tuple(dict.fromkeys(count for _, count in turns))
        self._rows = rows
        self._floors = {count: noise_floor({name: self._runs[name, count] for name in rows}) for count in self._threads}
        self.keras = tuple(
            KerasTiming(call=call, threads=count, run=distribution(self._runs[call, count]))
            for count in self._threads
            for call in calls
        )

    @property
    def noise_floors(self) -> tuple[NoiseFloor, ...]:
        """One for each number of threads."""
        return tuple(NoiseFloor(threads=count, ratio=floor) for count, floor in self._floors.items())

    def of(self, row: str) -> tuple[Timing, ...]:
        """Return a row's timings, one for each number of threads."""
        return tuple(self._timing(row, count) for count in self._threads)

    def _timing(self, row: str, threads: int) -> Timing:
        taken, runs = self._turns[row, threads], self._runs[row, threads]
        floor, rows = self._floors[threads], {name: self._runs[name, threads] for name in self._rows}
        fastest = min(self.keras, key=lambda timing: timing.run.p50_us if timing.threads == threads else inf)
        return Timing(
            threads=threads,
            run=distribution(runs),
            invoke=distribution(_times(taken, "invoke")),
            preprocessing=distribution(_times(taken, "preprocessing")),
            load=distribution(_times(taken, "load")),
            first=distribution(_times(taken, "first")),
            ratio_to_keras=ratio(runs, self._runs[fastest.call, threads], floor),
            slower_than=slower_than(runs, rows, floor),
        )


def _times(taken: Sequence[Sequence[Repetition]], kind: str) -> list[list[Nanoseconds]]:
    return [[getattr(turn, kind) for turn in turns] for turns in taken]
