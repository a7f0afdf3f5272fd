"""Choices in reading an image file, before it is resized: libraries make them each in their own way."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from ..errors import UnknownNameError

if TYPE_CHECKING:
    from numpy.typing import NDArray

CHOICES: Mapping[str, tuple[str, ...]] = {
    "alpha": ("white", "black", "drop"),
    "orientation": ("apply", "ignore"),
    "sixteen_bits": ("scale", "high-byte", "clip"),
    "colour_order": ("rgb", "bgr"),
    "arithmetic": ("edgeproof", "tensorflow", "pillow"),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class ImageReading:
    """Choices in reading an image file; the defaults are those of all files of version 1.

    Attributes:
        alpha: What transparent images are drawn on, ``"white"`` or ``"black"``; ``"drop"`` shows their hidden colours.
        orientation: Whether EXIF's orientation is applied, or ``"ignore"``: images stay as they are stored.
        sixteen_bits: How gray values of 16 bits become 8: ``"scale"`` divides by 257 and rounds, ``"high-byte"``
            divides by 256 and rounds down, ``"clip"`` makes all above 255 white.
        colour_order: ``"rgb"``, or ``"bgr"`` for models that have learned from OpenCV's order. Arrays have the model's.
        arithmetic: Whose JPEG transform, gray of colours and places between pixels are computed: ``"edgeproof"``,
            ``"tensorflow"`` or ``"pillow"``.

    Raises:
        UnknownNameError: A choice is not one of `CHOICES`.
    """

    alpha: str = "white"
    orientation: str = "apply"
    sixteen_bits: str = "scale"
    colour_order: str = "rgb"
    arithmetic: str = "edgeproof"

    def __post_init__(self) -> None:
        for name, possible in CHOICES.items():
            chosen = getattr(self, name)
            if chosen not in possible:
                raise UnknownNameError(f"unknown {name} {chosen!r}; possible: {', '.join(possible)}")

    def reorder(self, pixels: "NDArray[Any]") -> "NDArray[Any]":
        """Turn the channels, the last axis, from RGB to the model's order, or back; a view, if they change."""
        return pixels[..., ::-1] if self.colour_order == "bgr" else pixels

    def __str__(self) -> str:
        """List the choices that are not the defaults."""
        chosen = ((field.name, getattr(self, field.name), field.default) for field in fields(self))
        return ", ".join(f"{name.replace('_', ' ')} {value}" for name, value, default in chosen if value != default)


DEFAULT_READING = ImageReading()
AS_TENSORFLOW = ImageReading(alpha="drop", orientation="ignore", sixteen_bits="high-byte", arithmetic="tensorflow")
AS_PILLOW = ImageReading(alpha="drop", orientation="ignore", sixteen_bits="clip", arithmetic="pillow")
