"""One order and one set of names for what tf2onnx writes, whatever order it has met things in.

tf2onnx (1.17) sorts by names that end in numbers, which it counts through the whole process, and keeps an arbitrary one
of equal constants: a second conversion of a model gave other bytes, now and then or, of ConvNeXt, each time.
"""

import re
from collections.abc import Iterator

import onnx

from .finish import graphs_in, rename


def sort_nodes(graph: onnx.GraphProto) -> None:
    """Sort the nodes of a graph and of its bodies, in place: each behind those that it reads, first inputs first."""
    for inner in graphs_in(graph):
        order = [onnx.NodeProto.FromString(node.SerializeToString()) for node in _behind_inputs(inner)]
        del inner.node[:]
        inner.node.extend(order)


def _behind_inputs(graph: onnx.GraphProto) -> Iterator[onnx.NodeProto]:
    """Yield the nodes that the outputs need, and then the others."""
    producers = {name: node for node in graph.node for name in node.output}
    done: set[int] = set()
    # A path from an output to the input may be longer than Python's stack.
    waiting = [*reversed(graph.node), *(producers[one.name] for one in reversed(graph.output) if one.name in producers)]
    while waiting:
        node = waiting[-1]
        missing = [producers[name] for name in _read_by(node) if name in producers]
        missing = [one for one in missing if id(one) not in done]
        if missing and id(node) not in done:
            waiting += reversed(missing)
            continue
        waiting.pop()
        if id(node) not in done:
            done.add(id(node))
            yield node


def _read_by(node: onnx.NodeProto) -> Iterator[str]:
    """Yield the tensors that a node reads, its bodies' included."""
    yield from node.input
    for attribute in node.attribute:
        for body in (attribute.g, *attribute.graphs):
            for inner in graphs_in(body):
                for one in inner.node:
                    yield from one.input
                yield from (value.name for value in inner.output)


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
