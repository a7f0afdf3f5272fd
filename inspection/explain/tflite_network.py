"""TFLite files operator by operator, in LiteRT."""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated
from numpy.typing import NDArray

from ...runtime.engines.packages import LITERT
from ..tensor_names import OUTPUT_LAYER, layers_of
from .network import Arrays, NetworkOperator
from .stored import Stored
from .tflite_cut import cut
from .tflite_delegate import outside_delegate

schema: Any = schema_py_generated  # generated code without types
_NAMES = {code: name for name, code in vars(schema.BuiltinOperator).items() if isinstance(code, int)}
_DTYPES = {code: name.lower() for name, code in vars(schema.TensorType).items() if isinstance(code, int)}
CONVERSIONS = frozenset({"QUANTIZE", "DEQUANTIZE"})


class TfliteNetwork:
    """A TFLite file that shows what its operators compute; see `Network`.

    Args:
        model: The file's content.

    Attributes:
        listed: The operators as far as the file alone tells of them, whether or not an engine takes it.
    """

    channel_axis = -1

    def __init__(self, model: bytes) -> None:
        self._content = model
        self._root = schema.ModelT.InitFromPackedBuf(model, 0)
        graph = self._root.subgraphs[0]
        self._tensors: list[Stored] = [_stored(tensor, self._root.buffers) for tensor in graph.tensors]
        # The one that makes each tensor.
        self._makers = {index: operator for operator in graph.operators for index in operator.outputs}
        computing = [(i, one) for i, one in enumerate(graph.operators) if self._kind(one) not in CONVERSIONS]
        self._computing = [operator for _, operator in computing]
        self.listed = [self._described(operator, position) for position, operator in computing]
        if self.listed and not self.listed[-1].layers:
            self.listed[-1] = replace(self.listed[-1], layers=self._output_layer())

    @property
    def operators(self) -> Sequence[NetworkOperator]:
        """The operators; see `Network`."""
        return self._operators

    @cached_property
    def _operators(self) -> list[NetworkOperator]:
        outside = outside_delegate(_interpreter(self._content)._get_ops_details())
        return [replace(one, outside=one.position in outside) for one in self.listed]

    @cached_property
    def _interpreter(self) -> Any:  # noqa: ANN401
        return _interpreter(self._content, preserve=True)

    def run(self, image: NDArray[np.uint8]) -> None:
        """Compute all operators for one image; see `Network.run`."""
        [taken] = self._interpreter.get_input_details()
        self._interpreter.set_tensor(taken["index"], image[np.newaxis].astype(taken["dtype"]))
        self._interpreter.invoke()

    def output(self, index: int) -> NDArray[np.float32] | None:
        """Return an operator's real output; see `Network.output`."""
        tensor = self._computing[index].outputs[0]
        stored = self._tensors[tensor]
        return stored.decode(self._interpreter.get_tensor(tensor)) if stored.is_real else None

    def inputs(self, index: int) -> Arrays:
        """Return what an operator was given; see `Network.inputs`."""
        tensors = self._data(self._computing[index])
        return [self._tensors[tensor].decode(self._interpreter.get_tensor(tensor)) for tensor in tensors]

    def single(self, first: int, last: int) -> "_TfliteSingle | None":
        """Return an operator as a file of its own; see `Network.single`."""
        if first != last:
            return None
        operator = self._computing[first]
        touched = [*operator.inputs, *operator.outputs]
        if any(self._root.subgraphs[0].tensors[i].isVariable for i in touched if i >= 0):
            return None
        data = self._data(operator)
        unpacking = [self._makers[i] for i in operator.inputs if i >= 0 and i not in data and i in self._makers]
        content = cut(self._root, [*unpacking, operator], data, list(operator.outputs)[:1])
        try:
            return _TfliteSingle(content, [self._tensors[i] for i in data], self._tensors[operator.outputs[0]])
        except (ValueError, RuntimeError):  # LiteRT's words for a graph that it does not take
            return None

    def timer(self, image: NDArray[np.uint8]) -> Callable[[], object]:
        """Return a function that runs the file with the usual kernels; see `Network.timer`."""
        interpreter = _interpreter(self._content)
        [taken] = interpreter.get_input_details()
        interpreter.set_tensor(taken["index"], image[np.newaxis].astype(taken["dtype"]))
        return interpreter.invoke

    def _kind(self, operator: Any) -> str:  # noqa: ANN401
        code = self._root.operatorCodes[operator.opcodeIndex]
        builtin = max(code.builtinCode, code.deprecatedBuiltinCode)
        return (code.customCode or b"").decode(errors="replace") or _NAMES.get(builtin, f"BUILTIN_{builtin}")

    def _data(self, operator: Any) -> list[int]:  # noqa: ANN401
        """Return the tensors that an operator takes, but for constants, packed ones included."""
        return [i for i in operator.inputs if i >= 0 and not self._is_constant(i)]

    def _is_constant(self, index: int) -> bool:
        maker = self._makers.get(index)
        if maker is not None and self._kind(maker) == "DEQUANTIZE":
            return self._tensors[maker.inputs[0]].constant_bytes > 0
        return self._tensors[index].constant_bytes > 0

    def _described(self, operator: Any, position: int) -> NetworkOperator:  # noqa: ANN401
        output = self._tensors[operator.outputs[0]]
        low, high = output.span or (None, None)
        return NetworkOperator(
            kind=self._kind(operator),
            position=position,
            layers=layers_of(output.name),
            shape=output.shape,
            weight_bytes=sum(self._constant_bytes(i) for i in operator.inputs if i >= 0),
            stored=output.dtype,
            low=low,
            high=high,
        )

    def _constant_bytes(self, index: int) -> int:
        maker = self._makers.get(index)
        packed = maker is not None and self._kind(maker) == "DEQUANTIZE"
        return self._tensors[maker.inputs[0] if maker is not None and packed else index].constant_bytes

    def _output_layer(self) -> tuple[str, ...]:
        for entry in self._root.metadata or []:
            if entry.name == OUTPUT_LAYER.encode():
                return (bytes(self._root.buffers[entry.buffer].data).decode(errors="replace"),)
        return ()


