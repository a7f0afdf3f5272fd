"""The built-in models, each a bundle beside this file."""

from pathlib import Path

from .errors import UnknownNameError, similar

PRETRAINED = ("mnist", "mnist-tiny")


def is_pretrained(name: object) -> bool:
    """Tell whether this is the name of a built-in model, not a path."""
    return isinstance(name, str) and name in PRETRAINED


def find_pretrained(name: str) -> Path:
    """Return the folder of a built-in bundle, or raise UnknownNameError."""
    if name not in PRETRAINED:
        raise UnknownNameError(f"unknown model {name!r}; {similar(name, PRETRAINED)}")
    return Path(__file__).parent / "models" / name
