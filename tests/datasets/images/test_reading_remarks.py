from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from edgeproof.datasets.images.reading_remarks import Trait, advises_reading, reading_remarks, traits_of
from edgeproof.runtime.bundle.image_reading import ImageReading
from edgeproof.runtime.bundle.model_metadata import DIGIT, READINGS, RESIZE

Image = pytest.importorskip("PIL.Image", reason="needs pillow")

RGB = Image.new("RGB", (3, 2), (9, 8, 7))
FOLDER = Path("photos")
FOUND = {
    FOLDER / "cat" / "a.png": Trait.TRANSPARENT | Trait.SIXTEEN_BITS,
    FOLDER / "cat" / "b.png": Trait.TRANSPARENT,
    FOLDER / "cat" / "c.png": Trait(0),
    FOLDER / "dog" / "d.jpg": Trait.TURNED,
}


def transparent(mode: str, alpha: int) -> object:
    image = RGB.convert(mode)
    image.putalpha(Image.fromarray(np.array([[255, 255, 255], [255, 255, alpha]], np.uint8)))
    return image


@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_an_alpha_counts_where_it_is_not_opaque(mode: str) -> None:
    assert traits_of(transparent(mode, 254)) == Trait.TRANSPARENT
    assert traits_of(transparent(mode, 255)) == Trait(0)


def test_a_transparent_colour_counts_where_the_image_has_it() -> None:
    used = int(np.asarray(RGB.quantize(4))[0, 0])
    for index, expected in ((used, Trait.TRANSPARENT), (used + 1, Trait(0))):
        palette = RGB.quantize(4)  # anew: Pillow keeps what was transparent
        palette.info["transparency"] = index
        assert traits_of(palette) == expected


def test_orientations_and_sixteen_bits_count() -> None:
    for orientation, expected in ((1, Trait(0)), (2, Trait.TURNED), (6, Trait.TURNED), (9, Trait(0))):
        exif = Image.Exif()
        exif[0x0112] = orientation
        image = RGB.copy()
        image.info["exif"] = exif.tobytes()
        assert traits_of(image) == expected
    assert traits_of(Image.new("I;16", (2, 2))) == Trait.SIXTEEN_BITS


def test_each_trait_has_a_sentence_that_counts_names_and_advises() -> None:
    found = reading_remarks(FOUND, RESIZE, FOLDER, is_chosen=False)
    assert found == (
        "2 of the folder's files are transparent, and drawn on white: cat/a.png, …; Keras's loaders drop the "
        "transparency: --reading keras-dataset, or --alpha drop",
        "1 of the folder's files is marked by EXIF as turned or mirrored, and turned upright: dog/d.jpg; "
        "Keras's loaders do not turn them: --reading keras-dataset, or --exif ignore",
        "1 of the folder's files is 16 bits deep, and scaled to 0-255: cat/a.png; Keras's load_img clips them at 255: "
        "--reading keras-load-img, or --sixteen-bits clip",
    )
    assert all(map(advises_reading, found))


def test_what_was_chosen_is_said_without_advice() -> None:
    found = reading_remarks(FOUND, READINGS["keras-load-img"], FOLDER, is_chosen=True)
    assert [remark.partition(", and ")[2].partition(":")[0] for remark in found] == [
        "shown in their hidden colours",
        "left as they are stored",
        "clipped to white above 255",
    ]
    assert not any(map(advises_reading, found))
    black = replace(RESIZE, reading=ImageReading(alpha="black", sixteen_bits="high-byte"))
    told = " ".join(reading_remarks(FOUND, black, FOLDER, is_chosen=True))
    assert "drawn on black" in told
    assert "cut to their high byte" in told


def test_images_that_every_library_reads_alike_are_not_mentioned() -> None:
    assert reading_remarks({FOLDER / "a.png": Trait(0)}, RESIZE, FOLDER, is_chosen=False) == ()
    assert reading_remarks(FOUND, DIGIT, FOLDER, is_chosen=False) == ()
