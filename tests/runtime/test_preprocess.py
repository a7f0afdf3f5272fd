from pathlib import Path

import numpy as np
import pytest
from edgeproof.runtime.description import DIGIT as AS_DIGIT
from edgeproof.runtime.description import RESIZE, ImageSpec, Preprocessing
from edgeproof.runtime.errors import InvalidFileError, SpecMismatchError
from edgeproof.runtime.pictures import read_image
from edgeproof.runtime.preprocess import prepare
from PIL import Image

GRAY = ImageSpec(height=28, width=28, channels=1)
RGB = ImageSpec(height=4, width=6, channels=3)
DIGIT = np.arange(28 * 28, dtype=np.uint8).reshape(28, 28)


def to_pixels(images: object, spec: ImageSpec, value_range: object = None) -> np.ndarray:
    prepared = prepare(images, spec, RESIZE, value_range=value_range)  # type: ignore[arg-type]
    assert prepared.blank == ()
    return prepared.pixels


@pytest.mark.parametrize(
    "images",
    [DIGIT, DIGIT[..., None], DIGIT[None], DIGIT[None, ..., None], Image.fromarray(DIGIT)],
)
def test_one_digit_in_any_form_is_the_same_batch(images: object) -> None:
    batch = to_pixels(images, GRAY)  # type: ignore[arg-type]
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


def test_a_range_does_not_touch_image_files(files: Path) -> None:
    for_arrays = to_pixels(files / "seven.png", GRAY, value_range=(0, 1))
    np.testing.assert_array_equal(for_arrays, to_pixels(files / "seven.png", GRAY))


@pytest.mark.parametrize("mode", ["I", "F"])
def test_pictures_without_a_known_range_are_refused(mode: str) -> None:
    with pytest.raises(SpecMismatchError, match="has no known range"):
        to_pixels(Image.new(mode, (28, 28), 200), GRAY)


def test_a_picture_is_shrunk_by_averages_in_height_and_width() -> None:
    stripes = np.zeros((8, 12), np.uint8)
    stripes[:, ::2] = 200  # every pair of columns has a mean of 100
    resized = to_pixels(stripes, ImageSpec(height=4, width=6, channels=1))
    assert resized.shape == (1, 4, 6, 1)
    assert np.abs(resized[:, :, 1:-1].astype(int) - 100).max() <= 25


def test_a_warning_about_size_is_enough_to_refuse(tmp_path: Path) -> None:
    Image.new("1", (10_000, 10_000)).save(tmp_path / "large.png")
    with pytest.raises(InvalidFileError, match="too large an image"):
        read_image(tmp_path / "large.png")


@pytest.mark.parametrize(
    "value_range",
    [(1, 0), (0,), (0, 1, 2), 5, ("0", "b"), (0, float("inf")), (0, 10**400), (0, 1e-320), (-1e308, 1e308)],
)
def test_a_range_is_two_finite_numbers(value_range: object) -> None:
    with pytest.raises(SpecMismatchError, match="value_range must"):
        to_pixels(np.zeros((28, 28)), GRAY, value_range=value_range)  # type: ignore[arg-type]


def test_a_colour_space_that_cannot_be_converted_is_refused() -> None:
    with pytest.raises(SpecMismatchError, match="a picture in mode LAB cannot be used"):
        to_pixels(Image.new("LAB", (28, 28)), GRAY)


@pytest.mark.parametrize("outside", [1.5, -0.1, np.nan])
def test_floats_outside_of_their_range_are_refused(outside: float) -> None:
    image = np.zeros((28, 28))
    image[3, 4] = outside
    with pytest.raises(SpecMismatchError, match="outside of value_range"):
        to_pixels(image, GRAY, value_range=(0, 1))


