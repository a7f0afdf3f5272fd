"""One operator of an ONNX file as a file of its own, in ONNX Runtime."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...runtime.engines.packages import ONNX_RUNTIME
from .network import Arrays
from .stored import Stored

_ERRORS_ONLY = 3


class OnnxSingle:
    """An operator with its constants; see `SingleOperator`.

    Args:
        content: The file.
        names: Of its inputs, one for each that the operator takes.
        given: How these are stored.
        gives: How its output is stored.
    """

    def __init__(self, content: bytes, names: Sequence[str], given: Sequence[Stored], gives: Stored) -> None:
        self._content, self._names, self._given, self._gives = content, names, given, gives
        self._session = open_session(content, optimized=False)

    def rounded(self, given: Arrays) -> Arrays:
        """Return real inputs as its input tensors hold them; see `SingleOperator.rounded`."""
        return [stored.decode(stored.encode(real)) for stored, real in zip(self._given, given, strict=True)]

    def run(self, given: Arrays) -> NDArray[np.float32]:
        """Return the real output for real inputs; see `SingleOperator.run`."""
        return self._gives.decode(self._session.run(None, self._fed(given))[0])

    def timer(self, given: Arrays) -> Callable[[], object]:
        """Return a function that computes it once; see `SingleOperator.timer`."""
        session, fed = open_session(self._content, optimized=True), self._fed(given)
        return lambda: session.run(None, fed)

    def _fed(self, given: Arrays) -> dict[str, NDArray[Any]]:
        parts = zip(self._names, self._given, given, strict=True)
        return {name: stored.encode(real) for name, stored, real in parts}


def open_session(model: bytes, *, optimized: bool) -> Any:  # noqa: ANN401
    """Open a file on one thread, with its nodes as they stand or optimized, as a user's are."""
    ort = ONNX_RUNTIME.load()
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = _ERRORS_ONLY
    levels = ort.GraphOptimizationLevel
    options.graph_optimization_level = levels.ORT_ENABLE_ALL if optimized else levels.ORT_DISABLE_ALL
    return ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
