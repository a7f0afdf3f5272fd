"""Pillow's images, and the files that it reads."""

from pathlib import Path

import numpy as np
import pytest
from edgeproof.runtime.bundle.model_metadata import RESIZE, ImageSpec
from edgeproof.runtime.errors import InvalidFileError, SpecMismatchError
from edgeproof.runtime.images.preprocess import prepare
from edgeproof.runtime.images.reading import MAX_PIXELS, read_image

Image = pytest.importorskip("PIL.Image", reason="needs pillow")

GRAY = ImageSpec(height=28, width=28, channels=1)
RGB = ImageSpec(height=4, width=6, channels=3)
DIGIT = np.arange(28 * 28, dtype=np.uint8).reshape(28, 28)


def to_pixels(images: object, spec: ImageSpec, value_range: object = None) -> np.ndarray:
    prepared = prepare(images, spec, RESIZE, value_range=value_range)  # type: ignore[arg-type]
    assert prepared.blank == ()
    return prepared.pixels


def test_a_digit_of_the_models_size_is_passed_on_as_it_is() -> None:
    batch = to_pixels(Image.fromarray(DIGIT), GRAY)
    assert (batch.shape, batch.dtype) == ((1, 28, 28, 1), np.uint8)
    np.testing.assert_array_equal(batch[0, :, :, 0], DIGIT)


def test_a_range_does_not_touch_image_files(files: Path) -> None:
    for_arrays = to_pixels(files / "seven.png", GRAY, value_range=(0, 1))
    np.testing.assert_array_equal(for_arrays, to_pixels(files / "seven.png", GRAY))


@pytest.mark.parametrize("mode", ["I", "F"])
def test_pictures_without_a_known_range_are_refused(mode: str) -> None:
    with pytest.raises(SpecMismatchError, match="has no known range"):
        to_pixels(Image.new(mode, (28, 28), 200), GRAY)


def test_a_warning_about_size_is_enough_to_refuse(tmp_path: Path) -> None:
    Image.new("1", (10_000, 10_000)).save(tmp_path / "large.png")
    with pytest.raises(InvalidFileError, match="too large an image"):
        read_image(tmp_path / "large.png")


def test_a_colour_space_that_cannot_be_converted_is_refused() -> None:
    with pytest.raises(SpecMismatchError, match="an image in mode LAB cannot be used"):
        to_pixels(Image.new("LAB", (28, 28)), GRAY)


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
    with pytest.raises(InvalidFileError, match="too large an image: 400,000,000 pixels; at most 89,478,485 pixels"):
        read_image(tmp_path / "bomb.png")


