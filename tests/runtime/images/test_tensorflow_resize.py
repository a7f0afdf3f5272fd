"""Equality with `tf.image.resize`, to the last bit."""

import numpy as np
import pytest
from edgeproof.runtime.images.resize import resize
from edgeproof.runtime.images.tensorflow_resize import resize_as_tensorflow

pytestmark = pytest.mark.tensorflow


@pytest.mark.parametrize("interpolation", ["bilinear", "nearest"])
def test_values_are_tensorflows_to_the_last_bit(interpolation: str) -> None:
    import tensorflow as tf

    rng = np.random.default_rng(0)
    for height, width, new_height, new_width in rng.integers(1, 130, (80, 4)).tolist():
        batch = rng.integers(0, 256, (1, height, width, 3), np.uint8)
        expected = tf.image.resize(batch, (new_height, new_width), method=interpolation).numpy()
        found = resize_as_tensorflow(batch, new_height, new_width, interpolation)
        assert found.dtype == expected.dtype
        np.testing.assert_array_equal(found, expected)


def test_bytes_are_rounded_and_floats_are_not() -> None:
    batch = np.array([0, 1, 2, 3], np.uint8).reshape(1, 2, 2, 1)
    options = {"interpolation": "bilinear", "antialias": False, "arithmetic": "tensorflow"}
    whole, parts = (resize(batch.astype(dtype), 1, 1, **options) for dtype in (np.uint8, np.float32))  # type: ignore[arg-type]
    assert (whole.item(), whole.dtype, parts.item(), parts.dtype) == (2, np.uint8, 1.5, np.float32)


def test_edgeproofs_own_nearest_pixels_are_others_where_a_place_is_halfway() -> None:
    """Why the arithmetic must be said: few sizes differ, but some do."""
    rng = np.random.default_rng(0)
    different = 0
    for size, wanted in rng.integers(1, 400, (400, 2)).tolist():
        row = np.arange(size, dtype=np.float32).reshape(1, 1, size, 1)
        own = resize(row, 1, wanted, interpolation="nearest", antialias=False)
        different += not np.array_equal(own, resize_as_tensorflow(row, 1, wanted, "nearest"))
    assert 0 < different < 40
