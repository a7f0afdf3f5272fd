import numpy as np
import pytest
from edgeproof.benchmarks.latency.interleaved import ROUNDS
from edgeproof.metrics.latency import (
    DECISION,
    distribution,
    is_faster,
    noise_floor,
    ratio,
    round_medians,
    slower_than,
)


def simulated(draw: np.random.Generator, microseconds: float, drift: np.ndarray) -> list[list[np.ndarray]]:
    """Rounds on a machine whose speed drifts, where each loading has its own luck and one run in a hundred is long.

    In every third turn a neighbour takes a third of the speed away.
    """
    runs = 20

    def turn(speed: float) -> np.ndarray:
        level = microseconds * speed * draw.lognormal(0, 0.03) * (1.4 if draw.random() < 1 / 3 else 1)
        times = level * draw.lognormal(0, 0.05, runs) * np.where(draw.random(runs) < 0.01, 20, 1)
        return (times * 1000).astype(np.int64)

    return [[turn(speed), turn(speed)] for speed in drift]


def steady(nanoseconds: int, rounds: int = ROUNDS) -> list[list[np.ndarray]]:
    return [[np.array([nanoseconds])] * 2] * rounds


def drifting(draw: np.random.Generator) -> np.ndarray:
    return np.exp(np.cumsum(draw.normal(0, 0.05, ROUNDS)))


def in_rounds(samples: np.ndarray) -> list[list[np.ndarray]]:
    """The samples in 20 rounds of two turns."""
    return [np.array_split(part, 2) for part in np.array_split(np.asarray(samples), 20)]


def test_percentiles_are_those_of_all_samples() -> None:
    samples = np.random.default_rng(0).permutation(np.arange(1, 10_002)) * 1000
    found = distribution(in_rounds(samples))
    assert found.runs == 10_001
    quantiles = (found.min_us, found.p50_us, found.p90_us, found.p99_us, found.p999_us, found.max_us)
    assert quantiles == pytest.approx((1, 5001, 9001, 9901, 9991, 10_001), rel=1e-12)
    assert found.p50_low_us < found.p50_us < found.p50_high_us


def test_quantiles_of_a_known_distribution_are_found() -> None:
    samples = np.random.default_rng(1).exponential(100_000, 200_000).astype(np.int64)
    found = distribution(in_rounds(samples))
    for share, quantile in ((0.5, found.p50_us), (0.9, found.p90_us), (0.99, found.p99_us), (0.999, found.p999_us)):
        assert quantile == pytest.approx(-100 * np.log(1 - share), rel=0.05)


def test_an_outlier_is_not_removed() -> None:
    assert distribution(in_rounds(np.array([1000] * 99 + [9_000_000]))).max_us == 9000


@pytest.mark.parametrize(("runs", "p99", "p999"), [(99, False, False), (100, True, False), (1000, True, True)])
def test_a_percentile_that_few_runs_cannot_show_is_left_out(runs: int, p99: bool, p999: bool) -> None:
    found = distribution(in_rounds(np.arange(1, runs + 1)))
    assert (found.p99_us is not None, found.p999_us is not None) == (p99, p999)


def test_rounds_have_the_medians_of_their_two_turns() -> None:
    rounds = [[np.array([1, 2]), np.array([3, 4, 5])], [np.array([10]), np.array([20])]]
    assert round_medians(rounds) == [3, 15]


def test_the_interval_of_the_median_covers_it_as_often_as_it_says() -> None:
    """Where runs of one turn are alike, an interval that counts runs would cover it far too seldom."""
    draw = np.random.default_rng(2)
    still = np.ones(ROUNDS)
    truth = np.median(round_medians(simulated(draw, 50, np.ones(20_000)))) / 1000
    found = [distribution(simulated(draw, 50, still)) for _ in range(400)]
    covered = [one.p50_low_us <= truth <= one.p50_high_us for one in found]
    assert 0.92 <= np.mean(covered) <= 0.99


