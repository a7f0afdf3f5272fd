"""Names of tensors and nodes in float32 files, which tell their Keras layers: ``conv//Conv2D;relu//Relu``.

A name has one part for each layer that an operator computes. The first is the layer that the operator is named after,
such as the convolution that a normalization and an activation were fused into. Names of Keras layers hold no slash;
where two layers have the same, the layer is named by its path, ``encoder/conv``.
"""

from collections.abc import Iterable

# Metadata of a float32 .tflite file: the layer of its last operator, whose tensor is named after its meaning.
OUTPUT_LAYER = "edgeproof_output_layer"

_BEHIND_LAYER, _BETWEEN_PARTS = "//", ";"
# Separators that a layer's own name may hold where it was set by hand.
_SEPARATORS = str.maketrans("/;", "__")


def as_layer_name(name: str) -> str:
    """Return a layer's name, or a part of its path, without the characters that separate names.

    >>> as_layer_name("block 1/é")
    'block 1_é'
    """
    return name.translate(_SEPARATORS)


def join_name(parts: Iterable[tuple[str, str]]) -> str:
    """Return the name of a tensor or node, given its layers, each with an operator.

    >>> join_name([("conv", "Conv2D"), ("relu", "Relu")])
    'conv//Conv2D;relu//Relu'
    """
    return _BETWEEN_PARTS.join(f"{layer}{_BEHIND_LAYER}{operator}" for layer, operator in parts)


def layers_of(name: str) -> tuple[str, ...]:
    """Return the layers in a name, the one that it is named after first; none for a name of another form.

    >>> layers_of("conv//Conv2D;relu//Relu"), layers_of("arith.constant")
    (('conv', 'relu'), ())
    """
    parts = (part.partition(_BEHIND_LAYER) for part in name.split(_BETWEEN_PARTS))
    return tuple(dict.fromkeys(layer for layer, found, _ in parts if found))
