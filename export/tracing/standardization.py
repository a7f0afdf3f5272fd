"""Standardization by differences from the mean: subtracted once, and squared by a product.

Keras adds up ``x * inverse - mean * inverse``: where the mean is far from 0, two large numbers that cancel, each with
steps of its own. And squared differences are an operator of TFLite that int16 does not have, and XNNPACK not in int8.
With features around 10, the int8 file of a random network had 10 dB less noise this way. Those of a trained ViT and
ConvNeXt had 0.3 dB less and 1.5 dB more, took two thirds and half of the time, and int16x8 files came into being.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
from keras import ops

from .keras_functions import Decorator


def moments(own: Callable[..., Any]) -> Callable[..., Any]:
    """Return `keras.ops.moments` with the variance as a mean of products."""

    def call(x: Any, axes: Any, keepdims: bool = False, synchronized: bool = False) -> Any:  # noqa: ANN401
        if not _is_float32(x) or synchronized:
            return own(x, axes, keepdims, synchronized)
        mean, difference = _centred(x, axes)
        return (mean if keepdims else ops.squeeze(mean, axes)), _mean_square(difference, axes, keepdims=keepdims)

    return call


def variance(own: Callable[..., Any]) -> Callable[..., Any]:
    """Return `keras.ops.var` as a mean of products."""

    def call(x: Any, axis: Any = None, keepdims: bool = False) -> Any:  # noqa: ANN401
        if not _is_float32(x):
            return own(x, axis, keepdims)
        return _mean_square(_centred(x, axis)[1], axis, keepdims=keepdims)

    return call


def deviation(own: Callable[..., Any]) -> Callable[..., Any]:
    """Return `keras.ops.std` as the root of the variance here."""

    def call(x: Any, axis: Any = None, keepdims: bool = False) -> Any:  # noqa: ANN401
        return ops.sqrt(variance(own)(x, axis, keepdims)) if _is_float32(x) else own(x, axis, keepdims)

    return call


def layer_normalization(own: Callable[..., Any]) -> Callable[..., Any]:
    """Return `keras.ops.layer_normalization` of differences from the mean."""

    # The signature of Keras' own.
    def call(
        x: Any,  # noqa: ANN401
        gamma: Any = None,  # noqa: ANN401
        beta: Any = None,  # noqa: ANN401
        axis: int | Sequence[int] = -1,
        epsilon: float | None = None,
        rms_scaling: bool = False,
    ) -> Any:  # noqa: ANN401
        if rms_scaling or not _is_float32(x):
            return own(x, gamma, beta, axis, epsilon, rms_scaling)
        difference, factor = _standardization(x, axis, keras.config.epsilon() if epsilon is None else epsilon)
        axes = {one % len(x.shape) for one in ([axis] if isinstance(axis, int) else axis)}
        shape = [size if place in axes else 1 for place, size in enumerate(x.shape)]
        # One product of that size, which is rounded once.
        scaled = difference * (factor if gamma is None else factor * ops.reshape(gamma, shape))
        return scaled if beta is None else scaled + ops.reshape(beta, shape)

    return call


def group_normalization(own: Callable[..., Any]) -> Callable[..., Any]:
    """Return `GroupNormalization.call` with differences from the mean."""

    def call(layer: keras.layers.GroupNormalization, inputs: Any) -> Any:  # noqa: ANN401
        rank = len(inputs.shape)
        if layer.axis not in (-1, rank - 1) or not _is_float32(inputs):
            return own(layer, inputs)
        # Behind the batch all axes but that of the groups, last but one now.
        axes = [*range(1, rank - 1), rank]
        difference, factor = _standardization(layer._reshape_into_groups(inputs), axes, layer.epsilon)
        values = ops.reshape(difference * factor, ops.shape(inputs))
        scaled = values * layer.gamma if layer.scale else values
        return scaled + layer.beta if layer.center else scaled

    return call


def unit_length(own: Callable[..., Any]) -> Callable[..., Any]:
    """Return `keras.ops.normalize` with a least length in place of a largest inverse of it.

    That is 1e12 for `UnitNormalization`, and the minimum with it has its range.
    """

    def call(x: Any, axis: Any = -1, order: int = 2, epsilon: float | None = None) -> Any:  # noqa: ANN401
        if order != 2 or not _is_float32(x) or not len(x.shape):
            return own(x, axis, order, epsilon)
        least = keras.config.epsilon() if epsilon is None else epsilon
        return x * ops.rsqrt(ops.maximum(ops.sum(x * x, axis, keepdims=True), least * least))

    return call


def _standardization(x: Any, axes: Any, epsilon: float) -> tuple[Any, Any]:  # noqa: ANN401
    """Return the differences from the mean, and the inverse of the deviation, whose product is standardized."""
    _, difference = _centred(x, axes)
    return difference, ops.rsqrt(_mean_square(difference, axes, keepdims=True) + epsilon)


def _centred(x: Any, axes: Any) -> tuple[Any, Any]:  # noqa: ANN401
    mean = ops.mean(x, axes, keepdims=True)
    return mean, x - mean


def _mean_square(difference: Any, axes: Any, *, keepdims: bool) -> Any:  # noqa: ANN401
    return ops.mean(difference * difference, axes, keepdims=keepdims)


def _is_float32(x: Any) -> bool:  # noqa: ANN401
    return keras.backend.standardize_dtype(x.dtype) == "float32"


_GROUP_NORMALIZATION = "keras.src.layers.normalization.group_normalization:GroupNormalization.call"
# ONNX has no squared difference, and its int8 files of the two networks lost 1 dB with LayerNormalization from here.
ONNX_FUNCTIONS: Mapping[str, Decorator] = {_GROUP_NORMALIZATION: group_normalization}
FUNCTIONS: Mapping[str, Decorator] = {
    "keras.src.backend.tensorflow.nn:moments": moments,
    "keras.src.backend.tensorflow.numpy:var": variance,
    "keras.src.backend.tensorflow.numpy:std": deviation,
    "keras.src.ops.nn:_layer_normalization": layer_normalization,
    "keras.src.ops.nn:_normalize": unit_length,
    _GROUP_NORMALIZATION: group_normalization,
}
