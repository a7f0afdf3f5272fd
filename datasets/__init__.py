"""Labelled images: readers, splits, fingerprints. NumPy only at import."""

from typing import TYPE_CHECKING

from ..runtime.lazy import list_names

if TYPE_CHECKING:
    from .dataset import DataOptions as DataOptions
    from .dataset import Dataset as Dataset
    from .evaluation import EvaluationImages as EvaluationImages
    from .evaluation import evaluation_images as evaluation_images
    from .loading import load_data as load_data

list_names(
    __name__,
    {
        ".dataset": "DataOptions Dataset",
        ".evaluation": "EvaluationImages evaluation_images",
        ".loading": "load_data",
    },
)