@pytest.mark.parametrize("shape", [(28,), (28, 28, 2), (28, 28, 2, 2), (2, 28, 28, 5), (1, 1, 28, 28, 1), (0, 28)])
def test_other_shapes_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(SpecMismatchError, match=r"is no image; possible: \(H, W\)"):
        to_pixels(np.zeros(shape, np.uint8), GRAY)


def test_an_image_of_another_size_is_averaged_down() -> None:
    checkerboard = np.kron(DIGIT, np.ones((4, 4), np.uint8))
    batch = to_pixels(checkerboard, GRAY)
    # Far from edges between blocks the average of a block is its value.
    assert np.abs(batch[0, 1:-1, 1:-1, 0].astype(int) - DIGIT[1:-1, 1:-1]).mean() < 8


def test_a_resized_constant_stays_constant() -> None:
    assert np.unique(to_pixels(np.full((61, 47), 200, np.uint8), GRAY)).tolist() == [200]


def test_png_files_are_read_exactly(files: Path, golden: Path) -> None:
    assert to_pixels(files / "seven.png", GRAY).max() == 255
    np.testing.assert_array_equal(
        to_pixels(files / "seven.png", GRAY)[0, :, :, 0], np.asarray(Image.open(files / "seven.png"))
    )


def test_colour_is_kept_for_a_colour_model() -> None:
    red = Image.new("RGB", (6, 4), (255, 0, 0))
    assert to_pixels(red, RGB)[0, 0, 0].tolist() == [255, 0, 0]


def test_gray_files_become_three_equal_channels_for_a_colour_model() -> None:
    assert to_pixels(Image.new("L", (6, 4), 9), RGB)[0, 0, 0].tolist() == [9, 9, 9]


def test_16_bit_images_keep_their_tones(tmp_path: Path) -> None:
    Image.fromarray(DIGIT.astype(np.uint16) * 257).save(tmp_path / "deep.png")
    np.testing.assert_array_equal(to_pixels(tmp_path / "deep.png", GRAY)[0, :, :, 0], DIGIT)


def test_transparency_is_drawn_on_white() -> None:
    assert np.unique(to_pixels(Image.new("RGBA", (28, 28), (0, 0, 0, 0)), GRAY)).tolist() == [255]


