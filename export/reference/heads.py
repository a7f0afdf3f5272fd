"""Layers appended to a model, which make probabilities of its outputs."""

from typing import Any

import keras
import tensorflow as tf

from ...runtime.bundle.manifest import ModelOutput

# What hands a tensor on as it is.
_UNCHANGED = frozenset({"Identity", "IdentityN", "StopGradient", "PreventGradient"})


def append_head(outputs: keras.KerasTensor, given: ModelOutput) -> keras.KerasTensor:
    """Return the probabilities of the classes, shape (batch, classes), float32.

    Args:
        outputs: A model's, shape (batch, classes); (batch, 1) for that of the second of two classes alone.
        given: What these are.
    """
    match given:
        case ModelOutput.LOGITS:
            return keras.layers.Softmax(name="softmax", dtype="float32")(outputs)
        case ModelOutput.LOGIT:
            both = BothLogits(name="both_logits", dtype="float32")(outputs)
            return keras.layers.Softmax(name="softmax", dtype="float32")(both)
        case ModelOutput.PROBABILITY:
            return BothProbabilities(name="both_probabilities", dtype="float32")(outputs)
        case ModelOutput.SIGMOIDS:
            return NormalizedSigmoids(name="normalized_outputs", dtype="float32")(outputs)
        case ModelOutput.PROBABILITIES:
            return outputs


class BothLogits(keras.layers.Layer):
    """Gives the logits (0, z) of two classes for one logit z, shape (batch, 1): a softmax makes sigmoid(z) of z."""

    def call(self, logit: Any) -> Any:  # noqa: ANN401
        """Return shape (batch, 2)."""
        return keras.ops.pad(logit, [[0, 0], [1, 0]])


class BothProbabilities(keras.layers.Layer):
    """Gives the probabilities (1 - p, p) of two classes for that of the second one, shape (batch, 1).

    Where p is a sigmoid, they are traced as the softmax of (0, logit), which is the same. Integers hold a softmax in
    steps of 1/256 with one scale for both numbers, and engines know it as the end of a classifier.
    """

    def call(self, probability: Any) -> Any:  # noqa: ANN401
        """Return shape (batch, 2)."""
        logit = _before_sigmoid(probability)
        if logit is None:
            return keras.ops.concatenate([1.0 - probability, probability], axis=-1)
        return keras.ops.softmax(keras.ops.pad(logit, [[0, 0], [1, 0]]))


class NormalizedSigmoids(keras.layers.Layer):
    """Divides a number from 0 to 1 per class, shape (batch, classes), by their sum.

    Computed as the softmax of their logarithms, which is the same and defined where all of them are 0. Where they are
    sigmoids, the logarithms are traced from the logits: the logarithm of 0, which integers make of small numbers, is
    then never taken.
    """

    def call(self, sigmoids: Any) -> Any:  # noqa: ANN401
        """Return the same shape."""
        logits = _before_sigmoid(sigmoids)
        if logits is None:
            return keras.ops.softmax(keras.ops.log(keras.ops.maximum(sigmoids, 1e-30)))
        return keras.ops.softmax(keras.ops.log_sigmoid(logits))


def _before_sigmoid(tensor: Any) -> Any:  # noqa: ANN401
    """Return what a sigmoid made this tensor of; None if another operation made it, or while nothing is traced."""
    while tf.is_symbolic_tensor(tensor):
        operation = tensor.op
        if operation.type == "Sigmoid":
            return operation.inputs[0]
        if operation.type not in _UNCHANGED or len(operation.inputs) != 1:
            return None
        tensor = operation.inputs[0]
    return None
