"""Networks of known architectures, each a function from image shape and number of classes to a Keras model.

They are what `edgeproof train --model` takes: raw pixels (0-255) go in, and probabilities come out.
"""

from collections.abc import Callable
from typing import Any

import keras
from keras import applications, layers

Shape = tuple[int, int, int]
# A training of few epochs is too short for Keras's momentum of 0.99.
_MOMENTUM = 0.9


def residual(image_shape: Shape, classes: int) -> keras.Model:
    """Separable convolutions with residual connections and five activations."""
    pixels = keras.Input(image_shape, name="image")
    x = _normalized(layers.Conv2D(24, 3, strides=2, padding="same", use_bias=False)(_scaled(pixels)), "relu")
    for activation in ("relu", "swish", "hard_swish", "gelu", "leaky_relu"):
        branch = _normalized(layers.SeparableConv2D(24, 3, padding="same", use_bias=False)(x))
        x = layers.Activation(activation)(layers.Add()([x, branch]))
    return _classifier(pixels, layers.GlobalAveragePooling2D()(x), classes)


def pre_activation(image_shape: Shape, classes: int) -> keras.Model:
    """Normalization before each convolution, whose result is concatenated to its input."""
    pixels = keras.Input(image_shape, name="image")
    x = layers.Conv2D(16, 3, padding="same")(_scaled(pixels))
    for _ in range(3):
        normalized = layers.ReLU(6.0)(layers.BatchNormalization(momentum=_MOMENTUM)(x))
        x = layers.Concatenate()([x, layers.Conv2D(8, 3, padding="same")(normalized)])
        x = layers.AveragePooling2D(2)(x)
    return _classifier(pixels, layers.Dropout(0.2)(layers.Flatten()(x)), classes)


def small_mobilenet_v3(image_shape: Shape, classes: int) -> keras.Model:
    """Inverted residuals with squeeze-and-excitation and hard swish, after MobileNetV3 (arXiv 1905.02244)."""
    return _inverted_residuals(image_shape, classes, activation="hard_swish", squeezed="relu", gate="hard_sigmoid")


def small_efficientnet(image_shape: Shape, classes: int) -> keras.Model:
    """Inverted residuals with squeeze-and-excitation and swish, after EfficientNet (arXiv 1905.11946)."""
    return _inverted_residuals(image_shape, classes, activation="swish", squeezed="swish", gate="sigmoid")


def small_convnext(image_shape: Shape, classes: int) -> keras.Model:
    """Depthwise convolutions, LayerNormalization and GELU, after ConvNeXt (arXiv 2201.03545)."""
    pixels = keras.Input(image_shape, name="image")
    x = _layer_normalized(layers.Conv2D(32, 4, strides=4)(_scaled(pixels)))
    for stage, width in enumerate((32, 64)):
        if stage:
            x = layers.Conv2D(width, 2, strides=2, padding="same")(_layer_normalized(x))
        for _ in range(2):
            branch = _layer_normalized(layers.DepthwiseConv2D(5, padding="same")(x))
            branch = layers.Dense(width)(layers.Dense(4 * width, activation="gelu")(branch))
            x = layers.Add()([x, branch])
    return _classifier(pixels, _layer_normalized(layers.GlobalAveragePooling2D()(x)), classes)


