import numpy as np
import pytest
import tensorflow as tf
from edgeproof.train.augmentation.colour import AMOUNTS, recoloured
from PIL import Image, ImageEnhance

BRIGHTNESS, CONTRAST, SATURATION = range(AMOUNTS)


@pytest.fixture
def image() -> np.ndarray:
    return np.random.default_rng(0).integers(30, 220, (12, 12, 3)).astype(np.uint8)


def after(image: np.ndarray, *amounts: float) -> np.ndarray:
    return recoloured(tf.constant(image[None].astype(np.float32)), tf.constant([amounts])).numpy()[0]


@pytest.mark.parametrize(
    ("which", "enhanced"),
    [
        (BRIGHTNESS, ImageEnhance.Brightness),
        (CONTRAST, ImageEnhance.Contrast),
        (SATURATION, ImageEnhance.Color),
    ],
)
@pytest.mark.parametrize("amount", [-0.8, 0.3, 0.9])
def test_each_change_is_that_of_pillow(image: np.ndarray, which: int, enhanced: type, amount: float) -> None:
    amounts = [amount if one == which else 0.0 for one in range(AMOUNTS)]
    expected = np.asarray(enhanced(Image.fromarray(image)).enhance(1 + amount), np.float32)
    np.testing.assert_allclose(after(image, *amounts), expected, atol=2.0)  # Pillow rounds means and results


def test_without_amounts_nothing_changes(image: np.ndarray) -> None:
    np.testing.assert_allclose(after(image, 0.0, 0.0, 0.0), image, atol=1e-3)


def test_values_stay_in_range(image: np.ndarray) -> None:
    bright = after(image, 1.0, 1.0, 1.0)
    assert (bright.min(), bright.max()) == (0, 255)


def test_gray_images_have_no_saturation_to_change(image: np.ndarray) -> None:
    gray = image[..., :1]
    np.testing.assert_array_equal(after(gray, 0.2, 0.5, 0.9), after(gray, 0.2, 0.5, -0.9))
    assert not np.allclose(after(gray, 0.2, 0.5, 0.9), gray)
