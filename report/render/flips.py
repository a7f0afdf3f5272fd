"""The images that a variant answers otherwise than Keras, each once, with all answers."""

import io
from base64 import b64encode
from collections import defaultdict
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ...metrics.types import Flip
from ..model import Report
from ..naming import row_name
from ..raw_data import RawData

MOST_TILES = 400
_LONGEST_SIDE = 112  # pixels
_SMALL = 64  # pixels: up to this size images are shown as they are, enlarged pixel by pixel
_COLOURS = 256  # of a reduced photograph: enough for a thumbnail, at a third of the bytes


class Kind(StrEnum):
    """The meaning of an answer other than Keras's, as the page names it."""

    BROKEN = "broken"
    FIXED = "fixed"
    BOTH_WRONG = "both wrong"
    DIFFERS = "differs"


@dataclass(frozen=True, kw_only=True, slots=True)
class FlippedAnswer:
    """An answer of some variants.

    Attributes:
        label: The class.
        kind: Its meaning.
        variants: Names and probabilities of those that answer so.
    """

    label: str
    kind: Kind
    variants: tuple[tuple[str, float], ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Tile:
    """An image and its answers.

    Attributes:
        position: Where it stands in the test set, from 0.
        name: What a user knows it as: a file's name below the folder, or a place in an array.
        png: A PNG file as a data URI.
        small: Whether the image is the image itself, to be enlarged pixel by pixel.
        truth: Its class; None without labels.
        keras: Keras's answer.
        keras_probability: How probable that one says it is, 0-1.
        answers: The other ones.
    """

    position: int
    name: str
    png: str
    small: bool
    truth: str | None
    keras: str
    keras_probability: float
    answers: tuple[FlippedAnswer, ...]

    @property
    def kind(self) -> Kind:
        """The most important thing that happened to the image."""
        order = list(Kind)
        return min((answer.kind for answer in self.answers), key=order.index)


def flipped_images(report: Report) -> int:
    """Count the images that any variant answers otherwise than Keras."""
    return len(_by_position(report))


def tiles(report: Report, raw_data: RawData) -> dict[Kind, list[Tile]]:
    """Return the tiles of at most `MOST_TILES` images in groups, the broken ones first; none is empty."""
    groups: dict[Kind, list[Tile]] = {}
    for flips in worst_flips(report, MOST_TILES):
        tile = _tile(report, raw_data.picture(flips[0][1].position), flips)
        groups.setdefault(tile.kind, []).append(tile)
    return groups


def worst_flips(report: Report, most: int) -> list[list[tuple[str, Flip]]]:
    """Return the flips of so many images, each with the name of its variant, the broken images first."""
    flips = _by_position(report)
    order = list(Kind)
    worst = {i: min(order.index(kind_of(flip, flip.found)) for _, flip in found) for i, found in flips.items()}
    return [flips[position] for position in sorted(flips, key=lambda i: (worst[i], i))[:most]]


def thumbnail(image: NDArray[np.uint8]) -> str:
    """Return an image as a data URI of a PNG file of at most 112 x 112 pixels.

    Args:
        image: uint8 of shape (H, W, C), values 0-255; of three channels all are shown, else the first, in grey.
    """
    shown = Image.fromarray(image if image.shape[2] == 3 else image[:, :, 0])
    if max(shown.size) > _LONGEST_SIDE:
        shown.thumbnail((_LONGEST_SIDE, _LONGEST_SIDE))
        if shown.mode == "RGB":
            shown = shown.quantize(_COLOURS)
    content = io.BytesIO()
    shown.save(content, format="png", optimize=True)
    return f"data:image/png;base64,{b64encode(content.getvalue()).decode()}"


def _by_position(report: Report) -> dict[int, list[tuple[str, Flip]]]:
    found: dict[int, list[tuple[str, Flip]]] = defaultdict(list)
    for row in report.rows:
        for flip in row.comparison.flips:
            found[flip.position].append((row_name(report, row), flip))
    return found


def _tile(report: Report, image: NDArray[np.uint8], flips: list[tuple[str, Flip]]) -> Tile:
    classes = report.data.classes
    first = flips[0][1]
    found = [
        FlippedAnswer(
            label=classes[answer],
            kind=kind_of(first, answer),
            variants=tuple((name, flip.found_probability) for name, flip in flips if flip.found == answer),
        )
        for answer in dict.fromkeys(flip.found for _, flip in flips)
    ]
    return Tile(
        position=first.position,
        name=report.data.image_name(first.position),
        png=thumbnail(image),
        small=max(image.shape[:2]) <= _SMALL,
        truth=None if first.truth is None else classes[first.truth],
        keras=classes[first.reference],
        keras_probability=first.reference_probability,
        answers=tuple(found),
    )


def kind_of(flip: Flip, answer: int) -> Kind:
    """Return the meaning of an answer to a flip's image."""
    if flip.truth is None:
        return Kind.DIFFERS
    if flip.reference == flip.truth:
        return Kind.BROKEN
    return Kind.FIXED if answer == flip.truth else Kind.BOTH_WRONG