def small_vit(image_shape: Shape, classes: int) -> keras.Model:
    """Patches of 4 x 4 pixels through blocks of self-attention, after ViT (arXiv 2010.11929)."""
    width, heads = 64, 4
    pixels = keras.Input(image_shape, name="image")
    x = layers.Conv2D(width, 4, strides=4)(_scaled(pixels))
    tokens = x.shape[1] * x.shape[2]
    # A bias of its own for each token is what a position embedding is, and needs no layer of one's own.
    x = layers.EinsumDense("btc,cd->btd", (tokens, width), bias_axes="td")(layers.Reshape((tokens, width))(x))
    for _ in range(3):
        normalized = _layer_normalized(x)
        x = layers.Add()([x, layers.MultiHeadAttention(heads, width // heads)(normalized, normalized)])
        branch = layers.Dense(2 * width, activation="gelu")(_layer_normalized(x))
        x = layers.Add()([x, layers.Dense(width)(branch)])
    return _classifier(pixels, layers.GlobalAveragePooling1D()(_layer_normalized(x)), classes)


def mobilenet_v2(image_shape: Shape, classes: int) -> keras.Model:
    """MobileNetV2 of keras.applications."""
    return _application(applications.MobileNetV2, image_shape, classes)


def mobilenet_v3_small(image_shape: Shape, classes: int) -> keras.Model:
    """MobileNetV3Small of keras.applications."""
    return _application(applications.MobileNetV3Small, image_shape, classes)


def efficientnet_b0(image_shape: Shape, classes: int) -> keras.Model:
    """EfficientNetB0 of keras.applications."""
    return _application(applications.EfficientNetB0, image_shape, classes)


def efficientnet_v2_b0(image_shape: Shape, classes: int) -> keras.Model:
    """EfficientNetV2B0 of keras.applications."""
    return _application(applications.EfficientNetV2B0, image_shape, classes)


def densenet121(image_shape: Shape, classes: int) -> keras.Model:
    """DenseNet121 of keras.applications."""
    return _application(applications.DenseNet121, image_shape, classes)


def resnet50(image_shape: Shape, classes: int) -> keras.Model:
    """ResNet50 of keras.applications."""
    return _application(applications.ResNet50, image_shape, classes)


def _application(make: Callable[..., keras.Model], image_shape: Shape, classes: int) -> keras.Model:
    """Return a network of keras.applications with random weights, on pixels from -1 to 1 unless it scales them."""
    model = make(input_shape=image_shape, weights=None, classes=classes)
    for layer in model._flatten_layers():
        if isinstance(layer, layers.BatchNormalization):
            layer.momentum = _MOMENTUM
    pixels = keras.Input(image_shape, name="image")
    scales = any(isinstance(layer, layers.Rescaling) for layer in model.layers)
    return keras.Model(pixels, model(pixels if scales else _scaled(pixels)))


def _inverted_residuals(image_shape: Shape, classes: int, *, activation: str, squeezed: str, gate: str) -> keras.Model:
    pixels = keras.Input(image_shape, name="image")
    x = _normalized(layers.Conv2D(16, 3, strides=2, padding="same", use_bias=False)(_scaled(pixels)), activation)
    for width, expansion, strides, kernel in (
        (16, 1, 1, 3),
        *((24, 4, 2, 3), (24, 4, 1, 3)),
        *((40, 4, 2, 5), (40, 4, 1, 5), (40, 4, 1, 5)),
        *((64, 4, 1, 3), (64, 4, 1, 3)),
    ):
        branch = x
        if expansion > 1:
            branch = _normalized(layers.Conv2D(x.shape[-1] * expansion, 1, use_bias=False)(x), activation)
        depthwise = layers.DepthwiseConv2D(kernel, strides=strides, padding="same", use_bias=False)
        branch = _excited(_normalized(depthwise(branch), activation), squeezed, gate)
        branch = _normalized(layers.Conv2D(width, 1, use_bias=False)(branch))
        x = layers.Add()([x, branch]) if branch.shape == x.shape else branch
    x = _normalized(layers.Conv2D(160, 1, use_bias=False)(x), activation)
    return _classifier(pixels, layers.GlobalAveragePooling2D()(x), classes)


def _excited(x: Any, squeezed: str, gate: str) -> Any:  # noqa: ANN401
    """Scale each channel by a factor that is found from the means of all: squeeze-and-excitation."""
    channels = x.shape[-1]
    factors = layers.GlobalAveragePooling2D(keepdims=True)(x)
    factors = layers.Conv2D(max(4, channels // 4), 1, activation=squeezed)(factors)
    return layers.Multiply()([x, layers.Conv2D(channels, 1, activation=gate)(factors)])


def _normalized(x: Any, activation: str | None = None) -> Any:  # noqa: ANN401
    x = layers.BatchNormalization(momentum=_MOMENTUM)(x)
    return x if activation is None else layers.Activation(activation)(x)


def _layer_normalized(x: Any) -> Any:  # noqa: ANN401
    return layers.LayerNormalization(epsilon=1e-6)(x)


def _scaled(pixels: Any) -> Any:  # noqa: ANN401
    return layers.Rescaling(1 / 127.5, offset=-1)(pixels)


def _classifier(pixels: Any, x: Any, classes: int) -> keras.Model:  # noqa: ANN401
    return keras.Model(pixels, layers.Dense(classes, activation="softmax")(x))
