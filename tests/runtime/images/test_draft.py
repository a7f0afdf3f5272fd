"""JPEG files that are decoded at a fraction of their size."""

import io
from pathlib import Path

import numpy as np
import pytest
from edgeproof.benchmarks.fresh_processes import PEAK_KIB, run_program
from edgeproof.runtime.bundle.model_metadata import RESIZE, ImageSpec, Preprocessing
from edgeproof.runtime.errors import InvalidFileError, SpecMismatchError
from edgeproof.runtime.images.preprocess import prepare
from edgeproof.runtime.images.reading import decode_image, read_as_stored, read_image

from tests.helpers.photographs import write_photograph

Image = pytest.importorskip("PIL.Image", reason="needs pillow")

DRAFT = Preprocessing(method="resize", interpolation="bilinear", antialias=True, draft=True)
SPEC = ImageSpec(height=16, width=12, channels=3)
SIZE = (16, 12)
COLOUR = Image.fromarray(np.random.default_rng(0).integers(0, 256, (301, 233, 3), np.uint8))


def save(path: Path, *, orientation: int = 1, **options: object) -> Path:
    exif = Image.Exif()
    exif[0x0112] = orientation
    COLOUR.save(path, exif=exif, **options)
    return path


def pixels(image: object, preprocessing: Preprocessing = DRAFT) -> np.ndarray:
    return prepare(image, SPEC, preprocessing).pixels  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("stored", "decoded"),
    [
        ((192, 256), (24, 32)),
        ((191, 256), (48, 64)),
        ((192, 255), (48, 64)),
        ((201, 263), (26, 33)),
        ((95, 200), (48, 100)),
        ((48, 64), (24, 32)),
        ((47, 64), (47, 64)),
        ((5, 900), (5, 900)),
    ],
)
@pytest.mark.parametrize("orientation", [*range(1, 9)])
def test_a_draft_has_at_least_twice_the_models_size(
    tmp_path: Path, stored: tuple[int, int], decoded: tuple[int, int], orientation: int
) -> None:
    step = 1 if orientation < 5 else -1
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.new("L", stored[::step]).save(tmp_path / "a.jpg", exif=exif)
    assert read_as_stored(tmp_path / "a.jpg", SIZE).size == decoded[::step]
    assert read_image(tmp_path / "a.jpg", SIZE).size == decoded


@pytest.mark.parametrize(
    "options", [{}, {"orientation": 6}, {"orientation": 3}, {"progressive": True}, {"subsampling": 0}]
)
def test_a_path_a_stream_and_an_opened_image_give_the_pixels_of_the_draft(
    tmp_path: Path, options: dict[str, object]
) -> None:
    path = save(tmp_path / "a.jpg", **options)  # type: ignore[arg-type]
    sideways = options.get("orientation") == 6
    with Image.open(path) as draft:
        draft.draft(None, (32, 24) if sideways else (24, 32))
        assert draft.size == ((59, 76) if sideways else (30, 38))
        expected = pixels(draft, RESIZE)
    assert (expected != pixels(path, RESIZE)).any()
    with Image.open(path) as opened:
        found = [pixels(path), pixels(decode_image(io.BytesIO(path.read_bytes()), "it", SIZE)), pixels(opened)]
    for each in found:
        np.testing.assert_array_equal(each, expected)


def test_an_image_that_the_caller_opened_stays_whole(tmp_path: Path) -> None:
    path = save(tmp_path / "a.jpg")
    with Image.open(path) as opened:
        pixels(opened)
        assert opened.size == COLOUR.size
        np.testing.assert_array_equal(np.asarray(opened), np.asarray(Image.open(path)))


def test_what_is_decoded_already_is_no_draft(tmp_path: Path) -> None:
    path = save(tmp_path / "a.jpg")
    loaded = Image.open(path)
    loaded.load()
    for whole in (loaded, loaded.copy(), np.asarray(loaded)):
        np.testing.assert_array_equal(pixels(whole), pixels(path, RESIZE))


def test_a_draft_of_the_callers_own_is_left_as_it_is(tmp_path: Path) -> None:
    path = save(tmp_path / "a.jpg")
    with Image.open(path) as drafted, Image.open(path) as same:
        for each in (drafted, same):
            each.draft(None, (110, 150))
            assert each.size == (117, 151)
        np.testing.assert_array_equal(pixels(drafted), pixels(same, RESIZE))


