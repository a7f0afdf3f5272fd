"""Remarks on images that libraries read in different ways, and on which way was taken."""

from collections.abc import Mapping
from enum import Flag, auto
from pathlib import Path
from typing import TYPE_CHECKING

from ...runtime.bundle.model_metadata import Preprocessing
from ...runtime.images.orientation import METHODS, orientation_of
from ..wording import file_remark

if TYPE_CHECKING:
    from PIL.Image import Image

_OPAQUE = 255


class Trait(Flag):
    """Traits of an image that how it is read decides on."""

    TRANSPARENT = auto()
    TURNED = auto()
    SIXTEEN_BITS = auto()


NO_TRAITS = Trait(0)
ALL_TRAITS = Trait.TRANSPARENT | Trait.TURNED | Trait.SIXTEEN_BITS

_DONE: Mapping[Trait, tuple[str, Mapping[str, str]]] = {
    Trait.TRANSPARENT: (
        "transparent, and {}",
        {"white": "drawn on white", "black": "drawn on black", "drop": "shown in their hidden colours"},
    ),
    Trait.TURNED: (
        "marked by EXIF as turned or mirrored, and {}",
        {"apply": "turned upright", "ignore": "left as they are stored"},
    ),
    Trait.SIXTEEN_BITS: (
        "16 bits deep, and {}",
        {"scale": "scaled to 0-255", "high-byte": "cut to their high byte", "clip": "clipped to white above 255"},
    ),
}
_KERAS = {
    Trait.TRANSPARENT: "Keras's loaders drop the transparency: --reading keras-dataset, or --alpha drop",
    Trait.TURNED: "Keras's loaders do not turn them: --reading keras-dataset, or --exif ignore",
    Trait.SIXTEEN_BITS: "Keras's load_img clips them at 255: --reading keras-load-img, or --sixteen-bits clip",
}


def traits_of(image: "Image") -> Trait:
    """Return the traits of a decoded image, as it is stored."""
    found = NO_TRAITS
    if image.mode.startswith("I;16"):
        found |= Trait.SIXTEEN_BITS
    elif image.has_transparency_data and _least_alpha(image) < _OPAQUE:
        found |= Trait.TRANSPARENT
    return found | Trait.TURNED if orientation_of(image) in METHODS else found


def reading_remarks(
    traits: Mapping[Path, Trait], preprocessing: Preprocessing, folder: Path, *, is_chosen: bool
) -> tuple[str, ...]:
    """Return a sentence for each trait that images have, which says what was done with them.

    Args:
        traits: Of each image that was read.
        preprocessing: With which they were.
        folder: Remarks name files by their place in it.
        is_chosen: Whether the user, a record or a bundle has chosen the preprocessing; else the remarks say what there
            is to choose from.
    """
    if preprocessing.method == "digit":
        return ()  # whose ink is found in images of any kind
    reading = preprocessing.reading
    chosen = {
        Trait.TRANSPARENT: reading.alpha,
        Trait.TURNED: reading.orientation,
        Trait.SIXTEEN_BITS: reading.sixteen_bits,
    }
    return tuple(
        remark if is_chosen else f"{remark}; {_KERAS[trait]}"
        for trait, (what, done) in _DONE.items()
        for remark in file_remark(
            [path for path, has in traits.items() if trait in has], what.format(done[chosen[trait]]), folder
        )
    )


def advises_reading(remark: str) -> bool:
    """Tell whether a remark is one of `reading_remarks` that nobody has chosen yet.

    >>> advises_reading("2 of the folder's files are 16 bits deep, and scaled to 0-255; ... or --sixteen-bits clip")
    True
    """
    return any(remark.endswith(advice.rpartition(" or ")[2]) for advice in _KERAS.values())


def _least_alpha(image: "Image") -> int:
    """Return the lowest alpha of an image that may be transparent."""
    if image.mode not in ("RGBA", "LA"):
        image = image.convert("RGBA")
    low, _ = image.getchannel("A").getextrema()
    return int(low)  # pyright: ignore[reportArgumentType]  (of one channel)
