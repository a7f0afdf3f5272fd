"""Who is faster than whom, in words: what is within the run's noise is a tie."""

from .naming import row_name
from .numbers import UNKNOWN, count, duration
from .report import Report


def ranks(report: Report, threads: int) -> list[tuple[int, list[str]]]:
    """Return each rank with the names of those that share it, the fastest first."""
    found: dict[int, list[tuple[float, str]]] = {}
    for row in report.rows:
        if (timing := row.timing(threads)) is not None:
            found.setdefault(timing.rank, []).append((timing.run.p50_us, row_name(report, row)))
    return [(rank, [name for _, name in sorted(named)]) for rank, named in sorted(found.items())]


def noise(report: Report, threads: int) -> str:
    """Say how large the noise floor is, in one sentence."""
    ratio = next((floor.ratio for floor in report.noise_floors if floor.threads == threads), None)
    percent = UNKNOWN if ratio is None else f"{(ratio - 1) * 100:.1f}\N{NO-BREAK SPACE}%"
    return (
        f"With {count(threads, 'thread')}, two measurements of the very same file can be {percent} apart: "
        "the noise floor. Differences within it are ties."
    )


def ties(report: Report, threads: int) -> str:
    """Say which variants are fastest and which cannot be told apart; empty where latency was not measured."""
    ranked = ranks(report, threads)
    if not ranked:
        return ""
    first = ranked[0][1]
    p50 = min(timing.run.p50_us for row in report.rows if (timing := row.timing(threads)) is not None)
    fastest = f"Fastest: {_listed(first)}{', tied,' if len(first) > 1 else ''} with a median of {duration(p50)}."
    others = [_listed(names) for _, names in ranked[1:] if len(names) > 1]
    return fastest + (f" Tied with each other: {'; '.join(others)}." if others else "")


def _listed(names: list[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
