"""Says which layer a converter failed on; its own messages are pages of graph."""

import re
from collections.abc import Generator, Iterator
from contextlib import contextmanager

import keras

from ..runtime.bundle.recipes import Format
from ..runtime.errors import EdgeproofError, SpecMismatchError, one_line

# How TFLite's converter and tf2onnx name an operator that they cannot write.
_UNKNOWN_OPERATOR = re.compile(r"'tf\.(\w+)' op is neither a custom op nor a flex op")


@contextmanager
def describe_conversion_error(model: keras.Model, model_format: Format) -> Generator[None]:
    """Turn whatever a converter raises into one line that names the layer, the cause and the way out.

    Raises:
        SpecMismatchError: The converter cannot express the model.
    """
    try:
        yield
    except (EdgeproofError, OSError, MemoryError):
        raise
    # The converters raise whatever their parts do.
    except Exception as error:
        raise SpecMismatchError(explanation(one_line(error), model, model_format)) from error


def explanation(message: str, model: keras.Model, model_format: Format) -> str:
    """Return one line for a converter's message: the first layer that it mentions, and what is wrong with it.

    Args:
        message: What the converter said, in one line.
        model: Whose layers' names stand in the message, as parts of paths.
        model_format: What it was to be converted to.
    """
    operators = list(dict.fromkeys(_UNKNOWN_OPERATOR.findall(message)))
    cause = f".{model_format} has no operator for {', '.join(operators)}" if operators else message[:200]
    mentioned = {
        found.start(): layer.name
        for layer in leaves(model)
        if (found := re.search(rf"[/\"']{re.escape(layer.name)}(_\d+)?/", message))
    }
    if not mentioned:
        return f"it cannot be converted: {cause}"
    layer = mentioned[min(mentioned)]
    return f"layer {layer!r} cannot be converted: {cause}; replace it, or leave this variant out with --recipes"


def leaves(layer: keras.layers.Layer) -> Iterator[keras.layers.Layer]:
    """Yield the layers that a model is made of, inner models taken apart, in their order."""
    for inner in getattr(layer, "layers", ()):
        yield from leaves(inner) if getattr(inner, "layers", ()) else (inner,)
