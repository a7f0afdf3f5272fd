"""An index of a float32 graph: the constants and the shapes of its tensors, and the nodes that read them."""

from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper

from ...inspection.onnx_bodies import graphs_in


class GraphIndex:
    """Index of a graph, which stays true to it as long as constants change through `replace` alone."""

    def __init__(self, proto: onnx.ModelProto) -> None:
        self.graph = proto.graph
        self._constants = {one.name: one for one in proto.graph.initializer}
        inferred = onnx.shape_inference.infer_shapes(proto, data_prop=True).graph
        self._shapes = {
            value.name: tuple(size.dim_value for size in value.type.tensor_type.shape.dim)
            for value in (*inferred.input, *inferred.value_info, *inferred.output)
        }
        # What loops and branches read is read elsewhere.
        _, *bodies = graphs_in(proto.graph)
        self._read_elsewhere = {value.name for value in proto.graph.output}
        self._read_elsewhere |= {name for body in bodies for node in body.node for name in node.input}
        self._readers: dict[str, list[onnx.NodeProto]] = {}
        for node in proto.graph.node:
            for name in node.input:
                self._readers.setdefault(name, []).append(node)

    def constant(self, name: str) -> NDArray[Any] | None:
        """Return a copy of an initializer's values; None for other tensors."""
        found = self._constants.get(name)
        return None if found is None else numpy_helper.to_array(found).copy()

    def floats(self, name: str) -> NDArray[np.float32] | None:
        """Return a copy of a float32 initializer's values; None for other tensors."""
        values = self.constant(name)
        return values if values is not None and values.dtype == np.float32 else None

    def shape(self, name: str) -> tuple[int, ...]:
        """Return the shape of a tensor, 0 for sizes that are open; () where not even the rank is known."""
        return self._shapes.get(name, ())

    def only_reader(self, name: str) -> onnx.NodeProto | None:
        """Return the one node that reads a tensor, and reads it once; None for the graph's outputs."""
        readers = self._readers.get(name, [])
        return readers[0] if len(readers) == 1 and name not in self._read_elsewhere else None

    def replace(self, node: onnx.NodeProto, position: int, values: NDArray[np.float32]) -> None:
        """Change a node's constant, and that of no other node."""
        name = node.input[position]
        if self.only_reader(name) is node:
            self._constants[name].CopyFrom(numpy_helper.from_array(values, name))
            return
        self._readers[name].remove(node)
        own = next(made for k in range(len(self._constants) + 1) if (made := f"{name}_{k}") not in self._constants)
        self.graph.initializer.append(numpy_helper.from_array(values, own))
        self._constants[own], self._readers[own] = self.graph.initializer[-1], [node]
        node.input[position] = own
