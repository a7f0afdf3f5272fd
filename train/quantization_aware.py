"""Quantization-aware training: fine-tuning under the rounding of int8.

The result is an ordinary model: normalization is folded into the weights, which lie on the grid of the int8 recipes, so
that quantizing them changes nothing. Only the rounding of activations is left to the recipes.

Jacob et al.: Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference,
arXiv 1712.05877. The grids are those of LiteRT's 8-bit quantization specification.
"""

from typing import Any

import keras
import tensorflow as tf
from keras import layers

from ..runtime.errors import SpecMismatchError

# Weights go from -127 to 127, with a scale for each output channel; activations from -128 to 127.
_LARGEST = 127.0
_MOMENTUM = 0.99
_WITH_KERNEL = (layers.Conv2D, layers.DepthwiseConv2D, layers.Dense)
# The int8 recipes compute these together with the layer before, without rounding in between.
_FUSED = (layers.ReLU, layers.BatchNormalization)
# These only move rounded values, or never round.
_EXACT = (
    layers.InputLayer,
    layers.Rescaling,
    layers.MaxPooling2D,
    layers.Dropout,
    layers.Flatten,
    layers.Reshape,
    layers.ZeroPadding2D,
    layers.Softmax,
)


def check_foldable(model: keras.Model) -> None:
    """Raise SpecMismatchError for a subclass of `keras.Model`, whose graph is unknown."""
    if not isinstance(model, keras.Sequential) and type(model).__name__ != "Functional":
        raise SpecMismatchError(
            f"quantization-aware training needs a model whose graph is known, functional or sequential; {model.name!r} "
            f"is a {type(model).__name__}"
        )


def fold_batch_norm(model: keras.Model) -> keras.Model:
    """Return a model with the same answers, its normalizations folded into the convolutions before them.

    Args:
        model: Functional or sequential. Only Conv2D, DepthwiseConv2D and Dense are folded into, not models inside it.

    Raises:
        SpecMismatchError: It is a subclass of `keras.Model`.
    """
    check_foldable(model)
    # A functional copy: not compiled, and its layers in no other graph, as those of a sequential model may be.
    weights, graph = model.get_weights(), keras.Model(model.inputs[0], model.outputs[0], name=model.name)
    model = keras.models.clone_model(graph)
    model.set_weights(weights)
    normalizations = {
        before.name: layer
        for layer in model.layers
        if isinstance(layer, layers.BatchNormalization) and (before := _foldable(layer)) is not None
    }
    gone = {layer.name for layer in normalizations.values()}

    def without(layer: layers.Layer) -> layers.Layer:
        changed = {"use_bias": True} if layer.name in normalizations else {}
        return layer.__class__.from_config(layer.get_config() | changed)

    def called(layer: layers.Layer, *arguments: Any, **options: Any) -> Any:  # noqa: ANN401
        return arguments[0] if layer.name in gone else layer(*arguments, **options)

    copy = keras.models.clone_model(model, clone_function=without, call_function=called)
    for layer in copy.layers:
        if layer.name in normalizations:
            layer.set_weights(_folded_weights(model.get_layer(layer.name), normalizations[layer.name]))
        elif layer.weights:  # an input gets another name
            layer.set_weights(model.get_layer(layer.name).get_weights())
    return copy


def fake_quantized(model: keras.Model) -> keras.Model:
    """Return a model that shares the weights of one of `fold_batch_norm`, and rounds these and activations."""
    rounded_after = {layer.name for layer in model.layers if _rounds(layer)}

    def called(layer: layers.Layer, *arguments: Any, **options: Any) -> Any:  # noqa: ANN401
        out = (_Rounded(layer) if isinstance(layer, _WITH_KERNEL) else layer)(*arguments, **options)
        return _RoundActivations()(out) if layer.name in rounded_after else out

    return keras.models.clone_model(model, clone_function=lambda layer: layer, call_function=called)


def round_weights(model: keras.Model) -> None:
    """Move a model's kernels to the nearest points of the int8 recipes' grid."""
    for layer in model.layers:
        if isinstance(layer, _WITH_KERNEL):
            layer.kernel.assign(_on_grid(tf.convert_to_tensor(layer.kernel), layer))


