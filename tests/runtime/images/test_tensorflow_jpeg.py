"""Equality with TensorFlow's decoder, which is what the module is for."""

import io

import numpy as np
import pytest
from edgeproof.runtime.images.tensorflow_jpeg import as_decoded_fast, decode_fast

Image = pytest.importorskip("PIL.Image", reason="needs pillow")
from tests.helpers.image_zoo import encoded, jpegs, noise, resampled_jpeg  # noqa: E402  (needs it, too)

pytestmark = pytest.mark.tensorflow


def decoded(content: bytes, channels: int) -> np.ndarray:
    image = Image.open(io.BytesIO(content))
    decode_fast(image)
    image.load()
    pixels = np.asarray(as_decoded_fast(image, channels).convert("L" if channels == 1 else "RGB"))
    return pixels.reshape(*pixels.shape[:2], channels)


def by_tensorflow(content: bytes, channels: int) -> np.ndarray:
    import tensorflow as tf

    return tf.io.decode_image(content, channels=channels, expand_animations=False).numpy()


@pytest.mark.parametrize("channels", [1, 3])
def test_files_have_tensorflows_pixels(channels: int) -> None:
    for name, content in jpegs().items():
        np.testing.assert_array_equal(decoded(content, channels), by_tensorflow(content, channels), name)


@pytest.mark.parametrize("sampling", range(3))
def test_small_and_odd_sizes_have_them_too(sampling: int) -> None:
    for height in (1, 2, 3, 16, 17, 33, 64, 65, 130):
        for width in (1, 2, 3, 4, 5, 6, 7, 17):
            content = encoded(noise(height, width), "JPEG", subsampling=sampling)
            np.testing.assert_array_equal(decoded(content, 3), by_tensorflow(content, 3), str((height, width)))


@pytest.mark.parametrize(
    ("written", "factors", "taller", "wider"), [(1, 0x12, 2, 0.5), (2, 0x41, 0.5, 2), (2, 0x14, 2, 0.5)]
)
def test_rare_samplings_have_them_too(written: int, factors: int, taller: float, wider: float) -> None:
    content = encoded(noise(96, 64), "JPEG", subsampling=written)
    patched = resampled_jpeg(content, factors, int(96 * taller), int(64 * wider))
    assert by_tensorflow(patched, 3).shape == (96 * taller, 64 * wider, 3)
    np.testing.assert_array_equal(decoded(patched, 3), by_tensorflow(patched, 3))


def test_pillow_alone_gives_other_pixels() -> None:
    content = jpegs()["q100_0.jpg"]
    assert np.abs(np.asarray(Image.open(io.BytesIO(content))).astype(int) - by_tensorflow(content, 3)).max() > 5


def test_rgb_inside_is_left_to_pillow() -> None:
    content = encoded(noise(), "JPEG", keep_rgb=True, subsampling=0)
    image = Image.open(io.BytesIO(content))
    assert [layer[0] for layer in image.layer] == [*b"RGB"]  # type: ignore[attr-defined]
    np.testing.assert_allclose(decoded(content, 3).astype(int), by_tensorflow(content, 3), atol=5)


def test_other_images_and_decoded_ones_are_left_as_they_are() -> None:
    png = Image.open(io.BytesIO(encoded(noise(), "PNG")))
    decode_fast(png)
    assert as_decoded_fast(png, 3) is png
    loaded = Image.open(io.BytesIO(jpegs()["q30_0.jpg"]))
    loaded.draft(None, (20, 20))
    decode_fast(loaded)
    assert loaded.mode == "RGB"
