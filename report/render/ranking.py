"""The ranking by latency in words; within the run's noise variants tie."""

from ...runtime.text import count
from ..formatting import UNKNOWN, duration
from ..model import Report
from ..naming import row_name


def noise(report: Report, threads: int) -> str:
    """Say how large the noise floor is, in one sentence."""
    ratio = next((floor.ratio for floor in report.noise_floors if floor.threads == threads), None)
    percent = UNKNOWN if ratio is None else f"{(ratio - 1) * 100:.1f}\N{NO-BREAK SPACE}%"
    return (
        f"With {count(threads, 'thread')}, a file compared with itself over all rounds comes out up to {percent} "
        "apart: the noise floor. Smaller differences are ties."
    )


def fastest(report: Report, threads: int) -> str:
    """Say which variants nothing is faster than; empty where latency was not measured."""
    timed = [(row, timing) for row in report.rows if (timing := row.timing(threads)) is not None]
    if not timed:
        return ""
    best = min(timing.rank for _, timing in timed)
    first = sorted((timing.run.p50_us, row_name(report, row)) for row, timing in timed if timing.rank == best)
    tied = ", tied," if len(first) > 1 else ""
    return f"Fastest: {_listed([name for _, name in first])}{tied} with a median of {duration(first[0][0])}."


def _listed(names: list[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
