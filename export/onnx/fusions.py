"""Fusion of operators that tf2onnx writes out as arithmetic: one rounds once where four round four times."""

import numpy as np
import onnx
from onnx import helper, numpy_helper

from ...inspection.onnx_bodies import graphs_in

_SIXTH = 1 / 6


def fuse_hard_activations(graph: onnx.GraphProto) -> None:
    """Write ``clip(x + 3, 0, 6) / 6`` as HardSigmoid and ``x * hard_sigmoid(x)`` as HardSwish, in place."""
    matcher = _Matcher(graph)
    for clip in [node for node in graph.node if node.op_type == "Clip"]:
        add, divide = matcher.producer(clip.input[0]), matcher.only_consumer(clip.output[0])
        if add is None or divide is None or [matcher.scalar(name) for name in clip.input[1:]] != [0, 6]:
            continue
        x = matcher.other_input(add, "Add", 3)
        if x is None or matcher.other_input(divide, "Mul", _SIXTH) != clip.output[0]:
            continue
        if matcher.only_consumer(add.output[0]) is not clip:
            continue
        fused = helper.make_node("HardSigmoid", [x], [divide.output[0]], name=divide.name, alpha=_SIXTH, beta=0.5)
        multiply = matcher.only_consumer(divide.output[0])
        gone = [add, clip, divide]
        factors = sorted((x, divide.output[0]))
        if multiply is not None and multiply.op_type == "Mul" and sorted(multiply.input) == factors:
            fused = helper.make_node("HardSwish", [x], [multiply.output[0]], name=multiply.name)
            gone.append(multiply)
        graph.node.insert(list(graph.node).index(gone[-1]), fused)
        for node in gone:
            graph.node.remove(node)
        matcher = _Matcher(graph)


class _Matcher:
    """Index of a graph: the producer, the consumers and the constant value of each tensor."""

    def __init__(self, graph: onnx.GraphProto) -> None:
        self._producers = {name: node for node in graph.node for name in node.output}
        self._consumers: dict[str, list[onnx.NodeProto]] = {}
        for node in (node for inner in graphs_in(graph) for node in inner.node):
            for name in node.input:
                self._consumers.setdefault(name, []).append(node)
        self._constants = {one.name: numpy_helper.to_array(one) for one in graph.initializer}
        self._outputs = {value.name for value in graph.output}

    def producer(self, name: str) -> onnx.NodeProto | None:
        return self._producers.get(name)

    def only_consumer(self, name: str) -> onnx.NodeProto | None:
        consumers = self._consumers.get(name, [])
        return consumers[0] if len(consumers) == 1 and name not in self._outputs else None

    def scalar(self, name: str) -> float | None:
        """Return the one number that a constant holds; None for anything else."""
        constant = self._constants.get(name)
        return float(constant.item()) if constant is not None and constant.size == 1 else None

    def other_input(self, node: onnx.NodeProto, operator: str, constant: float) -> str | None:
        """Return the input besides this constant, if the node is this operator and has both."""
        if node.op_type != operator or len(node.input) != 2:
            return None
        for own, other in (node.input, reversed(node.input)):
            number = self.scalar(own)
            if number is not None and np.isclose(number, constant):
                return other
        return None
