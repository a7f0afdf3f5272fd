import numpy as np
import pytest
from edgeproof.inspection.explain.scales import ChannelScales

RNG = np.random.default_rng(0)


def scales_of(expected: np.ndarray, found: np.ndarray, axis: int = -1) -> np.ndarray | None:
    scales = ChannelScales(axis)
    scales.add(expected.astype(np.float32), found.astype(np.float32))
    return scales.factors(expected.ndim)


@pytest.mark.parametrize("axis", [1, -1])
def test_powers_of_two_are_found_through_noise(axis: int) -> None:
    expected = RNG.normal(size=(1, 5, 5, 5))
    factors = np.array([1, 8, 0.25, 1, 2.0**-6])
    shape = (1, 5, 1, 1) if axis == 1 else (1, 1, 1, 5)
    found = (expected + 0.1 * RNG.normal(size=expected.shape)) * factors.reshape(shape)
    np.testing.assert_array_equal(scales_of(expected, found, axis), factors.reshape(shape))


def test_flat_tensors_have_their_channels_last() -> None:
    expected = RNG.normal(size=(20, 3))
    np.testing.assert_array_equal(scales_of(expected, expected * [1, 4, 1], 1), [[1, 4, 1]])


@pytest.mark.parametrize("fault", ["equal", "clipped", "zero", "noise", "not a power"])
def test_faults_are_no_equalization(fault: str) -> None:
    expected = RNG.normal(size=(1, 9, 9, 4))
    found = {
        "equal": expected,
        "clipped": np.clip(expected, -0.2, 0.2),
        "zero": np.zeros_like(expected),
        "noise": RNG.normal(size=expected.shape),
        "not a power": expected * 1.4,
    }[fault]
    assert scales_of(expected, found) is None
