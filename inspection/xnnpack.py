"""XNNPACK's share of a TFLite file: the operators that LiteRT hands to it, and those that it computes itself."""

from collections.abc import Iterator, Mapping
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
    nodes = interpreter._get_ops_details()
    delegates = [node for node in nodes if node["op_name"] == _DELEGATE]
    own = [node for node in nodes if node["op_name"] != _DELEGATE]
    producers = {index: node for node in own for index in node["outputs"]}
    inside = {node["index"] for delegate in delegates for node in _replaced(delegate, producers)}
    return Delegation(
        partitions=len(delegates),
        operators=tuple(node["op_name"] for node in own),
        outside=frozenset(node["index"] for node in own) - inside,
    )


def _replaced(delegate: Mapping[str, Any], producers: Mapping[int, Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """Yield the nodes between the delegate's outputs and its inputs."""
    seen: set[int] = set(delegate["inputs"])
    waiting: list[int] = list(delegate["outputs"])
    while waiting:
        index = waiting.pop()
        if index in seen or index not in producers:
            continue
        seen.add(index)
        yield producers[index]
        waiting.extend(producers[index]["inputs"])  # a NumPy array
