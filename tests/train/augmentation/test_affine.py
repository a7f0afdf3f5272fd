import numpy as np
import pytest
import tensorflow as tf
from edgeproof.train.augmentation import affine as augmentation
from edgeproof.train.augmentation.affine import AMOUNTS, affine, random_amounts

ROTATION, ZOOM, RIGHT, DOWN = range(AMOUNTS)


def blob(size: int = 28) -> np.ndarray:
    """A soft spot right of the centre."""
    y, x = np.mgrid[:size, :size]
    return (255 * np.exp(-((x - size * 0.65) ** 2 + (y - size * 0.4) ** 2) / 8)).astype(np.float32)


def centre(image: np.ndarray) -> np.ndarray:
    y, x = np.mgrid[: image.shape[0], : image.shape[1]]
    return np.array([(x * image).sum() / image.sum(), (y * image).sum() / image.sum()])


def changed(**amounts: float) -> np.ndarray:
    """The centre of the spot, from the image's, after a change."""
    row = np.zeros((1, AMOUNTS), np.float32)
    for name, amount in amounts.items():
        row[0, globals()[name.upper()]] = amount
    return centre(affine(tf.constant(blob()[None, ..., None]), tf.constant(row)).numpy()[0, :, :, 0]) - 13.5


BEFORE = centre(blob()) - 13.5


def test_without_any_amount_nothing_changes() -> None:
    images = np.random.default_rng(0).integers(0, 256, (5, 28, 28, 1)).astype(np.float32)
    still = affine(tf.constant(images), tf.zeros((5, AMOUNTS))).numpy()
    np.testing.assert_allclose(still, images, atol=1e-2)


def test_a_seed_repeats_and_another_differs() -> None:
    one, again, other = (random_amounts(7, tf.constant([1, number], tf.int64)).numpy() for number in (3, 3, 4))
    np.testing.assert_array_equal(one, again)
    assert not np.array_equal(one, other)


def test_amounts_fill_their_range_independently_of_each_other() -> None:
    drawn = random_amounts(20_000, tf.constant([1, 2], tf.int64)).numpy()
    assert np.abs(drawn).max() <= 1
    assert (np.abs(drawn).max(axis=0) > 0.99).all()
    assert np.abs(np.corrcoef(drawn.T) - np.eye(AMOUNTS)).max() < 0.03


def test_a_full_shift_moves_by_the_limit() -> None:
    pixels = augmentation.MAX_SHIFT * 28
    np.testing.assert_allclose(changed(right=1), BEFORE - [pixels, 0], atol=0.05)
    np.testing.assert_allclose(changed(down=-0.5), BEFORE - [0, -pixels / 2], atol=0.05)


def test_a_full_rotation_turns_by_the_limit_about_the_centre() -> None:
    after = changed(rotation=1)
    assert np.hypot(*after) == pytest.approx(np.hypot(*BEFORE), abs=0.05)
    turned = np.degrees(np.arctan2(*after[::-1]) - np.arctan2(*BEFORE[::-1]))
    assert abs(turned) == pytest.approx(augmentation.MAX_ROTATION_DEGREES, abs=0.3)


def test_a_full_zoom_scales_by_the_limit_about_the_centre() -> None:
    np.testing.assert_allclose(changed(zoom=1), BEFORE / (1 + augmentation.MAX_ZOOM), atol=0.05)


def test_the_range_and_shape_stay() -> None:
    images = np.random.default_rng(0).integers(0, 256, (5, 20, 30, 3)).astype(np.uint8)
    result = affine(tf.constant(images), random_amounts(5, tf.constant([1, 2], tf.int64))).numpy()
    assert (result.shape, result.dtype) == (images.shape, np.float32)
    assert result.min() >= 0
    assert result.max() <= 255
