"""One order and one set of names for what tf2onnx writes, whatever order it has met things in.

tf2onnx (1.17) sorts by names that end in numbers, which it counts through the whole process, and keeps an arbitrary one
of equal constants: a second conversion of a model gave other bytes, now and then or, of ConvNeXt, each time.
"""

import re
from collections import Counter

import onnx

from ...inspection.data_order import in_data_order
from ...inspection.onnx_bodies import graphs_in, read_by
from ..tracing.layer_names import LayerNames
from .finish import rename

_WITH_KERNEL = frozenset({"Conv", "ConvTranspose", "Gemm", "MatMul"})


def sort_nodes(graph: onnx.GraphProto) -> None:
    """Sort the nodes of a graph and of its bodies, in place: each behind those that it reads, first inputs first."""
    for inner in graphs_in(graph):
        nodes = list(inner.node)
        producers = {name: number for number, node in enumerate(nodes) for name in node.output}

        def needs(number: int, nodes: list[onnx.NodeProto] = nodes, producers: dict[str, int] = producers) -> list[int]:
            return [producers[name] for name in read_by(nodes[number]) if name in producers]

        outputs = [producers[one.name] for one in inner.output if one.name in producers]
        # What no output needs comes last.
        found = in_data_order([*outputs, *range(len(nodes))], needs)
        order = [onnx.NodeProto.FromString(nodes[number].SerializeToString()) for number in found]
        del inner.node[:]
        inner.node.extend(order)


def renumber(graph: onnx.GraphProto) -> None:
    """Count the numbers in tf2onnx's names from 1: it counts through the whole process, so that bytes would differ."""
    numbers: dict[str, str] = {}

    def renumbered(name: str) -> str:
        return re.sub(r"__\d+", lambda found: numbers.setdefault(found[0], f"__{len(numbers) + 1}"), name)

    rename(graph, renumbered, renumbered)


def arrange_constants(graph: onnx.GraphProto) -> None:
    """Name the initializers after the first nodes that read them, and sort them in this order, in place."""
    for inner in graphs_in(graph):
        names = _first_readers(inner)
        stored = {one.name: onnx.TensorProto.FromString(one.SerializeToString()) for one in inner.initializer}
        del inner.initializer[:]
        inner.initializer.extend(stored[name] for name in names)
        rename(inner, lambda name, names=names: names.get(name, name), lambda name: name)


def _first_readers(graph: onnx.GraphProto) -> dict[str, str]:
    """Return new names for the initializers of a graph, in the order in which its nodes read them.

    Those that nothing reads are not among them; those that are outputs come last, and keep their names.
    """
    stored = {one.name for one in graph.initializer}
    outputs = [value.name for value in graph.output if value.name in stored]
    names: dict[str, str] = {}
    for node in (node for inner in graphs_in(graph) for node in inner.node):
        for position, name in enumerate(node.input):
            if name in stored and name not in outputs:
                names.setdefault(name, f"{node.output[0]}/{position}")
    return names | {name: name for name in outputs}


def name_after_kernels(graph: onnx.GraphProto, names: LayerNames) -> None:
    """Put a kernel's name behind that of its node, in place: the node is named after what was folded into it.

    Where neither tells a layer, as of a depthwise convolution, whose kernel was turned, its bias does. Constants that
    several nodes share have an arbitrary name, and are left out.
    """
    constants = {constant.name for constant in graph.initializer}
    uses = Counter(name for node in graph.node for name in node.input)

    def tells_layer(constant: str) -> bool:
        return constant in constants and uses[constant] == 1 and names.layer_of(constant) is not None

    for node in graph.node:
        if node.op_type not in _WITH_KERNEL:
            continue
        kernel, *bias = node.input[1:]
        if tells_layer(kernel):
            node.name = f"{node.name};{kernel}"
        elif bias and names.layer_of(node.name) is None and tells_layer(bias[0]):
            node.name = f"{node.name};{bias[0]}"