@pytest.mark.parametrize("suffix", ["png", "bmp", "webp", "tif"])
def test_other_formats_are_decoded_whole(tmp_path: Path, suffix: str) -> None:
    COLOUR.save(tmp_path / f"a.{suffix}")
    np.testing.assert_array_equal(pixels(tmp_path / f"a.{suffix}"), pixels(tmp_path / f"a.{suffix}", RESIZE))


@pytest.mark.parametrize("frame", [0, 1])
def test_the_first_of_several_images_is_drafted_like_a_path(tmp_path: Path, frame: int) -> None:
    """Phones write such files, with a second image behind the photograph."""
    COLOUR.save(tmp_path / "a.jpg", format="MPO", save_all=True, append_images=[COLOUR.rotate(180)])
    with Image.open(tmp_path / "a.jpg") as opened, Image.open(tmp_path / "a.jpg") as whole:
        assert opened.format == "MPO"
        for each in (opened, whole):
            each.seek(frame)
        expected = pixels(tmp_path / "a.jpg") if frame == 0 else pixels(whole, RESIZE)
        np.testing.assert_array_equal(pixels(opened), expected)


def test_the_limit_is_for_the_size_that_is_decoded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pillow's own limit, which is for whole images, does not stand in the way."""
    save(tmp_path / "a.jpg")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 2000)
    monkeypatch.setattr("edgeproof.runtime.images.reading._SMALL", 0)
    monkeypatch.setattr("edgeproof.runtime.images.reading.memory_limit", lambda: 8 * 30 * 38)
    assert read_image(tmp_path / "a.jpg", SIZE).size == (30, 38)
    monkeypatch.setattr("edgeproof.runtime.images.reading.memory_limit", lambda: 8 * 30 * 38 - 1)
    with pytest.raises(InvalidFileError, match=r"too large an image: 30 x 38; at most 1,139 pixels are possible"):
        read_image(tmp_path / "a.jpg", SIZE)


@pytest.mark.parametrize("progressive", [True, False])
def test_of_a_file_in_scans_the_whole_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, progressive: bool
) -> None:
    """The decoder keeps its coefficients."""
    content = save(tmp_path / "a.jpg", progressive=progressive).read_bytes()
    if not progressive:
        # Of the three components, the first scan has one alone.
        content = content.replace(b"\xff\xda\x00\x0c\x03", b"\xff\xda\x00\x0c\x01")
    monkeypatch.setattr("edgeproof.runtime.images.reading._SMALL", 0)
    monkeypatch.setattr("edgeproof.runtime.images.reading.memory_limit", lambda: 8 * 233 * 301 - 1)
    with pytest.raises(InvalidFileError, match="too large an image: 233 x 301; at most"):
        decode_image(io.BytesIO(content), "a.jpg", SIZE)


@pytest.mark.parametrize("end", [3, 9, 300, 20_000, -20])
def test_a_broken_file_is_refused(tmp_path: Path, end: int) -> None:
    path = save(tmp_path / "a.jpg", quality=95)
    opened = Image.open(io.BytesIO(path.read_bytes()))
    path.write_bytes(path.read_bytes()[:end])
    with pytest.raises(InvalidFileError, match=r"a\.jpg is not an image that can be read"):
        pixels(path)
    opened.fp = io.BytesIO(path.read_bytes())
    with pytest.raises(SpecMismatchError, match="cannot be used"):
        pixels(opened)


@pytest.mark.parametrize(("orientation", "channels"), [(1, 3), (1, 1), (6, 3)])
def test_a_photograph_of_48_megapixels_takes_less_than_90_mib(tmp_path: Path, orientation: int, channels: int) -> None:
    photograph = write_photograph(tmp_path / "photograph.jpg", orientation)
    program = (
        PEAK_KIB
        + f"""
from edgeproof.runtime.bundle.model_metadata import ImageSpec, Preprocessing
from edgeproof.runtime.images.preprocess import prepare
draft = Preprocessing(method="resize", interpolation="bilinear", antialias=True, draft=True)
prepare({photograph!r}, ImageSpec(height=224, width=224, channels={channels}), draft)
print(peak_kib())
"""
    )
    assert int(run_program(program).stdout) < 1024 * 90
