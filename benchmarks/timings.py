"""The latencies of all subjects of one benchmark, held beside each other."""

from collections.abc import Mapping, Sequence
from math import inf

from ..report.figures import Timing
from ..report.report import KerasTiming, NoiseFloor
from .latency import Nanoseconds, Turn
from .latency_statistics import distribution, is_faster, noise_floor, ranks, ratio

# A subject, which is the title of a row or a way of calling Keras, and its number of threads.
Key = tuple[str, int]


class Timings:
    """What was measured of every subject with every number of threads.

    Args:
        turns: The turns of every subject, in a list for each round; empty where latency was not measured.
        calls: The ways in which Keras was called.
        rows: The titles of the rows that are ranked.
        others: The titles of rows that are ranked beside them, without a part in their ranks.
    """

    def __init__(
        self,
        turns: Mapping[Key, Sequence[Sequence[Turn]]],
        *,
        calls: Sequence[str],
        rows: Sequence[str],
        others: Sequence[str] = (),
    ) -> None:
        self._turns, self._calls = turns, calls
        self._runs = {key: _times(taken, "run") for key, taken in turns.items()}
        self._threads = tuple(dict.fromkeys(count for _, count in turns))
        self._floors: dict[int, float] = {}
        self._ranks: dict[Key, int] = {}
        for count in self._threads:
            own, foreign = ({name: self._runs[name, count] for name in names} for names in (rows, others))
            floor = self._floors[count] = noise_floor(own | foreign)
            self._ranks |= {(name, count): rank for name, rank in ranks(own, floor).items()}
            for name, runs in foreign.items():
                self._ranks[name, count] = 1 + sum(is_faster(faster, runs, floor) for faster in own.values())

    @property
    def noise_floors(self) -> tuple[NoiseFloor, ...]:
        """One for each number of threads."""
        return tuple(NoiseFloor(threads=count, ratio=floor) for count, floor in self._floors.items())

    def keras(self) -> tuple[KerasTiming, ...]:
        """Return the original's timings, one for each call and number of threads."""
        return tuple(
            KerasTiming(call=call, threads=count, run=distribution(self._runs[call, count]))
            for count in self._threads
            for call in self._calls
        )

    def of(self, row: str) -> tuple[Timing, ...]:
        """Return a row's timings, one for each number of threads."""
        return tuple(self._timing(row, count) for count in self._threads)

    def _timing(self, row: str, threads: int) -> Timing:
        taken, runs = self._turns[row, threads], self._runs[row, threads]
        fastest = min(self.keras(), key=lambda timing: timing.run.p50_us if timing.threads == threads else inf)
        return Timing(
            threads=threads,
            run=distribution(runs),
            invoke=distribution(_times(taken, "invoke")),
            preprocessing=distribution(_times(taken, "preprocessing")),
            load=distribution(_times(taken, "load")),
            first=distribution(_times(taken, "first")),
            ratio_to_keras=ratio(runs, self._runs[fastest.call, threads]),
            rank=self._ranks[row, threads],
        )


def _times(taken: Sequence[Sequence[Turn]], kind: str) -> list[list[Nanoseconds]]:
    return [[getattr(turn, kind) for turn in turns] for turns in taken]
