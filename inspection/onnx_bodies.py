"""The bodies of loops and branches in ONNX graphs, which read the tensors around them."""

from collections.abc import Iterator

import onnx


def graphs_in(graph: onnx.GraphProto) -> Iterator[onnx.GraphProto]:
    """Yield a graph and the bodies of loops and branches in it, outer ones first."""
    yield graph
    for node in graph.node:
        for body in _bodies(node):
            yield from graphs_in(body)


def read_by(node: onnx.NodeProto) -> Iterator[str]:
    """Yield the tensors that a node reads, its bodies' included."""
    yield from node.input
    for body in _bodies(node):
        for inner in graphs_in(body):
            for one in inner.node:
                yield from one.input
            yield from (value.name for value in inner.output)


def _bodies(node: onnx.NodeProto) -> Iterator[onnx.GraphProto]:
    for attribute in node.attribute:
        yield from (body for body in (attribute.g, *attribute.graphs) if body.node or body.output)
