"""Quantizes a float ONNX graph to int8, any of its nodes left in float."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
import onnx
from numpy.typing import NDArray

from ...inspection.reader import read_graph
from ...runtime.bundle.recipes import Format
from ..ranges import METHODS, Range, relative_noise
from .activations import measure_activations
from .quantize import prepare, quantize, tensors_to_quantize
from .weights import store_as_int8


@dataclass(frozen=True, kw_only=True, slots=True)
class Node:
    """A node of a graph.

    Attributes:
        number: Its place in the graph.
        kind: For example ``"Conv"``.
        name: As tf2onnx wrote it, or as ONNX Runtime did when it fused several.
        outputs: The names of the tensors that it computes.
    """

    number: int
    kind: str
    name: str
    outputs: tuple[str, ...]


class OnnxQuantizer:
    """Quantizes one float graph with measured ranges.

    Attributes:
        format: Of its files.
        operators: The graph's nodes, in its order, after ONNX Runtime has fused what needs no rounding in between.
        activations: The values that the tensors to quantize take on the calibration images, by their names.

    Args:
        graph: A float32 graph, as `float_graph` returns it; it stays unchanged.
        calibration: Images to measure activation ranges on, uint8 of shape (N, H, W, C).
        reduce_range: Keep weights to 7 bits; see `to_onnx`.
    """

    format = Format.ONNX

    def __init__(self, graph: onnx.ModelProto, calibration: NDArray[np.uint8], *, reduce_range: bool) -> None:
        self._prepared = prepare(graph)
        self._reduce_range = reduce_range
        self._chosen: dict[str, Mapping[str, Range]] = {}
        self.activations = measure_activations(self._prepared, tensors_to_quantize(self._prepared), calibration)
        self.operators = tuple(
            Node(number=number, kind=node.op_type, name=node.name, outputs=tuple(node.output))
            for number, node in enumerate(self._prepared.graph.node)
        )

    def quantize(self, method: str, float_operators: Collection[int] = ()) -> bytes:
        """Return a file that takes and gives float32, with int8 between QuantizeLinear and DequantizeLinear.

        Args:
            method: One of `METHODS`, which chooses the ranges.
            float_operators: Numbers of the nodes that compute in float32, with int8 weights all the same.
        """
        names = [node.name for node in self.operators if node.number in float_operators]
        proto = quantize(self._prepared, self._ranges(method), float_nodes=names, reduce_range=self._reduce_range)
        return (store_as_int8(proto) if names else proto).SerializeToString(deterministic=True)

    def partitions(self, file: bytes) -> int:
        """Return how many times a file changes to floats, and back."""
        return read_graph(file, self.format).float_islands or 0

    def noise(self, method: str) -> dict[int, float]:
        """Return, by node, how much rounding adds to what it computes: noise over signal, both squared."""
        ranges = self._ranges(method)
        noise = {name: relative_noise(values, ranges[name]) for name, values in self.activations.items()}
        return {
            one.number: max(noise[name] for name in one.outputs)
            for one in self.operators
            if noise.keys() >= set(one.outputs)
        }

    def _ranges(self, method: str) -> Mapping[str, Range]:
        if method not in self._chosen:
            choose = METHODS[method]
            self._chosen[method] = {name: choose(values) for name, values in self.activations.items()}
        return self._chosen[method]
