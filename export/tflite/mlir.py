"""TensorFlow's quantizer of TFLite files, with ranges and float operators of one's own choice.

The functions are not part of TensorFlow's public interface, but its own converter and debugger call them with these
arguments (2.21).
"""

from collections.abc import Collection, Mapping
from importlib import import_module
from typing import Any

from ..ranges import Range
from .flatbuffer import pack, schema


def is_available() -> bool:
    """Tell whether this TensorFlow has the quantizer."""
    return _quantizer() is not None


def with_ranges(model: bytes, ranges: Mapping[int, Range]) -> bytes:
    """Return a float32 TFLite file with the ranges of its tensors written into it, by their numbers.

    Tensors are renamed to their numbers: what the quantizer is told by name, it takes for every tensor of this name.
    """
    root = schema.ModelT.InitFromPackedBuf(model, 0)
    for number, tensor in enumerate(root.subgraphs[0].tensors):
        tensor.name = tensor_name(number)
        if number in ranges:
            tensor.quantization = schema.QuantizationParametersT()
            tensor.quantization.min, tensor.quantization.max = ([end] for end in ranges[number])
    return pack(root)


def tensor_name(number: int) -> str:
    """Return the name of a tensor in a file made by `with_ranges`."""
    return f"t{number}"


def quantize(model: bytes, float_tensors: Collection[int]) -> bytes:
    """Return the file of `with_ranges` in int8, but for the operators that compute these tensors; float32 at both ends.

    Raises:
        RuntimeError: The quantizer cannot express the model.
    """
    found = _quantizer()
    if found is None:
        raise RuntimeError("this TensorFlow has no quantizer of TFLite files")
    return found(model, denylisted_nodes=[tensor_name(number) for number in sorted(float_tensors)] or None)


def _quantizer() -> Any:  # noqa: ANN401
    try:
        return import_module("tensorflow.lite.python.convert").mlir_quantize
    except (ImportError, AttributeError):
        return None
