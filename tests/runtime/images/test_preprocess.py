import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
from edgeproof.runtime.bundle.image_reading import ImageReading
from edgeproof.runtime.bundle.model_metadata import DIGIT as AS_DIGIT
from edgeproof.runtime.bundle.model_metadata import READINGS, RESIZE, ImageSpec, Preprocessing
from edgeproof.runtime.errors import InvalidFileError, SpecMismatchError
from edgeproof.runtime.images.preprocess import prepare

GRAY = ImageSpec(height=28, width=28, channels=1)
RGB = ImageSpec(height=4, width=6, channels=3)
DIGIT = np.arange(28 * 28, dtype=np.uint8).reshape(28, 28)


def to_pixels(images: object, spec: ImageSpec, value_range: object = None) -> np.ndarray:
    prepared = prepare(images, spec, RESIZE, value_range=value_range)  # type: ignore[arg-type]
    assert prepared.blank == ()
    return prepared.pixels


@pytest.mark.parametrize("images", [DIGIT, DIGIT[..., None], DIGIT[None], DIGIT[None, ..., None]])
def test_one_digit_in_any_form_is_the_same_batch(images: object) -> None:
    batch = to_pixels(images, GRAY)
    assert (batch.shape, batch.dtype) == ((1, 28, 28, 1), np.uint8)
    np.testing.assert_array_equal(batch[0, :, :, 0], DIGIT)


def test_a_batch_keeps_its_order() -> None:
    batch = to_pixels(np.stack([DIGIT, 255 - DIGIT]), GRAY)
    np.testing.assert_array_equal(batch[1, :, :, 0], 255 - DIGIT)


def test_no_images_are_an_empty_batch() -> None:
    assert to_pixels(np.zeros((0, 28, 28), np.uint8), GRAY).shape == (0, 28, 28, 1)


def test_floats_need_a_range() -> None:
    with pytest.raises(SpecMismatchError, match=r"float64 has no known range.*value_range=\(0, 1\)"):
        to_pixels(DIGIT / 255, GRAY)


def test_floats_with_a_range_become_0_to_255() -> None:
    batch = to_pixels(DIGIT / 127.5 - 1, GRAY, value_range=(-1, 1))
    np.testing.assert_allclose(batch[0, :, :, 0], DIGIT, atol=1e-4)


def test_a_range_is_not_for_bytes() -> None:
    with pytest.raises(SpecMismatchError, match="uint8 has the range 0-255"):
        to_pixels(DIGIT, GRAY, value_range=(0, 255))


@pytest.mark.needs("pillow")
def test_a_picture_is_shrunk_by_averages_in_height_and_width() -> None:
    stripes = np.zeros((8, 12), np.uint8)
    stripes[:, ::2] = 200  # every pair of columns has a mean of 100
    resized = to_pixels(stripes, ImageSpec(height=4, width=6, channels=1))
    assert resized.shape == (1, 4, 6, 1)
    assert np.abs(resized[:, :, 1:-1].astype(int) - 100).max() <= 25


@pytest.mark.parametrize(
    "value_range",
    [(1, 0), (0,), (0, 1, 2), 5, ("0", "b"), (0, float("inf")), (0, 10**400), (0, 1e-320), (-1e308, 1e308)],
)
def test_a_range_is_two_finite_numbers(value_range: object) -> None:
    with pytest.raises(SpecMismatchError, match="value_range must"):
        to_pixels(np.zeros((28, 28)), GRAY, value_range=value_range)  # type: ignore[arg-type]


@pytest.mark.parametrize("outside", [1.5, -0.1, np.nan])
def test_floats_outside_of_their_range_are_refused(outside: float) -> None:
    image = np.zeros((28, 28))
    image[3, 4] = outside
    with pytest.raises(SpecMismatchError, match="outside of value_range"):
        to_pixels(image, GRAY, value_range=(0, 1))


@pytest.mark.parametrize("shape", [(28,), (28, 28, 2), (28, 28, 2, 2), (2, 28, 28, 5), (1, 1, 28, 28, 1), (0, 28)])
def test_other_shapes_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(SpecMismatchError, match=r"is not an image; possible: \(H, W\)"):
        to_pixels(np.zeros(shape, np.uint8), GRAY)


@pytest.mark.needs("pillow")
def test_an_image_of_another_size_is_averaged_down() -> None:
    checkerboard = np.kron(DIGIT, np.ones((4, 4), np.uint8))
    batch = to_pixels(checkerboard, GRAY)
    # Far from edges between blocks the average of a block is its value.
    assert np.abs(batch[0, 1:-1, 1:-1, 0].astype(int) - DIGIT[1:-1, 1:-1]).mean() < 8


@pytest.mark.needs("pillow")
def test_a_resized_constant_stays_constant() -> None:
    assert np.unique(to_pixels(np.full((61, 47), 200, np.uint8), GRAY)).tolist() == [200]


