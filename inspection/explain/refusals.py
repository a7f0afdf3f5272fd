"""Layers that an engine's refusal of a TFLite file is about."""

import re

from ...runtime.errors import InvalidFileError, foreign_errors
from .matching import match_operators
from .network import NetworkOperator
from .tflite_network import TfliteNetwork

_KIND = re.compile(r"builtin opcode '(\w+)'")
_NODE = re.compile(r"[Nn]ode number (\d+)")


def refused_layers(message: str, content: bytes, original: bytes) -> tuple[str, ...]:
    """Return the layers of the operator that LiteRT names by kind or number in an error; none where it names none.

    Args:
        message: LiteRT's words for why it does not take the file.
        content: The file.
        original: The float32 file that it was made from, with the names of layers.

    Raises:
        InvalidFileError: A file is damaged.
    """
    kind, node = _KIND.search(message), _NODE.search(message)
    if kind is None and node is None:
        return ()
    with foreign_errors(InvalidFileError, "the .tflite file cannot be read", caught=(Exception,)):
        originals = TfliteNetwork(original).listed
        if kind is not None:
            return _layers([one for one in originals if one.kind == kind[1]])
        found = TfliteNetwork(content).listed
        # Conversions are not listed: the next operator stands for one.
        index = next((i for i, one in enumerate(found) if node is not None and one.position >= int(node[1])), None)
        other = None if index is None else match_operators(found, originals).get(index)
        return () if other is None else _layers(originals[other.first : other.last + 1])


def _layers(operators: list[NetworkOperator]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one.layers[0] for one in operators if one.layers))