def test_a_picture_is_too_large_even_where_the_limit_of_pillow_is_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As programs set it that trust their own pictures."""
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", None)
    Image.new("1", (10_000, MAX_PIXELS // 10_000 + 1)).save(tmp_path / "large.png")
    with pytest.raises(InvalidFileError, match=r"too large an image: 10000 x 8948; at most 89,478,485 pixels"):
        read_image(tmp_path / "large.png")


def test_a_picture_too_large_for_the_memory_is_refused_with_size_and_limit(
    files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edgeproof.runtime.images.reading.memory_limit", lambda: 0)
    assert read_image(files / "seven.png").size == (28, 28)
    monkeypatch.setattr("edgeproof.runtime.images.reading._SMALL", 0)
    monkeypatch.setattr("edgeproof.runtime.images.reading.memory_limit", lambda: 8 * 28 * 28)
    assert read_image(files / "seven.png").size == (28, 28)
    monkeypatch.setattr("edgeproof.runtime.images.reading.memory_limit", lambda: 8 * 28 * 28 - 1)
    with pytest.raises(InvalidFileError, match="28 x 28; at most 783 pixels are possible, which take half of the mem"):
        read_image(files / "seven.png")


def test_colour_becomes_gray_as_pillow_does_it() -> None:
    colour = np.random.default_rng(1).integers(0, 256, (28, 28, 3), np.uint8)
    expected = np.asarray(Image.fromarray(colour).convert("L")).astype(int)
    for form in (colour, colour[None], Image.fromarray(colour)):
        assert np.abs(to_pixels(form, GRAY)[0, :, :, 0] - expected).max() <= 1


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


@pytest.mark.parametrize("suffix", ["png", "jpg", "bmp", "gif", "ppm", "tif", "webp"])
def test_each_format_is_read(tmp_path: Path, suffix: str) -> None:
    Image.new("RGB", (6, 4), (200, 0, 0)).save(tmp_path / f"red.{suffix}")
    found = to_pixels(tmp_path / f"red.{suffix}", RGB)[0, 0, 0].astype(int)
    assert np.abs(found - [200, 0, 0]).max() <= 6


def test_a_file_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    Image.new("F", (28, 28)).save(tmp_path / "deep.tif")
    with pytest.raises(SpecMismatchError, match=r"deep\.tif: an image in mode F has no known range"):
        to_pixels(tmp_path / "deep.tif", GRAY)


def test_a_pillow_image_is_turned_like_a_file(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 3  # turned by 180 degrees
    Image.fromarray(DIGIT).save(tmp_path / "turned.png", exif=exif)
    with Image.open(tmp_path / "turned.png") as opened:
        np.testing.assert_array_equal(to_pixels(opened, GRAY)[0, :, :, 0], DIGIT[::-1, ::-1])


def test_a_broken_file_that_was_opened_elsewhere_is_refused(files: Path, tmp_path: Path) -> None:
    (tmp_path / "cut.jpg").write_bytes((files / "two.jpg").read_bytes()[:900])
    with (
        Image.open(tmp_path / "cut.jpg") as opened,
        pytest.raises(SpecMismatchError, match=r"cannot be used: .*truncated"),
    ):
        to_pixels(opened, GRAY)


def test_16_bit_pgm_files_keep_their_tones(tmp_path: Path) -> None:
    (tmp_path / "deep.pgm").write_bytes(b"P5 28 28 65535\n" + (DIGIT.astype(">u2") * 257).tobytes())
    np.testing.assert_array_equal(to_pixels(tmp_path / "deep.pgm", GRAY)[0, :, :, 0], DIGIT)


@pytest.mark.parametrize(
    "start",
    [
        *(b"P6 #", b"P6 2 2 #", b"P5\n# a\n2 2\n#", b"P4 2 #", b"P6 2 2" + b" " * 2**17),
        # The number before it goes on behind it.
        *(b"P5 1 1 1#", b"P5 1 1 1#c\n#", b"P4 2 2#", b"P2 2 2 9#", b"P3 2 2 9#"),
    ],
)
def test_an_endless_comment_is_not_read(tmp_path: Path, start: bytes) -> None:
    (tmp_path / "long.ppm").write_bytes(start + b"a" * 2**17 + b"\n2 2 255\n" + bytes(12))
    with pytest.raises(InvalidFileError, match="its header has more than 65,536 bytes"):
        read_image(tmp_path / "long.ppm")


def test_a_comment_may_stand_in_a_large_image(tmp_path: Path) -> None:
    (tmp_path / "large.ppm").write_bytes(b"P6 # by a camera\n300 300 255\n" + b"#" * 270_000)
    assert read_image(tmp_path / "large.ppm").size == (300, 300)
    (tmp_path / "bits.pbm").write_bytes(b"P4\n1000 1000\n" + bytes(125_000))
    assert read_image(tmp_path / "bits.pbm").size == (1000, 1000)


@pytest.mark.parametrize("start", [b"P1 2 2\n", b"P2 2 2 9\n", b"P3 2 2 9\n"])
def test_countless_comments_are_not_read(tmp_path: Path, start: bytes) -> None:
    """A megabyte of them took 9 s."""
    (tmp_path / "plain.ppm").write_bytes(start + b"#\n" * 5_000 + b"1 " * 12)
    with pytest.raises(InvalidFileError, match="it has 5,000 # of comments; at most 4,096 are possible"):
        read_image(tmp_path / "plain.ppm")
    (tmp_path / "plain.ppm").write_bytes(start + b"# a row\n" * 4_000 + b"1 " * 12)
    assert read_image(tmp_path / "plain.ppm").size == (2, 2)
