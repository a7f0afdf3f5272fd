"""Converts a Keras model to TFLite and ONNX, proves every file against the original, and writes the bundle."""

from ..runtime.variants import RECIPES as RECIPES
from ..runtime.variants import Format as Format
from ..runtime.variants import Recipe as Recipe
from ..runtime.variants import find_recipe as find_recipe
