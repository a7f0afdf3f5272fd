import numpy as np
import pytest
from edgeproof.inspection.explain.measures import Noise, Spread, decibels
from edgeproof.metrics.explanation import EXACT_DB

RNG = np.random.default_rng(0)


def test_the_ratio_over_all_numbers_hides_small_channels_and_the_median_does_not() -> None:
    expected = RNG.normal(size=(1, 5, 5, 8)).astype(np.float32)
    expected[..., 0] *= 100
    found = expected + np.float32(0.5) * np.sign(RNG.normal(size=expected.shape)).astype(np.float32)
    noise = Noise(-1)
    noise.add(expected, found)
    assert noise.snr_db == pytest.approx(10 * np.log10((expected**2).sum() / 50), abs=0.01)
    assert noise.snr_db > 30
    assert noise.channel_snr_db is not None
    assert 0 < noise.channel_snr_db < 10


def test_channels_stand_where_the_format_has_them() -> None:
    expected = np.ones((1, 6, 3, 3), np.float32)
    found = expected.copy()
    found[:, 0] = 3  # one channel of six is wrong
    first, last = Noise(1), Noise(-1)
    first.add(expected, found)
    last.add(expected, found)
    assert first.channel_snr_db == EXACT_DB
    assert last.channel_snr_db == last.snr_db == pytest.approx(decibels(54, 36))


def test_equality_and_silence_have_no_logarithm() -> None:
    noise = Noise(-1)
    assert noise.snr_db is noise.channel_snr_db is None
    noise.add(np.ones((2, 2), np.float32), np.ones((2, 2), np.float32))
    assert noise.snr_db == EXACT_DB
    assert decibels(0, 1) == -EXACT_DB
    assert decibels(1, np.inf) == -EXACT_DB


def test_infinite_numbers_of_the_original_do_not_count() -> None:
    noise = Noise(-1)
    noise.add(np.array([[-np.inf, 2.0]], np.float32), np.array([[-np.inf, 1.0]], np.float32))
    assert noise.snr_db == pytest.approx(decibels(4, 1))


def test_spread_range_and_clipped_share() -> None:
    values = np.ones((1, 10, 10, 5), np.float32)
    values[..., 1] = -20
    values[..., 4] = 0  # never used
    values[0, 0, 0, 0] = 9
    spread = Spread(-1, low=-10.0, high=10.0)
    assert spread.range is spread.channels is spread.clipped is spread.tail is None
    spread.add(values)
    spread.add(values / 2)
    assert spread.range == (-20, 9)
    assert spread.channels == pytest.approx(20 / ((9 + 1) / 2))
    assert spread.clipped == pytest.approx(100 / 1000)
    assert spread.tail == pytest.approx(1.0)
    assert Spread(-1).clipped is None


def test_a_rare_number_is_a_tail() -> None:
    values = np.ones((1, 200, 200, 1), np.float32)
    values[0, 7, 7, 0] = 1000
    spread = Spread(-1)
    spread.add(values)
    assert spread.tail == pytest.approx(1000)