def test_a_missing_file_is_named() -> None:
    with pytest.raises(InvalidFileError, match=r"no such image: nowhere\.png"):
        to_pixels("nowhere.png", GRAY)


def test_gray_arrays_become_three_equal_channels() -> None:
    batch = to_pixels(DIGIT[:4, :6], RGB)
    assert batch.shape == (1, 4, 6, 3)
    for channel in range(3):
        np.testing.assert_array_equal(batch[0, :, :, channel], DIGIT[:4, :6])


@pytest.mark.parametrize("ink", [0, 255])
@pytest.mark.parametrize("as_array", [pytest.param(False, marks=pytest.mark.needs("pillow")), True])
def test_ink_on_a_transparent_ground_is_seen_whatever_its_tone(ink: int, as_array: bool) -> None:
    drawn = np.zeros((60, 60, 4), np.uint8)
    drawn[:, :, :3] = ink
    drawn[10:50, 28:33, 3] = 255
    picture = drawn
    if not as_array:
        from PIL import Image

        picture = Image.fromarray(drawn)
    prepared = prepare(picture, GRAY, AS_DIGIT)
    assert prepared.blank == ()
    assert (prepared.pixels[0, 14, 14, 0] > 200, prepared.pixels[0, 0].max()) == (True, 0)


def test_an_array_with_alpha_is_drawn_on_white_for_other_models() -> None:
    clear = np.zeros((4, 6, 4), np.uint8)
    clear[..., 3] = 128
    assert np.unique(to_pixels(clear, RGB)).tolist() == [127]


def test_blank_pictures_are_named_by_their_position() -> None:
    pictures = np.full((3, 60, 40), 230, np.uint8)
    pictures[1, 10:50, 18:23] = 10
    prepared = prepare(pictures, GRAY, AS_DIGIT)
    assert prepared.blank == (0, 2)
    assert prepared.pixels.shape == (3, 28, 28, 1)
    assert (prepared.pixels[[0, 2]].max(), prepared.pixels[1].max()) == (0, 255)


def test_digits_of_other_sizes_are_placed_in_proportion() -> None:
    drawn = np.full((90, 60), 240, np.uint8)
    drawn[20:70, 28:33] = 20
    pixels = prepare(drawn, ImageSpec(height=56, width=56, channels=1), AS_DIGIT).pixels[0, :, :, 0]
    rows = np.flatnonzero(pixels.max(axis=1))
    assert (pixels.shape, 38 <= np.ptp(rows) + 1 <= 42) == ((56, 56), True)


@pytest.mark.parametrize("interpolation", ["nearest", "bilinear", "bicubic", "lanczos", "area"])
def test_the_interpolation_is_the_one_that_is_asked_for(interpolation: str) -> None:
    Image = pytest.importorskip("PIL.Image", reason="needs pillow")  # noqa: N806
    picture = np.random.default_rng(1).integers(0, 256, (31, 47), np.uint8)
    found = prepare(picture, GRAY, Preprocessing(method="resize", interpolation=interpolation, antialias=True)).pixels[
        0, :, :, 0
    ]
    pillow = Image.Resampling["BOX" if interpolation == "area" else interpolation.upper()]
    expected = np.asarray(Image.fromarray(picture).resize((28, 28), pillow))
    np.testing.assert_array_equal(found, expected)


@pytest.mark.needs("pillow")
@pytest.mark.parametrize("interpolation", ["bicubic", "lanczos"])
def test_floats_stay_in_their_range_where_the_interpolation_swings_over(interpolation: str) -> None:
    edge = np.zeros((56, 56), np.float32)
    edge[:, 28:] = 1
    preprocessing = Preprocessing(method="resize", interpolation=interpolation, antialias=True)
    found = prepare(edge, GRAY, preprocessing, value_range=(0, 1)).pixels
    assert (found.dtype, found.min(), found.max()) == (np.float32, 0, 255)


@pytest.mark.tensorflow
@pytest.mark.parametrize("interpolation", ["nearest", "bilinear"])
@pytest.mark.parametrize("size", [(61, 47), (13, 9), (28, 40)])
def test_without_antialias_pictures_are_as_keras_makes_them(interpolation: str, size: tuple[int, int]) -> None:
    import tensorflow as tf

    picture = np.random.default_rng(1).uniform(0, 255, (*size, 3)).astype(np.float32)
    spec = ImageSpec(height=28, width=28, channels=3)
    found = prepare(
        picture,
        spec,
        Preprocessing(method="resize", interpolation=interpolation, antialias=False),
        value_range=(0, 255),
    ).pixels[0]
    np.testing.assert_allclose(found, tf.image.resize(picture, (28, 28), method=interpolation), atol=1e-2)


