"""Converts a Keras model to ONNX."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cached_property
from typing import Any

import keras
import numpy as np
import onnx
from numpy.typing import NDArray
from onnxruntime.transformers.float16 import convert_float_to_float16
from onnxruntime.transformers.onnx_model import OnnxModel

from ...runtime.bundle.model_metadata import Description
from ...runtime.bundle.recipes import Format, Recipe
from ..conversion import Conversion, Unfinished
from ..model_file import ModelFile
from ..tracing.layer_names import LayerNames
from .equalization import equalize
from .finish import finish
from .float_graph import FloatGraph, float_graph
from .quantizer import OnnxQuantizer
from .weights import store_as_int8


def to_onnx(
    model: keras.Model,
    recipe: Recipe,
    calibration: NDArray[np.uint8] | None = None,
    *,
    description: Description | None = None,
    reduce_range: bool = True,
) -> bytes:
    """Convert a model to an ONNX file for any batch size.

    Args:
        model: Takes float32 pixels 0-255 of shape (batch, H, W, C), only the batch open; see `serving_model`.
        recipe: How weights and activations are stored; input and output are float32 in every recipe.
        calibration: Images for a calibrated recipe to measure and to choose activation ranges on, 0-255, shape
            (N, H, W, C).
        description: Stored in the file as its metadata.
        reduce_range: Store int8 weights in 7 bits, which are right on every CPU. With 8, x86 CPUs with AVX2 but without
            VNNI saturate inside a multiply-add and lose up to a fifth of the output's span, silently.

    Returns:
        The file's content: ONNX at opset 17, input `image` in NHWC, output `probabilities`.

    Raises:
        SpecMismatchError: The recipe has no ONNX format, images do not fit, or tf2onnx cannot express the model.
    """
    with OnnxConversion(model, calibration, reduce_range=reduce_range) as conversion:
        return conversion.convert(recipe, description).content


class OnnxConversion(Conversion):
    """Converts one model to ONNX with any recipe; see `to_onnx`.

    Args:
        reduce_range: Whether int8 weights keep to 7 bits; see `to_onnx`.
    """

    format = Format.ONNX

    # All other arguments are those of Conversion.
    def __init__(self, *arguments: Any, reduce_range: bool = True, **options: Any) -> None:  # noqa: ANN401
        super().__init__(*arguments, **options)
        self._reduce_range = reduce_range

    @cached_property
    def float_graph(self) -> FloatGraph:
        """The graph that every recipe starts from."""
        return float_graph(self._model)

    @property
    def names(self) -> LayerNames:
        """What the converter's names mean."""
        return self.float_graph.names

    @cached_property
    def plain_quantizer(self) -> OnnxQuantizer:
        """Of the float graph as it is."""
        return OnnxQuantizer(self.float_graph.proto, self._images, reduce_range=self._reduce_range)

    def equalized_quantizer(self) -> tuple[OnnxQuantizer | None, tuple[str, ...]]:
        """Return that of the graph with equalized channels and the changed layers; None where nothing calls for it."""
        graph, changed = equalize(self.float_graph.proto, self._images)
        if not changed:
            return None, ()
        quantizer = OnnxQuantizer(graph, self._images, reduce_range=self._reduce_range)
        return quantizer, self._layers_named(one.tensor for one in changed)

    def _idle(self) -> str | None:
        if self._budget is None:
            return "only a budget of accuracy asks for it: --max-drop-points"
        static = self.chosen.evaluation
        if static is None or not self._budget.holds(static):
            return None
        return f"static_wi8_ai8.onnx keeps to the budget: {static}"

    def _make(self, recipe: Recipe) -> Unfinished:
        return _MADE[recipe.name](self)

    def _finish(self, made: Unfinished, description: Description | None, names: LayerNames | None) -> ModelFile:
        content = onnx.load_from_string(made.content) if isinstance(made.content, bytes) else made.content
        file = finish(content, description=description, names=names)
        return replace(file, ranges=made.ranges, float_layers=made.float_layers, notes=made.notes)

    @property
    def _own_copy(self) -> onnx.ModelProto:
        proto = onnx.ModelProto()
        proto.CopyFrom(self.float_graph.proto)
        return proto

    def _float16(self) -> Unfinished:
        halved = convert_float_to_float16(self._own_copy, keep_io_types=True)
        OnnxModel(halved).topological_sort()  # the casts of input and output stand last
        return Unfinished(content=halved)

    def _mixed_to_budget(self) -> Unfinished:
        return self._mixed(frozenset(), self._alternatives)

    def _alternatives(self) -> dict[str, bytes]:
        return {"weight_only_wi8_afp32": store_as_int8(self.float_graph.proto).SerializeToString(deterministic=True)}


_MADE: Mapping[str, Callable[[OnnxConversion], Unfinished]] = {
    "float32": lambda own: Unfinished(content=own._own_copy),
    "float16": OnnxConversion._float16,
    "weight_only_wi8_afp32": lambda own: Unfinished(content=store_as_int8(own.float_graph.proto)),
    "static_wi8_ai8": OnnxConversion._static,
    "mixed_wi8_ai8": OnnxConversion._mixed_to_budget,
}
