"""A model file operator by operator, in the same words for both formats."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Arrays = list[NDArray[Any]]


@dataclass(frozen=True, kw_only=True, slots=True)
class NetworkOperator:
    """An operator that computes; conversions between integers and floats are parts of the operators around them.

    Attributes:
        kind: ``CONV_2D`` in TFLite is ``Conv`` in ONNX.
        position: Among all operators of the file, from 0.
        layers: The Keras layers that it computes, the one that it is named after first; none in a file without names.
        shape: Of its output, batch first; None for an open size.
        weight_bytes: The bytes of its constants in the file.
        stored: The dtype of its output in the file.
        low: The smallest number that the output can hold; None where it is a float.
        high: The largest one.
        outside: Whether it is computed outside of the fast path: XNNPACK in TFLite, integer kernels in ONNX; None where
            that cannot be said.
        activation: The index of an activation that alone reads its output, and that a range of integers can stand for.
    """

    kind: str
    position: int
    layers: tuple[str, ...]
    shape: tuple[int | None, ...]
    weight_bytes: int
    stored: str
    low: float | None = None
    high: float | None = None
    outside: bool | None = None
    activation: int | None = None


class SingleOperator(Protocol):
    """One operator of a file as a model of its own."""

    def rounded(self, given: Arrays) -> Arrays:
        """Return real inputs as the operator sees them: rounded to what its input tensors can hold."""
        ...

    def run(self, given: Arrays) -> NDArray[np.float32]:
        """Return the real output for real inputs."""
        ...

    def timer(self, given: Arrays) -> Callable[[], object]:
        """Return a function that computes the operator once with these inputs, as fast as the file is computed."""
        ...


class Network(Protocol):
    """A model file that shows what its operators compute.

    Attributes:
        operators: Those that compute, in an order that the float32 file has as well.
        channel_axis: Where outputs of four dimensions have their channels.
    """

    channel_axis: int

    @property
    def operators(self) -> Sequence[NetworkOperator]:
        """The operators."""
        ...

    def run(self, image: NDArray[np.uint8]) -> None:
        """Compute all operators for one image, uint8 of shape (H, W, C)."""
        ...

    def output(self, index: int) -> NDArray[np.float32] | None:
        """Return the real numbers that an operator gave for the image; None where it gives no real numbers."""
        ...

    def inputs(self, index: int) -> Arrays:
        """Return what an operator was given for the image, constants aside, as real numbers."""
        ...

    def single(self, first: int, last: int) -> SingleOperator | None:
        """Return an operator, or one with its activation, as a model; None where it cannot be one, as a loop."""
        ...

    def timer(self, image: NDArray[np.uint8]) -> Callable[[], object]:
        """Return a function that computes the whole file once, as fast as the engine does."""
        ...
