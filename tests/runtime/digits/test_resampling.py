import numpy as np
import pytest
from edgeproof.runtime.digits.resampling import area_average, centres, interpolate, shrink


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_shrinking_averages_squares_and_what_is_left_of_them_at_the_end(dtype: type) -> None:
    picture = np.random.default_rng(1).integers(0, 256, (7, 11)).astype(dtype)
    small = shrink(picture, 3)
    expected = [[picture[y : y + 3, x : x + 3].mean() for x in range(0, 11, 3)] for y in range(0, 7, 3)]
    np.testing.assert_allclose(small, expected, rtol=1e-6)


def test_averaging_an_area_keeps_its_mass() -> None:
    picture = np.random.default_rng(1).random((13, 9), np.float32)
    averaged = area_average(picture, (-2.5, -1.25, 15.5, 10.0), (6, 5))
    assert averaged.sum() * (18 / 6) * (11.25 / 5) == pytest.approx(picture.sum(), rel=1e-5)


def test_averaging_over_each_pixel_itself_changes_nothing() -> None:
    picture = np.random.default_rng(1).random((6, 5), np.float32)
    np.testing.assert_array_equal(area_average(picture, (0, 0, 6, 5), (6, 5)), picture)


def test_interpolation_continues_a_slope_between_the_pixels_and_the_rim_beyond() -> None:
    slope = np.arange(5, dtype=np.float32)[np.newaxis] * 10
    found = interpolate(slope, np.array([0.5]), np.array([0.0, 0.5, 1.0, 3.25, 4.5, 5.0]))
    np.testing.assert_allclose(found, [[0, 0, 5, 27.5, 40, 40]])


def test_centres_lie_in_the_middle_of_their_pixels() -> None:
    np.testing.assert_allclose(centres(3, 2.0, 10.0), (11, 13, 15))
