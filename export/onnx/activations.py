"""The values that the tensors of an ONNX graph take on images."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray

from ..ranges import Histogram
from ..samples import calibration_inputs
from .finish import INPUT_NAME

_ERRORS_ONLY = 3


def measure_activations(
    graph: onnx.ModelProto, tensors: Collection[str], images: NDArray[np.uint8]
) -> dict[str, Histogram]:
    """Run a graph on images, and count what some of its tensors hold; see `computed_tensors`."""
    histograms = {name: Histogram() for name in tensors}
    for number, computed in enumerate(computed_tensors(graph, tensors, images)):
        for name, values in computed.items():
            histograms[name].add(values, offset=number)
    return histograms


def computed_tensors(
    graph: onnx.ModelProto, tensors: Collection[str], images: NDArray[np.uint8]
) -> Iterator[Mapping[str, NDArray[Any]]]:
    """Run a graph, which stays unchanged, on images one by one, and yield for each what some of its tensors hold.

    All of these tensors of one image are in memory together.

    Args:
        graph: A float graph, input `image`.
        tensors: Names of tensors that nodes of the graph compute.
        images: uint8 of shape (N, H, W, C).
    """
    session, names = _session(graph, tensors), list(tensors)
    for pixels in calibration_inputs(images):
        # Typed as if a model could give anything.
        computed: Any = session.run(names, {INPUT_NAME: pixels})
        yield dict(zip(names, computed, strict=True))


def _session(graph: onnx.ModelProto, outputs: Collection[str]) -> onnxruntime.InferenceSession:
    watched = onnx.ModelProto()
    watched.CopyFrom(graph)
    given = {value.name for value in watched.graph.output}
    watched.graph.output.extend(onnx.ValueInfoProto(name=name) for name in outputs if name not in given)
    options = onnxruntime.SessionOptions()
    # Every operator computes what it says, by itself, and in the same order on every machine and in every run.
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = _ERRORS_ONLY
    return onnxruntime.InferenceSession(watched.SerializeToString(), options, providers=["CPUExecutionProvider"])
