"""XNNPACK's share of a TFLite file: the operators that LiteRT hands to it, and those that it computes itself."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from ..runtime.errors import InvalidFileError, foreign_errors

_DELEGATE = "DELEGATE"


@dataclass(frozen=True, kw_only=True, slots=True)
class Delegation:
    """How a file is divided.

    Attributes:
        partitions: Number of parts that XNNPACK computes; between two of them LiteRT does, and values are copied.
        operators: The kind of every operator of the file, in its order.
        outside: The numbers of those that LiteRT computes.
    """

    partitions: int
    operators: tuple[str, ...]
    outside: frozenset[int]


def find_delegation(model: bytes) -> Delegation:
    """Load a TFLite file in LiteRT as the runtime does, and return how it is divided.

    Raises:
        InvalidFileError: LiteRT does not accept it.
    """
    litert: Any = import_module("ai_edge_litert.interpreter")
    with foreign_errors(InvalidFileError, "LiteRT does not accept this file", caught=(ValueError, RuntimeError)):
        interpreter = litert.Interpreter(model_content=model, num_threads=1)
        interpreter.allocate_tensors()
    return delegation_of(interpreter._get_ops_details())


def delegation_of(details: Sequence[Mapping[str, Any]]) -> Delegation:
    """Return how a loaded file is divided.

    Args:
        details: The interpreter's operators, those of the file first, and behind them a ``DELEGATE`` for each part that
            was handed over.
    """
    delegates = [one for one in details if one["op_name"] == _DELEGATE]
    own = details[: len(details) - len(delegates)]
    makers = {int(tensor): number for number, one in enumerate(own) for tensor in one["outputs"]}
    inside: set[int] = set()
    for delegate in delegates:
        taken = {int(tensor) for tensor in delegate["inputs"]}
        waiting = [int(tensor) for tensor in delegate["outputs"]]
        while waiting:
            maker = makers.get(waiting.pop())
            if maker is None or maker in inside:
                continue
            inside.add(maker)
            waiting += [int(tensor) for tensor in own[maker]["inputs"] if int(tensor) not in taken]
    return Delegation(
        partitions=len(delegates),
        operators=tuple(one["op_name"] for one in own),
        outside=frozenset(range(len(own))) - inside,
    )
