"""Repeatability of latency figures: whether a file is found different from itself, and whether rankings hold.

    python -m studies.repeatability runs/demo/bundle

Every run measures each variant under two names. Between these no difference may be found; and of two variants that
differ, the same one must be faster in every run.
"""

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from edgeproof.benchmarks.latency.interleaved import ROUNDS, TimedEngine, measure
from edgeproof.benchmarks.targets import benchmark_targets
from edgeproof.cli.arguments import positive, seconds
from edgeproof.device.environment import describe_environment
from edgeproof.metrics.latency import Rounds, distribution, is_faster, noise_floor, slower_than
from edgeproof.runtime.bundle.golden import read_golden
from edgeproof.runtime.bundle.reader import read_manifest
from numpy.typing import NDArray

from .commands import one_line_errors
from .results_store import write_json

_NAMES = ("a", "b")
# A row's title and which of its two names it is.
Key = tuple[str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """Figures of a run.

    Attributes:
        noise_floor: As a ratio.
        p50_us: The median latency of every row, under its first name.
        slower_than: For each row those that are faster, under their first names.
        called_different: Rows that were found different from themselves.
    """

    noise_floor: float
    p50_us: Mapping[str, float]
    slower_than: Mapping[str, tuple[str, ...]]
    called_different: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Reversal:
    """Two rows that changed places between two runs."""

    runs: tuple[int, int]
    rows: tuple[str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Repeated:
    """Comparisons of the order of two rows between two runs.

    Attributes:
        comparisons: Number of those in which the rows have an order in both runs.
        reversals: Those in which the order differs.
    """

    comparisons: int
    reversals: tuple[Reversal, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Repeatability:
    """Figures of several runs in a row.

    Attributes:
        environment: The machine.
        runs: In their order.
        told_apart: Comparisons of rows one of which is faster, as a report judges it.
        by_median: Comparisons of rows whose medians are further apart than the noise floor.
    """

    environment: Mapping[str, Any]
    runs: tuple[Run, ...]
    told_apart: Repeated
    by_median: Repeated


def summarize(taken: Mapping[Key, Rounds]) -> Run:
    """Judge one run.

    Args:
        taken: Nanoseconds of the calls, repetition by repetition and round by round, by row and name.
    """
    floor = noise_floor({f"{row} {name}": rounds for (row, name), rounds in taken.items()})
    rows = list(dict.fromkeys(row for row, _ in taken))
    pairs = {row: [taken[row, name] for name in _NAMES] for row in rows}
    return Run(
        noise_floor=floor,
        p50_us={row: distribution(first).p50_us for row, (first, _) in pairs.items()},
        slower_than={
            row: slower_than(taken[row, "a"], {other: taken[other, "a"] for other in rows}, floor) for row in rows
        },
        called_different=tuple(
            row for row, (one, other) in pairs.items() if is_faster(one, other, floor) or is_faster(other, one, floor)
        ),
    )


def compare_runs(runs: Sequence[Run], order: Callable[[Run, str, str], int]) -> Repeated:
    """Compare the order of every two rows between every two runs.

    Args:
        runs: In their order.
        order: Order of two rows in a run: -1, 1, or 0 where they do not differ.
    """
    compared = 0
    reversals: list[Reversal] = []
    for (i, one), (j, other) in combinations(enumerate(runs), 2):
        for a, b in combinations(one.p50_us, 2):
            found = order(one, a, b) * order(other, a, b)
            compared += found != 0
            if found < 0:
                reversals.append(Reversal(runs=(i, j), rows=(a, b)))
    return Repeated(comparisons=compared, reversals=tuple(reversals))


def told_apart(run: Run, a: str, b: str) -> int:
    """Order two rows as a report does."""
    return (a in run.slower_than[b]) - (b in run.slower_than[a])


def by_median(run: Run, a: str, b: str) -> int:
    """Order two rows by their medians alone, if these are further apart than the noise floor."""
    ratio = run.p50_us[b] / run.p50_us[a]
    return (ratio > run.noise_floor) - (1 / ratio > run.noise_floor)


def measure_repeatability(bundle: Path, *, runs: int, seconds: float, rounds: int = ROUNDS) -> Repeatability:
    """Measure a bundle's variants several times, each under two names, on its golden images.

    Args:
        bundle: The bundle's folder.
        runs: Number of runs.
        seconds: Of each name, in every run.
        rounds: In each run.

    Raises:
        EdgeproofError: The bundle is missing or broken, or none of its variants can run.
    """
    environment = describe_environment()
    manifest = read_manifest(bundle)
    images: NDArray[np.uint8] = read_golden(bundle, manifest).inputs
    running, *_ = benchmark_targets(bundle, manifest)
    found: list[Run] = []
    for number in range(runs):
        timed = {
            (one.title, name): TimedEngine(partial(one.load, 1), images, manifest.image, manifest.preprocessing)
            for one in running
            for name in _NAMES
        }
        turns = measure(timed, seconds=seconds, rounds=rounds, seed=number)
        found.append(summarize({key: [[turn.run for turn in one] for one in taken] for key, taken in turns.items()}))
    return Repeatability(
        environment=environment,
        runs=tuple(found),
        told_apart=compare_runs(found, told_apart),
        by_median=compare_runs(found, by_median),
    )


@one_line_errors
def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print the figures, and return 1 if a file was found different from itself or an order changed."""
    parser = argparse.ArgumentParser(prog="python -m studies.repeatability", description=__doc__)
    parser.add_argument("bundle", type=Path, help="a bundle's folder")
    parser.add_argument("--runs", type=positive, default=5, help="number of runs (default: 5)")
    parser.add_argument("--seconds", type=seconds, default=1.0, help="of each name in every run (default: 1)")
    parser.add_argument("--json", type=Path, help="write the figures to this file as well")
    options = parser.parse_args(arguments)
    found = measure_repeatability(options.bundle, runs=options.runs, seconds=options.seconds)
    for number, run in enumerate(found.runs, start=1):
        rows = ", ".join(f"{row.partition(' ')[0]} {p50:.1f}" for row, p50 in run.p50_us.items())
        different = ", ".join(run.called_different) or "none"
        sys.stdout.write(
            f"run {number}: noise floor {(run.noise_floor - 1) * 100:.1f} %; called different from itself: "
            f"{different}; p50 in us: {rows}\n"
        )
    for words, order in (("told apart", found.told_apart), ("by the medians alone", found.by_median)):
        sys.stdout.write(
            f"{words}: {len(order.reversals)} of {order.comparisons} pairs changed places between two runs\n"
        )
    if options.json is not None:
        write_json(asdict(found), options.json)
    return int(bool(found.told_apart.reversals) or any(run.called_different for run in found.runs))


if __name__ == "__main__":
    sys.exit(main())
