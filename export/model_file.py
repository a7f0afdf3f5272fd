"""A model file as it goes into a bundle."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelFile:
    """A file's content, and what tidying it has saved.

    Attributes:
        content: The whole file.
        removed_bytes: How much smaller it is than what the converter gave, its description of itself left aside.
    """

    content: bytes
    removed_bytes: int
