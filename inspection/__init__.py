"""Read .tflite and .onnx files without TensorFlow: tensors, operators, weights, MACs."""

from typing import TYPE_CHECKING

from ..runtime.lazy import list_names

if TYPE_CHECKING:
    from .graph_types import Graph as Graph
    from .graph_types import Operator as Operator
    from .reader import read_graph as read_graph

list_names(
    __name__,
    {
        ".graph_types": "Graph Operator",
        ".reader": "read_graph",
    },
)