class _Rounded(layers.Wrapper):
    """A layer that computes with a kernel on the grid; gradients pass straight through."""

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        layer = self.layer
        kernel = tf.convert_to_tensor(layer.kernel)
        kernel += tf.stop_gradient(_on_grid(kernel, layer) - kernel)
        if isinstance(layer, layers.Dense):
            out = tf.linalg.matmul(inputs, kernel)
        elif isinstance(layer, layers.DepthwiseConv2D):
            out = keras.ops.depthwise_conv(inputs, kernel, layer.strides, layer.padding, None, layer.dilation_rate)
        else:
            out = layer.convolution_op(inputs, kernel)
        if layer.use_bias:
            out += layer.bias
        return out if layer.activation is None else layer.activation(out)


class _RoundActivations(layers.Layer):
    """Rounds to 256 values over the range of its inputs, a running average."""

    def build(self, input_shape: tuple[int, ...]) -> None:
        self._low = self.add_weight(shape=(), initializer="zeros", trainable=False, name="low")
        self._high = self.add_weight(shape=(), initializer="zeros", trainable=False, name="high")

    def call(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
        if training:
            self._follow(self._low, tf.minimum(tf.reduce_min(inputs), 0.0))
            self._follow(self._high, tf.maximum(tf.reduce_max(inputs), 1e-6))
        return tf.quantization.fake_quant_with_min_max_vars(
            inputs, tf.convert_to_tensor(self._low), tf.convert_to_tensor(self._high)
        )

    def _follow(self, variable: keras.Variable, seen: tf.Tensor) -> None:
        known = tf.convert_to_tensor(variable)
        # The first batch counts in full.
        variable.assign(tf.where(known == 0.0, seen, known * _MOMENTUM + seen * (1 - _MOMENTUM)))


def _foldable(normalization: layers.BatchNormalization) -> layers.Layer | None:
    """Return the layer that a normalization can be folded into: the one before it, if that has no other reader."""
    if len(normalization._inbound_nodes) != 1:  # it serves in several places
        return None
    before = normalization.input._keras_history.operation
    linear = isinstance(before, _WITH_KERNEL) and before.activation is keras.activations.linear
    return before if linear and len(before._outbound_nodes) == 1 and normalization.axis in (-1, 3) else None


def _folded_weights(layer: layers.Layer, normalization: layers.BatchNormalization) -> list[Any]:
    mean, variance = (tf.convert_to_tensor(v) for v in (normalization.moving_mean, normalization.moving_variance))
    factor = tf.math.rsqrt(variance + normalization.epsilon)
    if normalization.scale:
        factor *= tf.convert_to_tensor(normalization.gamma)
    bias = tf.convert_to_tensor(layer.bias) if layer.use_bias else tf.zeros_like(mean)
    bias = (bias - mean) * factor
    if normalization.center:
        bias += tf.convert_to_tensor(normalization.beta)
    kernel = tf.convert_to_tensor(layer.kernel)
    # A depthwise kernel's outputs are its last two dimensions together.
    factors = tf.reshape(factor, kernel.shape[2:]) if isinstance(layer, layers.DepthwiseConv2D) else factor
    return [(kernel * factors).numpy(), bias.numpy()]


def _rounds(layer: layers.Layer) -> bool:
    """Whether an int8 recipe rounds the output of this layer."""
    # A Dense softmax: probabilities are rounded to 1/256, which keeps their order.
    gives_probabilities = isinstance(layer, layers.Dense) and layer.activation is keras.activations.softmax
    if isinstance(layer, _EXACT) or gives_probabilities:
        return False
    after = [node.operation for node in layer._outbound_nodes]
    return not (after and all(isinstance(one, _FUSED) for one in after))


def _on_grid(kernel: tf.Tensor, layer: layers.Layer) -> tf.Tensor:
    """Return the nearest weights of the form `whole number x scale`, with a scale for each output channel."""
    axes = [0, 1] if isinstance(layer, layers.DepthwiseConv2D) else [*range(kernel.shape.rank - 1)]
    scale = tf.maximum(tf.reduce_max(tf.abs(kernel), axis=axes, keepdims=True), 1e-9) / _LARGEST
    return tf.round(kernel / scale) * scale
