from dataclasses import replace

import numpy as np
import pytest
import tensorflow as tf
from edgeproof.train.augmentation.affine import AMOUNTS, affine, random_amounts
from edgeproof.train.augmentation.changes import changed, changes_images, describe_changes, random_changes
from edgeproof.train.options import FitOptions

SEED = tf.constant([1, 3], tf.int64)
STILL = FitOptions(augmentation=0.0)
ALL = FitOptions(flip=True, crop=0.5, colour=0.3)
EACH = [{"flip": True}, {"crop": 0.5}, {"colour": 0.3}, {"crop": 0.5, "crop_ratio": 1.2}, {"augmentation": 0.5}]


@pytest.fixture
def images() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (40, 12, 16, 3)).astype(np.uint8)


def shown(images: np.ndarray, options: FitOptions) -> np.ndarray:
    return changed(tf.constant(images), random_changes(len(images), SEED, options), options).numpy()


def test_without_the_options_images_are_bit_by_bit_what_they_were(images: np.ndarray) -> None:
    """So that the same seed gives the weights that it gave before there were such options."""
    amounts = random_amounts(40, SEED)
    np.testing.assert_array_equal(random_changes(40, SEED, FitOptions(augmentation=0.5)), amounts)
    np.testing.assert_array_equal(
        shown(images, FitOptions(augmentation=0.5)), affine(tf.constant(images), amounts * 0.5)
    )
    np.testing.assert_array_equal(shown(images, STILL), images)
    assert describe_changes(FitOptions()) == "1.0 (10.0, 0.1, 0.07142857142857142)"
    assert not changes_images(STILL)


@pytest.mark.parametrize("option", EACH)
def test_each_option_changes_images_and_their_description(images: np.ndarray, option: dict[str, object]) -> None:
    options = replace(STILL, **option)  # type: ignore[arg-type]
    assert changes_images(options)
    assert describe_changes(options) != describe_changes(STILL)
    assert not np.array_equal(shown(images, options), images)


def test_a_mirrored_image_is_exactly_that(images: np.ndarray) -> None:
    found = shown(images, replace(STILL, flip=True))
    mirrored = [np.array_equal(one, image[:, ::-1]) for one, image in zip(found, images, strict=True)]
    as_it_was = [np.array_equal(one, image) for one, image in zip(found, images, strict=True)]
    assert all(one != other for one, other in zip(mirrored, as_it_was, strict=True))
    assert 10 < sum(mirrored) < 30


def test_a_crop_shows_its_window_enlarged() -> None:
    """On a ramp, a pixel's value is its place; at the border the ramp ends."""
    ramp = np.tile(np.arange(0, 160, 10, np.uint8)[None, :, None], (12, 1, 3))[None]
    options = replace(STILL, crop=0.25, crop_ratio=1.0)
    amounts = np.zeros((1, random_changes(1, SEED, options).shape[1]), np.float32)
    amounts[0, AMOUNTS : AMOUNTS + 4] = (1, 0, -1, -1)  # a quarter of the area, top left
    row = changed(tf.constant(ramp), tf.constant(amounts), options).numpy()[0, 0, :, 0]
    np.testing.assert_allclose(row, np.maximum((np.arange(16) + 0.5) / 2 - 0.5, 0) * 10, atol=1e-3)


def test_a_crop_with_no_affine_change_drawn_is_the_crop_alone(images: np.ndarray) -> None:
    options = replace(STILL, crop=0.5, flip=True)
    amounts = random_changes(40, SEED, options).numpy()
    amounts[:, :AMOUNTS] = 0
    alone = changed(tf.constant(images), tf.constant(amounts), options).numpy()
    both = changed(tf.constant(images), tf.constant(amounts), replace(options, augmentation=1.0)).numpy()
    np.testing.assert_allclose(alone[:, 1:-1, 1:-1], both[:, 1:-1, 1:-1], atol=1e-2)


def test_another_option_does_not_change_what_is_drawn() -> None:
    alone, among = random_changes(40, SEED, replace(STILL, crop=0.5)), random_changes(40, SEED, ALL)
    np.testing.assert_array_equal(alone, among)


def test_all_amounts_are_independent_of_each_other() -> None:
    drawn = random_changes(20_000, SEED, ALL).numpy()
    assert np.abs(np.corrcoef(drawn.T) - np.eye(drawn.shape[1])).max() < 0.03
    # From one stream, half of them would be the same numbers.
    assert np.isin(drawn[:, :AMOUNTS], drawn[:, AMOUNTS:]).mean() < 0.1
    other = random_changes(20_000, tf.constant([2, 3], tf.int64), ALL).numpy()
    assert np.abs(np.corrcoef(drawn.T, other.T)[: drawn.shape[1], drawn.shape[1] :]).max() < 0.03
