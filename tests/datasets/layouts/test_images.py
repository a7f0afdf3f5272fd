import numpy as np
import pytest
from edgeproof.datasets.layouts.images import ImageLayout, image_layout, read_pixels

LAYOUT = ImageLayout((4, 2, 2, 1))
PIXELS = np.arange(16.0).reshape(4, 2, 2)


@pytest.mark.parametrize(
    ("shape", "expected", "channels_first"),
    [
        ((9, 28, 20), (9, 28, 20, 1), False),
        ((9, 28, 20, 1), (9, 28, 20, 1), False),
        ((9, 28, 20, 3), (9, 28, 20, 3), False),
        ((9, 1, 28, 20), (9, 28, 20, 1), True),
        ((9, 3, 28, 20), (9, 28, 20, 3), True),
        ((9, 3, 28, 3), (9, 3, 28, 3), False),  # three rows of RGB, as it was always read
        ((9, 1, 28, 1), (9, 1, 28, 1), False),
    ],
)
def test_the_last_axis_is_preferred_for_channels(
    shape: tuple[int, ...], expected: tuple[int, ...], channels_first: bool
) -> None:
    assert image_layout(shape) == (expected, channels_first)


@pytest.mark.parametrize("shape", [(), (9,), (9, 784), (9, 28, 20, 4), (9, 2, 28, 20), (9, 1, 1, 28, 20), (0, 28, 20)])
def test_other_shapes_are_no_layout(shape: tuple[int, ...]) -> None:
    assert image_layout(shape) is None


def test_every_part_must_hold_pixels() -> None:
    for place in range(4):
        numbers = PIXELS.copy()
        numbers[place, 0, 0] += 0.5
        _, values = read_pixels(np.split(numbers, 4), LAYOUT)
        assert (values.whole, values.are_pixels, values.finite) == (False, False, True)


@pytest.mark.parametrize("number", [-1, 256, 255.5, 300, -0.5, 1e30, np.nan, np.inf])
def test_numbers_that_are_no_pixels_are_seen(number: float) -> None:
    numbers = PIXELS.copy()
    numbers[2, 1, 1] = number
    _, values = read_pixels(np.split(numbers, 2), LAYOUT)
    assert not values.are_pixels
    assert values.finite == np.isfinite(number)
    assert (values.low, values.high) == ((min(0, number), max(15, number)) if values.finite else (0, 15))


def test_the_range_is_that_of_all_parts() -> None:
    images, values = read_pixels(np.split(PIXELS, 4), LAYOUT)
    np.testing.assert_array_equal(images[..., 0], PIXELS)
    assert values == (0, 15, np.float64, True, True)
    assert read_pixels([np.full((4, 2, 2), np.nan)], LAYOUT)[1][:2] == (0, 0)
