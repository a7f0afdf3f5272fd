"""The values that the tensors of an ONNX graph take on images."""

from collections.abc import Collection

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
    """Run a graph, which stays unchanged, on images one by one, and count what some of its tensors hold.

    All of these tensors of one image are in memory together.

    Args:
        graph: A float graph with the shapes of its inner tensors, input `image`.
        tensors: Names of float32 tensors that nodes of the graph compute.
        images: uint8 of shape (N, H, W, C).
    """
    histograms = {name: Histogram() for name in tensors}
    session = _session(graph, tensors)
    names = list(histograms)
    for number, pixels in enumerate(calibration_inputs(images)):
        for name, values in zip(names, session.run(names, {INPUT_NAME: pixels}), strict=True):
            histograms[name].add(values, offset=number)
    return histograms


def _session(graph: onnx.ModelProto, outputs: Collection[str]) -> onnxruntime.InferenceSession:
    watched = onnx.ModelProto()
    watched.CopyFrom(graph)
    given = {value.name for value in watched.graph.output}
    watched.graph.output.extend(
        value for value in watched.graph.value_info if value.name in outputs and value.name not in given
    )
    options = onnxruntime.SessionOptions()
    # Every operator computes what it says, by itself, and in the same order on every machine and in every run.
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = _ERRORS_ONLY
    return onnxruntime.InferenceSession(watched.SerializeToString(), options, providers=["CPUExecutionProvider"])
