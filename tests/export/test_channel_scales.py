"""The scales that bring the channels between two layers to one size."""

import numpy as np
import pytest
from edgeproof.export.channel_scales import balancing_exponents, channel_spread, multiply_inputs, multiply_outputs

RNG = np.random.default_rng(5)


def weights(*shape: int) -> np.ndarray:
    return RNG.uniform(0.5, 1, shape).astype(np.float32)


def own_channels(count: int) -> np.ndarray:
    return np.arange(count)


def test_the_spread_is_that_of_channels_that_are_alive() -> None:
    assert channel_spread(np.array([0.0, 0.0, 0.0, 2.0, 3.0, 60.0])) == 20
    assert channel_spread(np.zeros(3)) == 1


def test_a_planted_outlier_gets_its_factor_back() -> None:
    """A channel that is 64 times larger and of which the next layer reads a 64th."""
    largest, read = np.ones(8), weights(1, 4, 8, 9)
    largest[3] *= 64
    read[:, :, 3] /= 64
    found = balancing_exponents(largest, read, own_channels(8))
    assert found is not None
    assert found.tolist() == [0, 0, 0, 6, 0, 0, 0, 0]


def test_range_and_weight_share_a_channel_that_is_large_by_itself() -> None:
    largest = np.ones(8)
    largest[3] = 64
    found = balancing_exponents(largest, np.ones((1, 4, 8, 9), np.float32), own_channels(8))
    assert found is not None
    assert found.tolist() == [0, 0, 0, 3, 0, 0, 0, 0]


def test_a_depthwise_layer_lets_all_channels_become_of_one_size() -> None:
    largest = np.array([0.5, 1, 1, 1, 1, 64])
    found = balancing_exponents(largest, weights(6, 1, 1, 9), own_channels(6))
    assert found is not None
    assert (largest / 2.0**found).tolist() == [1] * 6


@pytest.mark.parametrize("shape", [(1, 4, 12, 1), (3, 2, 4, 9), (12, 2, 1, 9)])
def test_a_second_call_finds_nothing(shape: tuple[int, ...]) -> None:
    largest = RNG.lognormal(0, 2, 12)
    read = RNG.lognormal(0, 2, shape).astype(np.float32)
    found = balancing_exponents(largest, read, own_channels(12))
    assert found is not None
    multiply_inputs(read, np.exp2(found).astype(np.float32))
    assert channel_spread(largest / 2.0**found) < channel_spread(largest) / 2
    again = balancing_exponents(largest / 2.0**found, read, own_channels(12))
    assert again is None or np.abs(again).max() <= 1  # what rounding to powers of two has left


def test_scaled_outputs_change_nothing_for_the_inputs() -> None:
    """So a chain of layers has the same scales in every order."""
    largest, read = RNG.lognormal(0, 2, 12), RNG.lognormal(0, 2, (3, 2, 4, 9)).astype(np.float32)
    before = balancing_exponents(largest, read, own_channels(12))
    multiply_outputs(read, np.exp2(RNG.integers(-6, 6, 6)).astype(np.float32))
    np.testing.assert_array_equal(balancing_exponents(largest, read, own_channels(12)), before)


def test_all_inputs_that_read_a_channel_count() -> None:
    """As after a Flatten: of a channel's weights the largest at any position."""
    largest = np.array([1, 1, 1, 64.0])
    read = np.ones((1, 1, 8, 1), np.float32)
    read[0, 0, [3, 7], 0] = 1 / 64, 1 / 4
    found = balancing_exponents(largest, read, np.tile(np.arange(4), 2))
    assert found is not None
    assert found.tolist() == [0, 0, 0, 4]


def test_a_channel_that_was_always_zero_stays() -> None:
    """It may not be on other images."""
    largest = np.array([0, 1, 1, 1, 100.0])
    found = balancing_exponents(largest, weights(5, 1, 1, 1), own_channels(5))
    assert found is not None
    assert found[0] == 0


def test_a_channel_that_is_hardly_used_is_enlarged_by_no_more_than_shows() -> None:
    """Its range on other images is unknown."""
    largest = np.array([1e-30, 1, 1, 1, 100.0])
    found = balancing_exponents(largest, weights(5, 1, 1, 1), own_channels(5))
    assert found is not None
    assert found.min() >= -8


@pytest.mark.parametrize(
    "largest",
    [[1, 1, 1, 7.9], [0, 0, 0, 0.0], [1, 1, 1, np.inf], [np.nan, 1, 1, 90.0]],
    ids=["one size", "zeros", "infinity", "NaN"],
)
def test_nothing_is_done_where_nothing_calls_for_it(largest: list[float]) -> None:
    assert balancing_exponents(np.array(largest), weights(1, 3, 4, 1), own_channels(4)) is None


def test_weights_that_are_not_finite_are_left_alone() -> None:
    read = weights(1, 3, 4, 1)
    read[0, 0, 0, 0] = np.inf
    assert balancing_exponents(np.array([1, 1, 1, 64.0]), read, own_channels(4)) is None
