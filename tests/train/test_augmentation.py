import numpy as np
import pytest
import tensorflow as tf
from edgeproof.train import augmentation
from edgeproof.train.augmentation import random_affine


@pytest.fixture
def still(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """No change at all, until a test raises one of the limits."""
    for limit in ("MAX_ROTATION_DEGREES", "MAX_ZOOM", "MAX_SHIFT"):
        monkeypatch.setattr(augmentation, limit, 0.0)
    return monkeypatch


def blob(size: int = 28) -> np.ndarray:
    """A soft spot right of the centre."""
    y, x = np.mgrid[:size, :size]
    return (255 * np.exp(-((x - size * 0.65) ** 2 + (y - size * 0.5) ** 2) / 8)).astype(np.float32)


def centre(image: np.ndarray) -> tuple[float, float]:
    y, x = np.mgrid[: image.shape[0], : image.shape[1]]
    return float((x * image).sum() / image.sum()), float((y * image).sum() / image.sum())


def changed(images: np.ndarray, seed: int = 1) -> np.ndarray:
    return random_affine(tf.constant(images), tf.constant(seed, tf.int64)).numpy()


@pytest.mark.usefixtures("still")
def test_without_any_freedom_nothing_changes() -> None:
    images = np.random.default_rng(0).integers(0, 256, (5, 28, 28, 1)).astype(np.float32)
    np.testing.assert_allclose(changed(images), images, atol=1e-2)


def test_a_seed_repeats_and_another_differs() -> None:
    images = np.repeat(blob()[None, ..., None], 4, axis=0)
    np.testing.assert_array_equal(changed(images, seed=3), changed(images, seed=3))
    assert not np.array_equal(changed(images, seed=3), changed(images, seed=4))


def test_every_image_gets_its_own_change() -> None:
    images = changed(np.repeat(blob()[None, ..., None], 8, axis=0))
    assert len(np.unique(images.reshape(8, -1), axis=0)) == 8


def test_shifts_stay_within_two_pixels_of_28(still: pytest.MonkeyPatch) -> None:
    still.setattr(augmentation, "MAX_SHIFT", 2 / 28)
    x, y = centre(blob())
    moves = [np.subtract(centre(image[..., 0]), (x, y)) for image in changed(np.repeat(blob()[None, ..., None], 64, 0))]
    assert np.abs(moves).max() <= 2.05
    assert np.abs(moves).max() > 1.5


def test_rotation_is_about_the_centre_and_within_its_limit(still: pytest.MonkeyPatch) -> None:
    still.setattr(augmentation, "MAX_ROTATION_DEGREES", 10.0)
    x, y = np.subtract(centre(blob()), 13.5)
    radius, angle = np.hypot(x, y), np.degrees(np.arctan2(y, x))
    for image in changed(np.repeat(blob()[None, ..., None], 64, 0)):
        dx, dy = np.subtract(centre(image[..., 0]), 13.5)
        assert np.hypot(dx, dy) == pytest.approx(radius, abs=0.1)
        assert abs(np.degrees(np.arctan2(dy, dx)) - angle) <= 10.5


def test_the_range_and_shape_stay() -> None:
    images = np.random.default_rng(0).integers(0, 256, (5, 20, 30, 3)).astype(np.uint8)
    result = changed(images)
    assert (result.shape, result.dtype) == (images.shape, np.float32)
    assert result.min() >= 0
    assert result.max() <= 255
