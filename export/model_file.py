"""A model file on its way into a bundle."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelFile:
    """A finished model file.

    Attributes:
        content: All of it.
        removed_bytes: How much smaller it is than the converter's output, its metadata not counted.
        ranges: The method that chose activation ranges; None where there are none, or the converter chose them.
        float_layers: Keras layers that compute in float32; None where the recipe says what does.
        notes: Remarks for the user.
    """

    content: bytes
    removed_bytes: int
    ranges: str | None = None
    float_layers: tuple[str, ...] | None = None
    notes: tuple[str, ...] = ()
