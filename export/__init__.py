"""Converts a Keras model to TFLite and ONNX, proves every file against the original, and writes the bundle."""

from ..runtime.bundle.recipes import RECIPES as RECIPES
from ..runtime.bundle.recipes import Format as Format
from ..runtime.bundle.recipes import Recipe as Recipe
from ..runtime.bundle.recipes import find_recipe as find_recipe