@pytest.mark.parametrize(
    ("low", "high", "dtype"),
    [
        (0.1, 0.3, np.float32),
        (-1.7, 2.9, np.float32),
        (-1.7, 2.9, np.float16),
        (1e16, 1e16 + 1000, np.float64),
        (0, 255e30, np.float64),
    ],
)
def test_a_range_covers_0_to_255_whatever_it_is(low: float, high: float, dtype: type) -> None:
    ends = np.array([low, high], dtype)
    picture = np.linspace(ends[0], ends[1], 28 * 28, dtype=dtype).reshape(28, 28)
    found = to_pixels(picture, GRAY, (float(ends[0]), float(ends[1])))
    assert (found.min(), found.max()) == (0, 255)
    np.testing.assert_allclose(found[0, :, :, 0].ravel(), np.linspace(0, 255, 28 * 28), atol=0.3)


def test_a_wide_picture_takes_no_more_memory_than_it_has() -> None:
    spec = ImageSpec(height=16, width=16, channels=1)
    wide = np.zeros((1, 4_000_000), np.uint8)
    tracemalloc.start()
    prepare(wide, spec, Preprocessing(method="resize", interpolation="bilinear", antialias=False))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4e6


TRANSPARENT = np.zeros((2, 2, 4), np.uint8)
TRANSPARENT[:, :, 0] = 200
TRANSPARENT[:, 1, 3] = 255


@pytest.mark.parametrize(("alpha", "left"), [("white", (255, 255, 255)), ("black", (0, 0, 0)), ("drop", (200, 0, 0))])
@pytest.mark.parametrize("as_array", [True, False])
def test_transparency_is_drawn_or_dropped(alpha: str, left: tuple[int, ...], as_array: bool) -> None:
    pillow = pytest.importorskip("PIL.Image")
    preprocessing = replace(RESIZE, interpolation="nearest", reading=ImageReading(alpha=alpha))
    image = TRANSPARENT if as_array else pillow.fromarray(TRANSPARENT)
    found = prepare(image, RGB, preprocessing).pixels[0]
    assert (tuple(found[0, 0]), tuple(found[0, 5])) == (left, (200, 0, 0))
    # A palette with a transparent colour, and alphas for all of them.
    if not as_array:
        for transparency in (0, b"\x00\xff"):
            palette = pillow.fromarray(np.array([[0, 1]], np.uint8), "L").convert("P")
            palette.putpalette([200, 0, 0, 200, 0, 0])
            palette.info["transparency"] = transparency
            found = prepare(palette, RGB, preprocessing).pixels[0]
            assert (tuple(found[0, 0]), tuple(found[0, 5])) == (left, (200, 0, 0))


def test_an_ignored_orientation_leaves_an_image_as_it_is_stored() -> None:
    pillow = pytest.importorskip("PIL.Image")
    image = pillow.fromarray(np.arange(24, dtype=np.uint8).reshape(4, 6))
    exif = pillow.Exif()
    exif[0x0112] = 3
    image.info["exif"] = exif.tobytes()
    turned = prepare(image, RGB, RESIZE).pixels[0, :, :, 0]
    stored = prepare(image, RGB, replace(RESIZE, reading=ImageReading(orientation="ignore"))).pixels[0, :, :, 0]
    np.testing.assert_array_equal(stored, np.asarray(image))
    np.testing.assert_array_equal(turned, stored[::-1, ::-1])


@pytest.mark.parametrize(("way", "expected"), [("scale", 4), ("high-byte", 3), ("clip", 255)])
def test_sixteen_bits_are_read_as_said(way: str, expected: int) -> None:
    pillow = pytest.importorskip("PIL.Image")
    image = pillow.fromarray(np.full((3, 3), 1020, np.uint16))
    found = prepare(image, RGB, replace(RESIZE, reading=ImageReading(sixteen_bits=way))).pixels
    assert found.min() == found.max() == expected


def test_images_come_to_the_models_order_of_colours_and_arrays_have_it() -> None:
    pillow = pytest.importorskip("PIL.Image")
    preprocessing = replace(RESIZE, reading=ImageReading(colour_order="bgr"))
    colour = np.full((8, 9, 3), (10, 20, 30), np.uint8)
    assert tuple(prepare(pillow.fromarray(colour), RGB, preprocessing).pixels[0, 0, 0]) == (30, 20, 10)
    for array in (colour, colour[:4, :6]):
        assert tuple(prepare(array, RGB, preprocessing).pixels[0, 0, 0]) == (10, 20, 30)


def test_the_gray_of_colours_is_rounded_down_as_by_libpng() -> None:
    pillow = pytest.importorskip("PIL.Image")
    colour = np.full((28, 28, 3), (255, 1, 1), np.uint8)  # a gray of 76.946
    usual, tensorflow = RESIZE, READINGS["keras-dataset"]
    for image in (colour, pillow.fromarray(colour)):
        assert [int(prepare(image, GRAY, each).pixels[0, 0, 0, 0]) for each in (usual, tensorflow)] == [77, 76]