def test_exif_orientation_is_followed(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 3  # turned by 180 degrees
    Image.fromarray(DIGIT).save(tmp_path / "turned.png", exif=exif)
    np.testing.assert_array_equal(to_pixels(tmp_path / "turned.png", GRAY)[0, :, :, 0], DIGIT[::-1, ::-1])


def test_a_missing_file_is_named() -> None:
    with pytest.raises(InvalidFileError, match=r"no such image: nowhere\.png"):
        to_pixels("nowhere.png", GRAY)


def test_text_is_not_an_image(tmp_path: Path) -> None:
    (tmp_path / "note.png").write_text("not an image")
    with pytest.raises(InvalidFileError, match="is not an image that can be read"):
        read_image(tmp_path / "note.png")


@pytest.mark.parametrize("name", ["two.jpg", "seven.png"])
@pytest.mark.parametrize("missing", [0.7, 0.4, 0.1, 16, 8])
def test_a_truncated_image_is_refused(files: Path, tmp_path: Path, name: str, missing: float) -> None:
    content = (files / name).read_bytes()
    cut = missing if isinstance(missing, int) else int(len(content) * missing)
    (tmp_path / name).write_bytes(content[:-cut])
    with pytest.raises(InvalidFileError, match="is not an image that can be read"):
        read_image(tmp_path / name)


def test_a_decompression_bomb_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    Image.new("1", (20_000, 20_000)).save(tmp_path / "bomb.png")
    with pytest.raises(InvalidFileError, match="too large an image"):
        read_image(tmp_path / "bomb.png")


def test_colour_becomes_gray_as_pillow_does_it() -> None:
    colour = np.random.default_rng(1).integers(0, 256, (28, 28, 3), np.uint8)
    expected = np.asarray(Image.fromarray(colour).convert("L")).astype(int)
    for form in (colour, colour[None], Image.fromarray(colour)):
        assert np.abs(to_pixels(form, GRAY)[0, :, :, 0] - expected).max() <= 1


def test_gray_arrays_become_three_equal_channels() -> None:
    batch = to_pixels(DIGIT[:4, :6], RGB)
    assert batch.shape == (1, 4, 6, 3)
    for channel in range(3):
        np.testing.assert_array_equal(batch[0, :, :, channel], DIGIT[:4, :6])


@pytest.mark.parametrize("ink", [0, 255])
@pytest.mark.parametrize("as_array", [False, True])
def test_ink_on_a_transparent_ground_is_seen_whatever_its_tone(ink: int, as_array: bool) -> None:
    drawn = np.zeros((60, 60, 4), np.uint8)
    drawn[:, :, :3] = ink
    drawn[10:50, 28:33, 3] = 255
    picture = drawn if as_array else Image.fromarray(drawn)
    prepared = prepare(picture, GRAY, AS_DIGIT)
    assert prepared.blank == ()
    assert (prepared.pixels[0, 14, 14, 0] > 200, prepared.pixels[0, 0].max()) == (True, 0)


def test_an_array_with_alpha_is_drawn_on_white_for_other_models() -> None:
    clear = np.zeros((4, 6, 4), np.uint8)
    clear[..., 3] = 128
    assert np.unique(to_pixels(clear, RGB)).tolist() == [127]


def test_cmyk_and_palette_pictures_are_read(tmp_path: Path) -> None:
    red = Image.new("RGB", (6, 4), (255, 0, 0))
    red.convert("CMYK").save(tmp_path / "print.jpg", quality=100)
    red.quantize(4).save(tmp_path / "palette.png")
    for name in ("print.jpg", "palette.png"):
        found = to_pixels(tmp_path / name, RGB)[0, 0, 0].astype(int)
        assert np.abs(found - [255, 0, 0]).max() <= 3, name


def test_a_palette_with_a_transparent_colour_is_drawn_on_white(tmp_path: Path) -> None:
    image = Image.new("P", (6, 4), 0)
    image.putpalette([10, 20, 30, 200, 0, 0])
    image.save(tmp_path / "icon.gif", transparency=0)
    assert np.unique(to_pixels(tmp_path / "icon.gif", RGB)).tolist() == [255]


def test_formats_that_start_other_programs_are_not_tried(tmp_path: Path) -> None:
    (tmp_path / "page.eps").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 28 28\n%%EndComments\n%%EOF\n")
    with pytest.raises(InvalidFileError, match="is not an image that can be read"):
        read_image(tmp_path / "page.eps")


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
    picture = np.random.default_rng(1).integers(0, 256, (31, 47), np.uint8)
    found = prepare(picture, GRAY, Preprocessing(method="resize", interpolation=interpolation, antialias=True)).pixels[
        0, :, :, 0
    ]
    pillow = Image.Resampling["BOX" if interpolation == "area" else interpolation.upper()]
    expected = np.asarray(Image.fromarray(picture).resize((28, 28), pillow))
    np.testing.assert_array_equal(found, expected)


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


@pytest.mark.parametrize("suffix", ["png", "jpg", "bmp", "gif", "ppm", "tif", "webp"])
def test_each_format_is_read(tmp_path: Path, suffix: str) -> None:
    Image.new("RGB", (6, 4), (200, 0, 0)).save(tmp_path / f"red.{suffix}")
    found = to_pixels(tmp_path / f"red.{suffix}", RGB)[0, 0, 0].astype(int)
    assert np.abs(found - [200, 0, 0]).max() <= 6


def test_a_file_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    Image.new("F", (28, 28)).save(tmp_path / "deep.tif")
    with pytest.raises(SpecMismatchError, match=r"deep\.tif: a picture in mode F has no known range"):
        to_pixels(tmp_path / "deep.tif", GRAY)
