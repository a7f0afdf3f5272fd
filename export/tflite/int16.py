"""TensorFlow's quantizer of int16 activations, with ranges of one's own.

TensorFlow's converter measures the ranges and quantizes in one go. What is always 0, say behind a border that is black
in all images, gets the scale 0 then, and weights that it shares with others an infinite one. The quantizer takes the
ranges that the file has where nothing was measured. Its class is not part of TensorFlow's public interface (2.21).
"""

from collections import defaultdict
from collections.abc import Sequence
from copy import copy
from importlib import import_module
from typing import Any

import numpy as np

from .flatbuffer import inputs_of, kind_of, pack, schema

# Where an operator reads its bias, behind input and weights.
_BIAS = 2
_WITH_BIAS = frozenset({"CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"})


def is_available() -> bool:
    """Tell whether this TensorFlow has the quantizer."""
    return _calibrator() is not None


def quantize(model: bytes) -> bytes:
    """Return a file with weights of int8 and activations of int16, float32 at both ends, as the int16 recipe has it.

    Operators without an int16 kernel stay in float.

    Args:
        model: A float32 TFLite file with ranges, see `mlir.with_ranges`.

    Raises:
        RuntimeError: The quantizer cannot express the model.
    """
    calibrator = _calibrator()
    if calibrator is None:
        raise RuntimeError("this TensorFlow has no quantizer of int16 activations")
    # It reads the memory of this object to the end, without holding it.
    prepared = calibrator.add_intermediate_tensors(_with_own_biases(model))
    quantizer = calibrator.Calibrator(prepared)._calibrator
    quantizer.Prepare()
    float32, int16, int64 = (np.dtype(name).num for name in ("float32", "int16", "int64"))
    # Inputs, outputs, whether floats are allowed, activations, biases; whether weights have one scale for all channels:
    # all weights, those of dense layers.
    return quantizer.QuantizeModel(float32, float32, True, int16, int64, False, False)


def _with_own_biases(model: bytes) -> bytes:
    """Return the file with a bias for each kind of products that it is added to, by weights and range of the input.

    Layers that are called again, as a recurrent cell is for every step, share one bias. Its scale is that of the
    products, and the quantizer takes the one of the last call for all.
    """
    root = schema.ModelT.InitFromPackedBuf(model, 0)
    known: dict[int, dict[object, int]] = defaultdict(dict)
    for one in root.subgraphs[0].operators:
        inputs = inputs_of(one)
        if kind_of(root, one) not in _WITH_BIAS or not _is_constant(root, inputs[_BIAS:]):
            continue
        given, weights, bias = inputs
        own, key = known[bias], (weights, _range_of(root, given))
        if key not in own:
            own[key] = _copied(root, bias) if own else bias
        one.inputs = [given, weights, own[key]]
    return pack(root)


def _is_constant(root: Any, bias: Sequence[int]) -> bool:  # noqa: ANN401
    """Tell whether an operator has a bias that is stored in the file."""
    if not bias or bias[0] < 0:
        return False
    data = root.buffers[root.subgraphs[0].tensors[bias[0]].buffer].data
    return data is not None and len(data) > 0


def _range_of(root: Any, tensor: int) -> tuple[float, float] | None:  # noqa: ANN401
    """Return the range of a tensor; None for one that does not depend on the image."""
    found = root.subgraphs[0].tensors[tensor].quantization
    return None if found is None or found.min is None else (found.min[0], found.max[0])


def _copied(root: Any, tensor: int) -> int:  # noqa: ANN401
    """Add a tensor with the values of another, and return its number."""
    tensors = root.subgraphs[0].tensors
    made = copy(tensors[tensor])
    # The quantizer writes integers over the floats, once for each tensor.
    root.buffers.append(copy(root.buffers[made.buffer]))
    made.buffer = len(root.buffers) - 1
    tensors.append(made)
    return len(tensors) - 1


def _calibrator() -> Any:  # noqa: ANN401
    try:
        return import_module("tensorflow.lite.python.optimize.calibrator")
    except ImportError:
        return None
