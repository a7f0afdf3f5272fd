"""Networks of known architectures for ten classes: a function from raw pixels (0-255) to probabilities for each."""

from collections.abc import Callable, Mapping
from typing import Any

import keras
from keras import applications, layers

# A symbolic tensor of Keras in, another one out; Keras has no types for them.
Network = Callable[[Any], Any]
# 200 steps are too few for Keras's momentum of 0.99.
_MOMENTUM = 0.9


def residual(pixels: Any) -> Any:  # noqa: ANN401
    """Separable convolutions with residual connections and five activations."""
    x = layers.Conv2D(24, 3, strides=2, padding="same", use_bias=False)(_scaled(-1, 1)(pixels))
    x = layers.ReLU()(layers.BatchNormalization(momentum=_MOMENTUM)(x))
    for activation in ("relu", "swish", "hard_swish", "gelu", "leaky_relu"):
        branch = layers.SeparableConv2D(24, 3, padding="same", use_bias=False)(x)
        branch = layers.BatchNormalization(momentum=_MOMENTUM)(branch)
        x = layers.Activation(activation)(layers.Add()([x, branch]))
    x = layers.GlobalAveragePooling2D()(x)
    return layers.Dense(10, activation="softmax")(x)


def pre_activation(pixels: Any) -> Any:  # noqa: ANN401
    """Normalization before each convolution, whose result is concatenated to its input."""
    x = layers.Conv2D(16, 3, padding="same")(_scaled(0, 1)(pixels))
    for _ in range(3):
        normalized = layers.ReLU(6.0)(layers.BatchNormalization(momentum=_MOMENTUM)(x))
        x = layers.Concatenate()([x, layers.Conv2D(8, 3, padding="same")(normalized)])
        x = layers.AveragePooling2D(2)(x)
    return layers.Dense(10, activation="softmax")(layers.Dropout(0.2)(layers.Flatten()(x)))


def _application(make: Callable[..., keras.Model], **options: Any) -> Network:  # noqa: ANN401
    """Return a network of keras.applications with random weights, on pixels from -1 to 1 unless it scales them."""

    def network(pixels: Any) -> Any:  # noqa: ANN401
        model = make(input_shape=(32, 32, 3), weights=None, classes=10, **options)
        for layer in model._flatten_layers():
            if isinstance(layer, layers.BatchNormalization):
                layer.momentum = _MOMENTUM
        scales = any(isinstance(layer, layers.Rescaling) for layer in model.layers)
        return model(pixels if scales else _scaled(-1, 1)(pixels))

    return network


def _scaled(low: float, high: float) -> layers.Layer:
    return layers.Rescaling((high - low) / 255, offset=low)


FAMILIES: Mapping[str, Network] = {
    "residual, separable, five activations": residual,
    "pre-activation, concatenations, ReLU6": pre_activation,
    "MobileNetV2": _application(applications.MobileNetV2),
    "MobileNetV3Small": _application(applications.MobileNetV3Small),
    "EfficientNetB0": _application(applications.EfficientNetB0),
    "ResNet50": _application(applications.ResNet50),
    "DenseNet121": _application(applications.DenseNet121),
}