def test_the_interval_of_a_ratio_covers_it_as_often_as_it_says() -> None:
    draw = np.random.default_rng(3)
    covered = []
    for _ in range(400):
        drift = drifting(draw)
        found = ratio(simulated(draw, 50, drift), simulated(draw, 40, drift))
        covered.append(found.low <= 1.25 <= found.high)
        assert found.low <= found.value <= found.high
    assert 0.92 <= np.mean(covered) <= 0.99


def test_drift_that_hits_all_alike_does_not_widen_a_ratio() -> None:
    draw = np.random.default_rng(4)
    drift = np.linspace(1, 4, ROUNDS)
    found = ratio(simulated(draw, 50, drift), simulated(draw, 50, drift))
    assert found.high / found.low < 1.2
    assert distribution(simulated(draw, 50, drift)).p50_high_us > 1.3 * 50 * 2


def test_the_same_file_under_two_names_is_never_called_different() -> None:
    """200 simulated runs; at a confidence of 99.9 % and beyond the noise floor none is expected."""
    draw = np.random.default_rng(5)
    for _ in range(200):
        drift = drifting(draw)
        a, b = simulated(draw, 15, drift), simulated(draw, 15, drift)
        floor = noise_floor({"a": a, "b": b})
        assert floor > 1
        assert not is_faster(a, b, floor)
        assert not is_faster(b, a, floor)


def test_a_difference_beyond_the_noise_is_found() -> None:
    draw = np.random.default_rng(6)
    found = []
    for _ in range(50):
        drift = drifting(draw)
        a, b = simulated(draw, 15, drift), simulated(draw, 19, drift)
        floor = noise_floor({"a": a, "b": b})
        assert not is_faster(b, a, floor)
        found.append(is_faster(a, b, floor))
    assert np.mean(found) > 0.9


def test_what_is_within_the_noise_floor_is_a_tie_however_sure() -> None:
    a, b = steady(1000), steady(1020)
    assert is_faster(a, b, 1.01)
    assert not is_faster(a, b, 1.03)


def test_few_rounds_show_no_difference() -> None:
    """Ten rounds cannot have an interval of 99.9 %, however far apart the subjects are."""
    assert 2 * 0.5**10 > 1 - DECISION > 2 * 0.5**11
    a, b = steady(1000, rounds=10), steady(9000, rounds=10)
    assert not is_faster(a, b, 1.0)


def test_the_noise_floor_is_that_of_the_noisiest_subject() -> None:
    quiet = steady(1000)
    noisy = [[np.array([1000]), np.array([1100])]] * ROUNDS
    assert noise_floor({"quiet": quiet}) == 1
    assert noise_floor({"quiet": quiet, "noisy": noisy}) == pytest.approx(1.1)


def test_each_subject_knows_those_that_are_faster() -> None:
    draw = np.random.default_rng(7)
    drift = drifting(draw)
    subjects = {name: simulated(draw, time, drift) for name, time in (("c", 90), ("a", 10), ("b", 10.05), ("d", 900))}
    floor = noise_floor(subjects)
    found = {name: set(slower_than(rounds, subjects, floor)) for name, rounds in subjects.items()}
    assert found == {"a": set(), "b": set(), "c": {"a", "b"}, "d": {"a", "b", "c"}}


def test_every_turn_weighs_the_same_however_many_runs_it_had_time_for() -> None:
    """On a machine that is slow in half of its turns, the fast ones have three times as many runs."""
    fast, slow = np.full(30, 1000), np.full(10, 3000)
    found = distribution([[fast, slow], [slow, fast], [slow, slow]])
    assert (found.p50_us, found.runs) == (3, 100)
    assert np.median(np.concatenate([fast, slow] * 2 + [slow, slow])) == 1000


def test_within_the_noise_floor_a_ratio_is_a_tie() -> None:
    rounds, others = steady(1020), steady(1000)
    assert not ratio(rounds, others).tie
    assert ratio(rounds, others, floor=1.05).tie
    assert ratio(others, others).tie
