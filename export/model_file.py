"""A model file on its way into a bundle."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelFile:
    """A finished model file, and how much smaller it is than the converter's output, its metadata not counted."""

    content: bytes
    removed_bytes: int
