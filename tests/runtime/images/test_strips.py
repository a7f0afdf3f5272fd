from pathlib import Path

import numpy as np
import pytest
from edgeproof.benchmarks.fresh_processes import PEAK_KIB, run_program
from edgeproof.runtime.bundle.model_metadata import ImageSpec, Preprocessing
from edgeproof.runtime.images import strips
from edgeproof.runtime.images.preprocess import prepare
from edgeproof.runtime.images.resize import resize
from edgeproof.runtime.images.strips import Strips

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


@pytest.mark.parametrize(
    ("orientation", "channels", "antialias"),
    [(1, 3, True), (1, 1, True), (6, 3, True), (1, 3, False), (6, 3, False)],
)
def test_a_photograph_is_held_once_beside_a_plane_of_it(
    tmp_path: Path, orientation: int, channels: int, antialias: bool
) -> None:
    """Of 48 megapixels, Pillow has 183 MiB, and a plane 46; there were three copies."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    COLOUR.resize((8000, 6000)).save(tmp_path / "photo.jpg", exif=exif)
    program = (
        PEAK_KIB
        + f"""
from edgeproof.runtime.bundle.model_metadata import ImageSpec, Preprocessing
from edgeproof.runtime.images.preprocess import prepare
before = peak_kib()
preprocessing = Preprocessing(method="resize", interpolation="bilinear", antialias={antialias})
prepare({str(tmp_path / "photo.jpg")!r}, ImageSpec(height=224, width=224, channels={channels}), preprocessing)
print(peak_kib() - before)
"""
    )
    assert int(run_program(program).stdout) < 1024 * 245
