"""The values that the tensors of a float32 TFLite file take on images."""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from numpy.typing import NDArray

from ..ranges import Histogram


@dataclass(frozen=True, kw_only=True, slots=True)
class Activations:
    """The values of the tensors that depend on the image, by their number in the file.

    Attributes:
        names: Of these tensors.
        histograms: Their values.
        spreads: How wide the values spread, largest minus least, in the even images and in the odd ones.
        largest: The largest magnitude of each channel, which is the last axis: float32 of shape (channels,).
    """

    names: Mapping[int, str]
    histograms: Mapping[int, Histogram]
    spreads: tuple[Mapping[int, float], Mapping[int, float]]
    largest: Mapping[int, NDArray[np.float32]]


def measure_activations(model: bytes, images: NDArray[np.uint8]) -> Activations:
    """Run a float32 TFLite file on images, uint8 of shape (N, H, W, C), and collect what its tensors hold."""
    interpreter = _interpreter(model)
    computed = {index for node in interpreter._get_ops_details() for index in node["outputs"]}
    names = {
        tensor["index"]: tensor["name"]
        for tensor in interpreter.get_tensor_details()
        # Only these get a range; others are positions, sizes and decisions.
        if tensor["index"] in computed and tensor["dtype"] is np.float32
    }
    given = interpreter.get_input_details()[0]["index"]
    largest = dict[int, NDArray[np.float32]]()
    halves = [{index: Histogram() for index in names} for _ in range(2)]
    for number, image in enumerate(images):
        interpreter.set_tensor(given, image[np.newaxis].astype(np.float32))
        interpreter.invoke()
        for index, histogram in halves[number % 2].items():
            values = interpreter.get_tensor(index)
            histogram.add(values, offset=number)
            largest[index] = np.maximum(_largest_in_channels(values), largest.get(index, 0))
    even, odd = ({index: one.high - one.low for index, one in half.items()} for half in halves)
    histograms = {index: halves[0][index] + halves[1][index] for index in names}
    return Activations(names=names, histograms=histograms, spreads=(even, odd), largest=largest)


def _largest_in_channels(values: NDArray[np.float32]) -> NDArray[np.float32]:
    channels = values.shape[-1] if values.ndim else 1
    return np.abs(values).reshape(-1, channels).max(axis=0, initial=0)


def _interpreter(model: bytes) -> Interpreter:
    with warnings.catch_warnings():
        # It warns of the memory that keeping all tensors takes.
        warnings.simplefilter("ignore", UserWarning)
        interpreter = Interpreter(
            model_content=model,
            num_threads=1,
            experimental_preserve_all_tensors=True,
            # XNNPACK keeps the tensors between its operators to itself.
            experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
        )
    interpreter.allocate_tensors()
    return interpreter
