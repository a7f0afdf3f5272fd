"""Pairs of layers in a TFLite file whose channels go from one to the other one by one: scales can move between them."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..channel_scales import ChannelWeights
from .flatbuffer import schema

Table: TypeAlias = Any

_OPERATOR, _ACTIVATION = schema.BuiltinOperator, schema.ActivationFunctionType
_LAYERS = (_OPERATOR.CONV_2D, _OPERATOR.DEPTHWISE_CONV_2D, _OPERATOR.FULLY_CONNECTED)
# f(s x) = s f(x) for positive s; RELU6 is not among them.
_HOMOGENEOUS_ACTIVATIONS = (_ACTIVATION.NONE, _ACTIVATION.RELU)
_HOMOGENEOUS = (
    _OPERATOR.RELU,
    _OPERATOR.LEAKY_RELU,
    _OPERATOR.PRELU,
    _OPERATOR.MAX_POOL_2D,
    _OPERATOR.AVERAGE_POOL_2D,
    _OPERATOR.RESIZE_BILINEAR,
    _OPERATOR.RESIZE_NEAREST_NEIGHBOR,
)
_PADDING = (_OPERATOR.PAD, _OPERATOR.PADV2, _OPERATOR.MIRROR_PAD)
_REDUCING = (_OPERATOR.MEAN, _OPERATOR.REDUCE_MAX)
_SAME_ORDER = (_OPERATOR.RESHAPE, _OPERATOR.SQUEEZE, _OPERATOR.EXPAND_DIMS)


@dataclass(frozen=True, kw_only=True, slots=True)
class ChannelPair:
    """Two layers, and nothing but homogeneous operators on single channels between them.

    Attributes:
        first: Operator of the layer that makes the channels, of `schema.OperatorT`.
        second: Operator of the layer that reads them.
        tensors: Numbers of the tensors from the one to the other.
        channels: The channel that each input of the second layer reads, shape (inputs,): after a Flatten there are more
            inputs than channels.
    """

    first: Table
    second: Table
    tensors: tuple[int, ...]
    channels: NDArray[np.intp]


class GraphIndex:
    """Index of a float32 file's first subgraph: its layers, the readers and the shapes of tensors, constants."""

    def __init__(self, root: Table) -> None:
        self._root, self._graph = root, root.subgraphs[0]
        self._readers: dict[int, list[Table]] = {}
        for operator in self._graph.operators:
            for number in operator.inputs:
                self._readers.setdefault(int(number), []).append(operator)

    def pairs(self) -> Iterator[ChannelPair]:
        """Yield all pairs of layers with float32 constants for weights that no other operator reads."""
        for operator in self._graph.operators:
            if self._is_layer(operator) and operator.builtinOptions.fusedActivationFunction in _HOMOGENEOUS_ACTIVATIONS:
                pair = self._pair_from(operator)
                if pair is not None:
                    yield pair

    def constant(self, number: int) -> NDArray[np.float32] | None:
        """Return a copy of a float32 constant's values; None for other tensors."""
        return self._values(number, schema.TensorType.FLOAT32, np.float32)

    def channel_weights(self, layer: Table, values: NDArray[np.float32]) -> ChannelWeights:
        """Return a view of a layer's weights, `values`, in which outputs and inputs have axes of their own."""
        inputs, outputs = self.shape(layer.inputs[0])[-1], values.shape[0]
        if self._code(layer) == _OPERATOR.FULLY_CONNECTED:
            return values.reshape(1, outputs, -1, 1)
        if self._code(layer) == _OPERATOR.DEPTHWISE_CONV_2D:
            return values.reshape(-1, inputs, values.shape[3] // inputs, 1).transpose(1, 2, 3, 0)
        of_group = values.shape[3]
        groups = inputs // of_group
        return values.reshape(groups, outputs // groups, -1, of_group).transpose(0, 1, 3, 2)

    def only_reader(self, number: int) -> Table | None:
        """Return the one operator that reads a tensor, and reads it once; None for a tensor that is an output."""
        readers = self._readers.get(number, [])
        return readers[0] if len(readers) == 1 and number not in self._graph.outputs else None

    def shape(self, number: int) -> tuple[int, ...]:
        """Return the shape of a tensor."""
        return tuple(int(size) for size in self._graph.tensors[number].shape)

    def _code(self, operator: Table) -> int:
        code = self._root.operatorCodes[operator.opcodeIndex]
        return max(code.builtinCode, code.deprecatedBuiltinCode)

    def _values(self, number: int, kind: int, dtype: type[np.generic]) -> NDArray[Any] | None:
        tensor = self._graph.tensors[number]
        data = self._root.buffers[tensor.buffer].data
        if tensor.type != kind or data is None or not len(data):
            return None
        return np.frombuffer(bytes(data), dtype).reshape(tensor.shape).copy()

    def _is_layer(self, operator: Table) -> bool:
        if self._code(operator) not in _LAYERS or self.constant(operator.inputs[1]) is None:
            return False
        biased = len(operator.inputs) > 2 and operator.inputs[2] >= 0
        unbiased_or_constant = not biased or self.constant(operator.inputs[2]) is not None
        return unbiased_or_constant and self.only_reader(operator.inputs[1]) is operator

    def _pair_from(self, first: Table) -> ChannelPair | None:
        number = int(first.outputs[0])
        tensors, channels = [number], np.arange(self.shape(number)[-1])
        while (operator := self.only_reader(number)) is not None and operator.inputs[0] == number:
            if self._is_layer(operator):
                read = self._repeated(channels, self._inputs_of(operator, len(channels)))
                if read is None:
                    return None
                return ChannelPair(first=first, second=operator, tensors=tuple(tensors), channels=read)
            passed = self._passed(operator, channels)
            if passed is None:
                return None
            number, channels = int(operator.outputs[0]), passed
            tensors.append(number)
        return None

    def _passed(self, operator: Table, channels: NDArray[np.intp]) -> NDArray[np.intp] | None:
        """Return the channels along the last axis of its output; None where it mixes them or is not homogeneous."""
        code, options = self._code(operator), operator.builtinOptions
        fused = getattr(options, "fusedActivationFunction", _ACTIVATION.NONE)
        if code in _SAME_ORDER:
            return self._repeated(channels, self.shape(operator.outputs[0])[-1])
        if code in _PADDING:
            return channels if self._pads_others_with_zero(operator) else None
        if code in _REDUCING:
            return channels if self._reduces_others(operator) else None
        return channels if code in _HOMOGENEOUS and fused in _HOMOGENEOUS_ACTIVATIONS else None

    @staticmethod
    def _repeated(channels: NDArray[np.intp], size: int) -> NDArray[np.intp] | None:
        """Return the channels along an axis of this size, the last one, of the same numbers in the same order."""
        return None if size % len(channels) else np.tile(channels, size // len(channels))

    def _inputs_of(self, layer: Table, given: int) -> int:
        """Return how many inputs a layer has: a fully connected one takes those of several positions together."""
        return self.shape(layer.inputs[1])[1] if self._code(layer) == _OPERATOR.FULLY_CONNECTED else given

    def _pads_others_with_zero(self, operator: Table) -> bool:
        sizes = self._integers(operator.inputs[1])
        value = self.constant(operator.inputs[2]) if self._code(operator) == _OPERATOR.PADV2 else np.zeros(1)
        return sizes is not None and not sizes[-1].any() and value is not None and not value.any()

    def _reduces_others(self, operator: Table) -> bool:
        axes, rank = self._integers(operator.inputs[1]), len(self.shape(operator.inputs[0]))
        return axes is not None and rank - 1 not in (axes % rank).ravel()

    def _integers(self, number: int) -> NDArray[np.int32] | None:
        return self._values(number, schema.TensorType.INT32, np.int32)
