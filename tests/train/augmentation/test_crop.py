import numpy as np
import pytest
import tensorflow as tf
from edgeproof.train.augmentation.crop import AMOUNTS, window_transforms
from edgeproof.train.options import FitOptions

HEIGHT, WIDTH = 20, 40


def drawn(count: int = 5_000) -> tf.Tensor:
    return tf.random.stateless_uniform((count, AMOUNTS), [1, 2], -1.0, 1.0)


def windows(**options: object) -> np.ndarray:
    """The windows' left, right, top and bottom edges in pixels, and whether they are mirrored."""
    a, b, c, d = window_transforms(drawn(), FitOptions(**options), HEIGHT, WIDTH).numpy().T  # type: ignore[arg-type]
    (left, right), (top, bottom) = (
        (m * -0.5 + n + 0.5, m * (side - 0.5) + n + 0.5) for m, n, side in _sides(a, b, c, d)
    )
    return np.stack([np.minimum(left, right), np.maximum(left, right), top, bottom, a < 0])


def _sides(a: np.ndarray, b: np.ndarray, c: np.ndarray, d: np.ndarray) -> list[tuple[np.ndarray, np.ndarray, int]]:
    return [(a, b, WIDTH), (c, d, HEIGHT)]


def test_without_crops_every_pixel_stays_where_it_is() -> None:
    np.testing.assert_array_equal(
        window_transforms(drawn(), FitOptions(), HEIGHT, WIDTH), np.tile([1, 0, 1, 0], (5_000, 1))
    )


@pytest.mark.parametrize(("crop", "ratio"), [(0.25, 4 / 3), (0.9, 4 / 3), (0.5, 1.0), (0.08, 3.0)])
def test_windows_lie_in_the_image_and_have_the_areas_and_ratios_that_are_asked_for(crop: float, ratio: float) -> None:
    left, right, top, bottom, _ = windows(crop=crop, crop_ratio=ratio)
    for low, high, side in ((left, right, WIDTH), (top, bottom, HEIGHT)):
        assert low.min() > -1e-4
        assert high.max() < side + 1e-4
    width, height = (right - left) / WIDTH, (bottom - top) / HEIGHT
    assert (width * height).min() == pytest.approx(crop, abs=0.01)
    assert (width * height).mean() == pytest.approx((1 + crop) / 2, abs=0.01)
    assert (width / height).max() == pytest.approx(min(ratio, 1 / crop), rel=0.1)
    assert (width / height).max() <= ratio + 1e-4
    assert np.log(width / height).mean() == pytest.approx(0, abs=0.02)


def test_windows_are_everywhere() -> None:
    left, right, top, bottom, _ = windows(crop=0.25, crop_ratio=1.0)
    for low, room in ((left, WIDTH - (right - left)), (top, HEIGHT - (bottom - top))):
        places = (low / room)[room > 1]
        assert places.mean() == pytest.approx(0.5, abs=0.02)
        assert (places.min(), places.max()) == pytest.approx((0, 1), abs=0.01)


def test_half_of_the_images_are_mirrored_in_the_same_windows() -> None:
    plain, flipped = windows(crop=0.5), windows(crop=0.5, flip=True)
    assert not plain[4].any()
    assert flipped[4].mean() == pytest.approx(0.5, abs=0.02)
    np.testing.assert_allclose(flipped[:4], plain[:4], atol=1e-4)
