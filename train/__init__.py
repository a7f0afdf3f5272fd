"""Build a Keras model, fit it, and record how."""

from typing import TYPE_CHECKING

from ..runtime.lazy import list_names

if TYPE_CHECKING:
    from .architecture import Architecture as Architecture
    from .options import FitOptions as FitOptions
    from .run import Trained as Trained
    from .run import train as train

list_names(
    __name__,
    {
        ".architecture": "Architecture",
        ".options": "FitOptions",
        ".run": "train Trained",
    },
    extra="train",
)
