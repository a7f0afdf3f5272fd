"""Statistics of latencies: percentiles, ratios, ranks.

Runs that follow each other are alike: whatever slows one down slows its neighbours down. Intervals therefore count
rounds, which lie seconds apart, and not runs. They come from the ranks of the rounds' medians and suppose no
distribution; where rounds are alike as well they are a little too narrow.
"""

from collections.abc import Mapping, Sequence
from math import exp, log

import numpy as np
from numpy.typing import NDArray

from .scipy_modules import import_scipy
from .types import Distribution, Ratio

# At once: what is measured must not be lost for want of memory later.
_stats = import_scipy("stats")

# Of the intervals that are printed.
CONFIDENCE = 0.95
# Of the interval that decides whether two are different: a report of 10 rows makes 45 comparisons.
DECISION = 0.999

# Nanoseconds of the runs of each repetition, int64, in a list for each round; no repetition is empty.
Rounds = Sequence[Sequence[NDArray[np.int64]]]


def distribution(rounds: Rounds) -> Distribution:
    """Summarize all runs of a model; every repetition weighs the same."""
    turns = [turn for one in rounds for turn in one]
    runs = np.concatenate(turns) / 1000
    weights = np.concatenate([np.full(len(turn), 1 / len(turn)) for turn in turns])
    quantiles = np.percentile(runs, (0, 50, 90, 99, 99.9, 100), weights=weights, method="inverted_cdf")
    low, p50, p90, p99, p999, high = quantiles.tolist()
    end_low, end_high = _median_interval([median / 1000 for median in round_medians(rounds)], CONFIDENCE)
    return Distribution(
        runs=len(runs),
        min_us=low,
        p50_us=p50,
        # The median of runs can be a little beside the medians of the rounds.
        p50_low_us=min(end_low, p50),
        p50_high_us=max(end_high, p50),
        p90_us=p90,
        p99_us=p99 if len(runs) >= 100 else None,
        p999_us=p999 if len(runs) >= 1000 else None,
        max_us=high,
    )


def ratio(rounds: Rounds, others: Rounds, floor: float = 1.0) -> Ratio:
    """Return how many times as long one model takes as another one in the same rounds, with its 95 % interval.

    What is within `floor`, the run's noise floor, is a tie.
    """
    logs = _log_ratios(rounds, others)
    low, high = _median_interval(logs, CONFIDENCE)
    middle = float(np.median(logs))
    return Ratio(value=exp(middle), low=exp(low), high=exp(high), tie=low <= 0 <= high or abs(middle) <= log(floor))


def noise_floor(models: Mapping[str, Rounds]) -> float:
    """Return how far apart two measurements of the same file can be in this run, as a ratio of 1 or more.

    In every round a model's first repetition is compared with its second. The floor is the largest end of the 95 %
    intervals of these ratios, over all models.
    """
    floor = 0.0
    for rounds in models.values():
        logs = [log(float(np.median(first)) / float(np.median(second))) for first, second in rounds]
        floor = max(floor, *(abs(end) for end in _median_interval(logs, CONFIDENCE)))
    return exp(floor)


def is_faster(rounds: Rounds, others: Rounds, floor: float) -> bool:
    """Tell whether a model is faster than another one by more than the run's noise.

    It is if the median ratio is beyond the noise floor, and the 99.9 % interval of that ratio holds no tie.
    """
    logs = _log_ratios(rounds, others)
    found = _stats.quantile_test(logs, p=0.5).confidence_interval(DECISION)
    # Too few rounds give no such interval, and show no difference.
    return float(np.median(logs)) < -log(floor) and bool(found.high < 0)


def slower_than(rounds: Rounds, others: Mapping[str, Rounds], floor: float) -> tuple[str, ...]:
    """Return the names of the other models that are faster; see `is_faster`."""
    return tuple(name for name, faster in others.items() if faster is not rounds and is_faster(faster, rounds, floor))


def round_medians(rounds: Rounds) -> list[float]:
    """Return the median of all runs of each round, in nanoseconds."""
    return [float(np.median(np.concatenate(turns))) for turns in rounds]


def _log_ratios(rounds: Rounds, others: Rounds) -> list[float]:
    return [log(one / other) for one, other in zip(round_medians(rounds), round_medians(others), strict=True)]


def _median_interval(values: Sequence[float], confidence: float) -> tuple[float, float]:
    """Return the interval of the values' median from their ranks; the whole range where there are too few values."""
    found = _stats.quantile_test(values, p=0.5).confidence_interval(confidence)
    low, high = float(found.low), float(found.high)
    return (min(values) if np.isnan(low) else low), (max(values) if np.isnan(high) else high)
