"""Convert a Keras model to TFLite and ONNX, verify every file against the reference, and write the bundle."""

from typing import TYPE_CHECKING

from ..runtime.lazy import list_names

if TYPE_CHECKING:
    from ..runtime.bundle.manifest import Manifest as Manifest
    from ..runtime.bundle.recipes import RECIPES as RECIPES
    from ..runtime.bundle.recipes import Format as Format
    from ..runtime.bundle.recipes import Recipe as Recipe
    from ..runtime.bundle.recipes import find_recipe as find_recipe
    from .accuracy_budget import AccuracyBudget as AccuracyBudget
    from .bundle import export_bundle as export_bundle
    from .onnx.convert import to_onnx as to_onnx
    from .options import ExportOptions as ExportOptions
    from .tflite.convert import to_tflite as to_tflite

list_names(
    __name__,
    {
        "..runtime.bundle.manifest": "Manifest",
        "..runtime.bundle.recipes": "find_recipe Format Recipe RECIPES",
        ".accuracy_budget": "AccuracyBudget",
        ".bundle": "export_bundle",
        ".onnx.convert": "to_onnx",
        ".options": "ExportOptions",
        ".tflite.convert": "to_tflite",
    },
    extra="export",
)
