from pathlib import Path

import numpy as np
import pytest
from edgeproof.benchmarks.fresh_processes import PEAK_KIB, run_program
from edgeproof.runtime.bundle.model_metadata import DIGIT, RESIZE, ImageSpec, Preprocessing
from edgeproof.runtime.errors import SpecMismatchError
from edgeproof.runtime.images import strips
from edgeproof.runtime.images.preprocess import prepare
from edgeproof.runtime.images.resize import resize
from edgeproof.runtime.images.strips import Strips

from tests.helpers.photographs import write_photograph

Image = pytest.importorskip("PIL.Image", reason="needs pillow")
ImageOps = pytest.importorskip("PIL.ImageOps")

COLOUR = Image.fromarray(np.random.default_rng(0).integers(0, 256, (61, 83, 3), np.uint8))
METHODS = [("nearest", False), ("bilinear", False), ("bilinear", True), ("bicubic", True), ("area", True)]


@pytest.fixture(autouse=True)
def low_strips(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(strips, "_PIXELS", 500)


@pytest.mark.parametrize("orientation", [*range(10)])
@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK", "P"])
def test_strips_are_those_of_the_image_that_pillow_turns_and_converts(mode: str, orientation: int) -> None:
    image = COLOUR.convert(mode)
    exif = Image.Exif()
    exif[0x0112] = orientation
    image.info["exif"] = exif.tobytes()
    upright = ImageOps.exif_transpose(image)
    for channels, name in ((1, "L"), (3, "RGB")):
        found = Strips(image, channels)
        assert len(list(found)) > 9
        expected = np.asarray(upright.convert(name)).reshape(found.height, found.width, channels)
        np.testing.assert_array_equal(found.array(), expected)


@pytest.mark.parametrize(("interpolation", "antialias"), METHODS)
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", [(28, 28), (20, 97), (97, 20), (61, 83)])
def test_an_image_is_resized_to_the_pixels_that_its_array_gives(
    size: tuple[int, int], channels: int, interpolation: str, antialias: bool
) -> None:
    method = Preprocessing(method="resize", interpolation=interpolation, antialias=antialias)
    found = prepare(COLOUR, ImageSpec(height=size[0], width=size[1], channels=channels), method).pixels
    whole = Strips(COLOUR, channels).array()[np.newaxis]
    expected = resize(whole, *size, interpolation=interpolation, antialias=antialias)
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("resampling", ["bilinear", "bicubic", "lanczos"])
def test_resizing_goes_across_and_then_down_in_every_version_of_pillow(channels: int, resampling: str) -> None:
    """13.0 goes down first for images like this one, and every ninth pixel is another one."""
    image = Image.fromarray(np.random.default_rng(0).integers(0, 256, (800, 450, 3), np.uint8))
    method = Preprocessing(method="resize", interpolation=resampling, antialias=True)
    found = prepare(image, ImageSpec(height=224, width=224, channels=channels), method).pixels
    kind = Image.Resampling[resampling.upper()]
    narrow = image.convert("L" if channels == 1 else "RGB").resize((224, 800), kind)
    expected = np.asarray(narrow.resize((224, 224), kind)).reshape(found.shape)
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("as_array", [False, True])
def test_what_lies_between_the_two_steps_must_fit(monkeypatch: pytest.MonkeyPatch, as_array: bool) -> None:
    monkeypatch.setattr("edgeproof.runtime.images.resize.memory_limit", lambda: 2**24)
    spec = ImageSpec(height=224, width=224, channels=1)
    for height, fits in ((2**24 // 224, True), (2**24 // 224 + 1, False)):
        image = Image.new("L", (1, height))
        given = np.asarray(image) if as_array else image
        if fits:
            prepare(given, spec, RESIZE)
            continue
        with pytest.raises(SpecMismatchError, match="resizing 74899 rows to 224 columns takes 16,777,376 bytes"):
            prepare(given, spec, RESIZE)


@pytest.mark.parametrize("orientation", [1, 3, 6])
@pytest.mark.parametrize("size", [(90, 70), (640, 900), (1300, 1000)])
def test_a_digit_is_found_in_strips_as_in_the_whole(
    files: Path, monkeypatch: pytest.MonkeyPatch, size: tuple[int, int], orientation: int
) -> None:
    monkeypatch.setattr("edgeproof.runtime.images.preprocess._LARGE", 0)
    monkeypatch.setattr(strips, "_PIXELS", 5000)
    page = Image.new("L", size, 230)
    seven = Image.open(files / "seven.png").resize((size[0] // 2, size[1] // 3))
    page.paste(40, (size[0] // 3, size[1] // 4), seven)
    noise = np.random.default_rng(0).normal(0, 6, size[::-1])
    upright = Image.fromarray((np.asarray(page) + noise).clip(0, 255).astype(np.uint8))
    exif = Image.Exif()
    exif[0x0112] = orientation
    # The inverse of how an image in this orientation is turned.
    stored = {1: None, 3: Image.Transpose.ROTATE_180, 6: Image.Transpose.ROTATE_90}[orientation]
    image = upright if stored is None else upright.transpose(stored)
    image.info["exif"] = exif.tobytes()
    spec = ImageSpec(height=28, width=28, channels=1)
    expected = prepare(np.asarray(upright), spec, DIGIT)
    found = prepare(image, spec, DIGIT)
    assert (found.blank, expected.blank) == ((), ())
    np.testing.assert_array_equal(found.pixels, expected.pixels)


def test_a_photograph_of_a_digit_is_held_once_without_a_plane_of_it(files: Path, tmp_path: Path) -> None:
    page = Image.new("RGB", (8000, 6000), (230, 230, 230))
    page.paste((40, 40, 40), (2000, 1000), Image.open(files / "seven.png").resize((4000, 4000)))
    page.save(tmp_path / "photo.jpg")
    program = (
        PEAK_KIB
        + f"""
from edgeproof.runtime.bundle.model_metadata import DIGIT, RESIZE, ImageSpec
from edgeproof.runtime.images.preprocess import prepare
before = peak_kib()
found = prepare({str(tmp_path / "photo.jpg")!r}, ImageSpec(height=28, width=28, channels=1), DIGIT)
assert found.blank == ()
print(peak_kib() - before)
"""
    )
    assert int(run_program(program).stdout) < 1024 * 233


@pytest.mark.parametrize(
    ("orientation", "channels", "antialias"),
    [(1, 3, True), (1, 1, True), (6, 3, True), (1, 3, False), (6, 3, False)],
)
def test_a_photograph_is_held_once(tmp_path: Path, orientation: int, channels: int, antialias: bool) -> None:
    """Of 48 megapixels, Pillow has 183 MiB; there were three copies."""
    photograph = write_photograph(tmp_path / "photograph.jpg", orientation)
    program = (
        PEAK_KIB
        + f"""
from edgeproof.runtime.bundle.model_metadata import ImageSpec, Preprocessing
from edgeproof.runtime.images.preprocess import prepare
before = peak_kib()
preprocessing = Preprocessing(method="resize", interpolation="bilinear", antialias={antialias})
prepare({photograph!r}, ImageSpec(height=224, width=224, channels={channels}), preprocessing)
print(peak_kib() - before)
"""
    )
    assert int(run_program(program).stdout) < 1024 * 225
