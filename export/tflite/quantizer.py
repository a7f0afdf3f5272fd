"""Quantizes a float32 TFLite file to int8, any of its operators left in float."""

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from numpy.typing import NDArray

from ...inspection.xnnpack import find_delegation
from ...runtime.bundle.recipes import Format
from ...runtime.errors import one_line
from ..ranges import METHODS, Histogram, Range, relative_noise
from ..samples import PIXELS
from . import int16, mlir
from .activations import Activations, measure_activations
from .byte_input import take_bytes
from .flatbuffer import kind_of, schema
from .least_ranges import widen
from .same_scale import unify
from .weights import store_as_int8

# LiteRT has no integer kernel of this version.
_NO_KERNEL = re.compile(r"Didn't find op for builtin opcode '(\w+)'")


@dataclass(frozen=True, kw_only=True, slots=True)
class Operator:
    """An operator of a file.

    Attributes:
        number: Its place in the file.
        kind: For example ``"CONV_2D"``.
        outputs: The numbers of the tensors that it computes.
        name: Of the first of these, as the converter wrote it.
    """

    number: int
    kind: str
    outputs: Sequence[int]
    name: str


class TFLiteQuantizer:
    """Quantizes one float32 file with measured ranges.

    Attributes:
        format: Of its files.
        operators: Those of the file, in its order.
        activations: The values that its tensors take on the calibration images.

    Args:
        model: A float32 TFLite file, as the converter returns it.
        calibration: Images to measure activation ranges on, uint8 of shape (N, H, W, C).
    """

    format = Format.TFLITE

    def __init__(self, model: bytes, calibration: NDArray[np.uint8]) -> None:
        self._model = model
        self.activations: Activations = measure_activations(model, calibration)
        self._graph = schema.ModelT.InitFromPackedBuf(model, 0)
        self._input = int(self._graph.subgraphs[0].inputs[0])
        self.operators = tuple(_operators(self._graph))
        self._ranged: dict[str, bytes] = {}
        self._without_kernel: set[str] = set()

    def quantize(self, method: str, float_operators: Collection[int] = ()) -> bytes:
        """Return a file that takes uint8 pixels, and gives uint8 probabilities if its last operator is not in float.

        Operators without an integer kernel stay in float. The weights of float operators are int8 all the same.

        Args:
            method: One of `METHODS`, which chooses the ranges.
            float_operators: Numbers of the operators that compute in float.

        Raises:
            RuntimeError: The quantizer cannot express the model, or LiteRT does not accept the file.
        """
        while True:
            floats = {
                one for one in self.operators if one.number in float_operators or one.kind in self._without_kernel
            }
            tensors = [tensor for one in floats for tensor in one.outputs]
            file = take_bytes(store_as_int8(mlir.quantize(self._with_ranges(method), tensors)))
            missing = _kind_without_kernel(file)
            if missing is None or missing in self._without_kernel:
                return file
            self._without_kernel.add(missing)

    def quantize_to_int16(self, method: str) -> bytes:
        """Return a file with activations of int16, which takes float32 pixels and gives float32 probabilities.

        Operators without an int16 kernel stay in float.

        Args:
            method: One of `METHODS`, which chooses the ranges.

        Raises:
            RuntimeError: The quantizer cannot express the model.
        """
        return int16.quantize(self._with_ranges(method))

    def partitions(self, file: bytes) -> int:
        """Return into how many parts XNNPACK computes a file."""
        return find_delegation(file).partitions

    def noise(self, method: str) -> dict[int, float]:
        """Return, by operator, how much rounding adds to what it computes: noise over signal, both squared."""
        ranges, histograms = self._ranges(METHODS[method]), self.activations.histograms
        return {
            one.number: max(relative_noise(histograms[index], ranges[index]) for index in one.outputs)
            for one in self.operators
            if all(index in histograms for index in one.outputs)
        }

    def _with_ranges(self, method: str) -> bytes:
        if method not in self._ranged:
            self._ranged[method] = mlir.with_ranges(self._model, self._ranges(METHODS[method]))
        return self._ranged[method]

    def _ranges(self, choose: Callable[[Histogram], Range]) -> dict[int, Range]:
        measured = {number: choose(one) for number, one in self.activations.histograms.items()}
        unified = unify(self._graph, {self._input: PIXELS, **measured})
        # What is wider now may share a scale with others.
        return unify(self._graph, widen(self._graph, unified))


def _operators(root: Any) -> Iterator[Operator]:  # noqa: ANN401
    graph = root.subgraphs[0]
    for number, one in enumerate(graph.operators):
        outputs = tuple(int(index) for index in one.outputs)
        yield Operator(
            number=number,
            kind=kind_of(root, one),
            outputs=outputs,
            name=graph.tensors[outputs[0]].name.decode(errors="replace"),
        )


def _kind_without_kernel(file: bytes) -> str | None:
    """Return the first kind of operator for which LiteRT has no kernel; None if it accepts the file."""
    try:
        Interpreter(model_content=file, num_threads=1).allocate_tensors()
    except (ValueError, RuntimeError) as error:
        if found := _NO_KERNEL.search(str(error)):
            return found[1]
        raise RuntimeError(one_line(error)) from error
    return None
