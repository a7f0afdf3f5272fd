"""Is the same file ever called different from itself, and does a ranking come out the same again?

    python -m studies.repeatability runs/demo/bundle

Every run measures each variant under two names. Between these no difference may be found; and of two variants that are
told apart, the same one must be faster in every run.
"""

import argparse
import json
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
from edgeproof.device.environment import describe_environment
from edgeproof.metrics.latency import Rounds, distribution, is_faster, noise_floor, slower_than
from edgeproof.runtime.bundle.golden import read_golden
from edgeproof.runtime.bundle.reader import read_manifest
from edgeproof.runtime.errors import EdgeproofError
from numpy.typing import NDArray

_NAMES = ("a", "b")
# A row's title and which of its two names it is.
Key = tuple[str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """One run.

    Attributes:
        noise_floor: As a ratio.
        p50_us: The median latency of every row, under its first name.
        slower_than: For each row those that were found to be faster, under their first names.
        called_different: Rows that were called different from themselves.
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
    """How often an order of two rows came out again.

    Attributes:
        comparisons: How often two rows had an order in each of two runs.
        reversals: Those comparisons in which it was not the same.
    """

    comparisons: int
    reversals: tuple[Reversal, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Repeatability:
    """What several runs in a row showed.

    Attributes:
        environment: The machine.
        runs: In their order.
        told_apart: Of rows of which one was found to be faster.
        by_median: Of rows whose medians alone were further apart than the noise floor.
    """

    environment: Mapping[str, Any]
    runs: tuple[Run, ...]
    told_apart: Repeated
    by_median: Repeated


def summarize(taken: Mapping[Key, Rounds]) -> Run:
    """Judge one run.

    Args:
        taken: Nanoseconds of the runs, turn by turn and round by round, by row and name.
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


def compare(runs: Sequence[Run], order: Callable[[Run, str, str], int]) -> Repeated:
    """Compare the order of every two rows between every two runs.

    Args:
        runs: In their order.
        order: Says of two rows in a run which is the faster one: -1, 1, or 0 where that is not clear.
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
        runs: How often.
        seconds: Of each name, in every run.
        rounds: In each run.

    Raises:
        EdgeproofError: The bundle is missing or broken, or none of its variants can be run.
    """
    environment = describe_environment()
    manifest = read_manifest(bundle)
    images: NDArray[np.uint8] = read_golden(bundle, manifest).inputs
    running, _ = benchmark_targets(bundle, manifest)
    found: list[Run] = []
    for number in range(runs):
        subjects = {
            (one.title, name): TimedEngine(partial(one.load, 1), images, manifest.image, manifest.preprocessing)
            for one in running
            for name in _NAMES
        }
        turns = measure(subjects, seconds=seconds, rounds=rounds, seed=number)
        found.append(summarize({key: [[turn.run for turn in one] for one in taken] for key, taken in turns.items()}))
    return Repeatability(
        environment=environment,
        runs=tuple(found),
        told_apart=compare(found, told_apart),
        by_median=compare(found, by_median),
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print what was found, and return 1 if a file was called different or two changed places."""
    parser = argparse.ArgumentParser(prog="python -m studies.repeatability", description=__doc__)
    parser.add_argument("bundle", type=Path, help="a bundle's folder")
    parser.add_argument("--runs", type=int, default=5, help="how often (default: 5)")
    parser.add_argument("--seconds", type=float, default=1.0, help="of each name in every run (default: 1)")
    parser.add_argument("--json", type=Path, help="write the figures to this file as well")
    options = parser.parse_args(arguments)
    try:
        found = measure_repeatability(options.bundle, runs=options.runs, seconds=options.seconds)
    except EdgeproofError as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
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
        options.json.write_text(json.dumps(asdict(found), indent=2) + "\n", encoding="utf-8")
    return int(bool(found.told_apart.reversals) or any(run.called_different for run in found.runs))


if __name__ == "__main__":
    sys.exit(main())