class _TfliteSingle:
    """See `SingleOperator`."""

    def __init__(self, content: bytes, given: list[Stored], gives: Stored) -> None:
        self._content, self._given, self._gives = content, given, gives
        self._interpreter = _interpreter(content, builtin=True)
        self._places = [detail["index"] for detail in self._interpreter.get_input_details()]

    def rounded(self, given: Arrays) -> Arrays:
        return [stored.decode(stored.encode(real)) for stored, real in zip(self._given, given, strict=True)]

    def run(self, given: Arrays) -> NDArray[np.float32]:
        self._feed(self._interpreter, self._places, given)
        self._interpreter.invoke()
        return self._gives.decode(self._interpreter.get_tensor(self._interpreter.get_output_details()[0]["index"]))

    def timer(self, given: Arrays) -> Callable[[], object]:
        interpreter = _interpreter(self._content)
        self._feed(interpreter, [detail["index"] for detail in interpreter.get_input_details()], given)
        return interpreter.invoke

    def _feed(self, interpreter: Any, places: list[int], given: Arrays) -> None:  # noqa: ANN401
        for place, stored, real in zip(places, self._given, given, strict=True):
            interpreter.set_tensor(place, stored.encode(real))


def _interpreter(model: bytes, *, preserve: bool = False, builtin: bool = False) -> Any:  # noqa: ANN401
    module = LITERT.load("interpreter")
    resolvers = module.OpResolverType
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of the memory that keeping all tensors takes
        interpreter = module.Interpreter(
            model_content=model,
            num_threads=1,
            experimental_preserve_all_tensors=preserve,
            experimental_op_resolver_type=(
                resolvers.BUILTIN_WITHOUT_DEFAULT_DELEGATES if preserve or builtin else resolvers.AUTO
            ),
        )
        interpreter.allocate_tensors()
    return interpreter


def _stored(tensor: Any, buffers: Sequence[Any]) -> Stored:  # noqa: ANN401
    """Describe a tensor of an unpacked model."""
    parameters = tensor.quantization
    scales = [] if parameters is None or parameters.scale is None else list(parameters.scale)
    points = [] if parameters is None or parameters.zeroPoint is None else list(parameters.zeroPoint)
    dtype = _DTYPES.get(tensor.type, f"type {tensor.type}")
    content = buffers[tensor.buffer].data
    return Stored(
        name=(tensor.name or b"").decode(errors="replace"),
        dtype=dtype,
        shape=() if tensor.shape is None else tuple(int(size) for size in tensor.shape),
        scale=float(scales[0]) if len(scales) == 1 and "int" in dtype else None,
        zero_point=int(points[0]) if points else 0,
        constant_bytes=0 if content is None else len(content),
    )
