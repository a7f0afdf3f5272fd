"""Networks with an outlier channel, beside which 8 bits with one scale for the tensor leave the others no digits."""

from collections.abc import Callable
from itertools import pairwise

import keras
import numpy as np
from keras import layers

CHANNELS, OUTLIER, FACTOR = 6, 1, 64.0

# What channels go through one by one, up to the layer that reads them.
PASSING: dict[str, Callable[[], list[layers.Layer]]] = {
    "nothing": lambda: [layers.Conv2D(5, 3)],
    "ReLU": lambda: [layers.ReLU(), layers.Conv2D(5, 3)],
    "leaky ReLU": lambda: [layers.LeakyReLU(0.3), layers.Conv2D(5, 3)],
    "pooling": lambda: [layers.ReLU(), layers.MaxPooling2D(), layers.AveragePooling2D(2), layers.Conv2D(5, 2)],
    "padding": lambda: [layers.ReLU(), layers.ZeroPadding2D(((0, 2), (1, 0))), layers.Conv2D(5, 3)],
    "depthwise": lambda: [layers.ReLU(), layers.DepthwiseConv2D(3)],
    "depthwise, two filters a channel": lambda: [layers.ReLU(), layers.DepthwiseConv2D(3, depth_multiplier=2)],
    "average": lambda: [layers.ReLU(), layers.GlobalAveragePooling2D(), layers.Dense(5)],
    "average, dimensions kept": lambda: [layers.ReLU(), layers.GlobalAveragePooling2D(keepdims=True), layers.Dense(5)],
    "maximum": lambda: [layers.ReLU(), layers.GlobalMaxPooling2D(), layers.Dense(5)],
    "averages of rows": lambda: [layers.Reshape((-1, CHANNELS)), layers.GlobalAveragePooling1D(), layers.Dense(5)],
    "flattening": lambda: [layers.ReLU(), layers.Flatten(), layers.Dense(5)],
}
# What scales of channels cannot go through, or channels not one by one.
BLOCKING: dict[str, Callable[[], list[layers.Layer]]] = {
    "ReLU6": lambda: [layers.ReLU(6.0), layers.Conv2D(5, 3)],
    "swish": lambda: [layers.Activation("swish"), layers.Conv2D(5, 3)],
    "sigmoid": lambda: [layers.Activation("sigmoid"), layers.Conv2D(5, 3)],
    "softmax": lambda: [layers.Softmax(), layers.Conv2D(5, 3)],
    "average of channels": lambda: [Average(axis=-1), layers.Conv2D(5, 3)],
    "a second reader": lambda: [Residual(), layers.Conv2D(5, 3)],
    "two layers that read them": lambda: [layers.ReLU(), Sum(layers.Conv2D(5, 3), layers.Conv2D(5, 3))],
    "products of positions": lambda: [layers.ReLU(), layers.Reshape((-1, 10)), layers.Dense(5)],
}


class Average(layers.Layer):
    """Replaces every channel by their average."""

    def __init__(self, axis: int) -> None:
        super().__init__()
        self.axis = axis

    def call(self, x: keras.KerasTensor) -> keras.KerasTensor:
        return keras.ops.mean(x, axis=self.axis, keepdims=True)


class Residual(layers.Layer):
    """Adds what another activation makes of the channels."""

    def call(self, x: keras.KerasTensor) -> keras.KerasTensor:
        return keras.ops.relu(x) + keras.ops.tanh(x)


class Sum(layers.Layer):
    """Adds what two layers give."""

    def __init__(self, *both: layers.Layer) -> None:
        super().__init__()
        self.both = both

    def call(self, x: keras.KerasTensor) -> keras.KerasTensor:
        first, second = self.both
        return first(x) + second(x)


def network(middle: list[layers.Layer]) -> keras.Model:
    """Return a network with random weights: a convolution with an outlier channel, these layers, and a classifier."""
    keras.utils.set_random_seed(3)
    first = layers.Conv2D(CHANNELS, 3, bias_initializer=keras.initializers.RandomUniform(0.1, 0.3), name="first")
    classifier = [layers.Flatten(), layers.Dense(3, "softmax")]
    model = keras.Sequential([keras.Input((12, 12, 1)), layers.Rescaling(1 / 255), first, *middle, *classifier])
    enlarge(first)
    return model


def enlarge(layer: layers.Layer, channel: int = OUTLIER, factor: float = FACTOR) -> None:
    """Multiply what a convolution gives in one channel."""
    kernel, bias = layer.get_weights()
    by_output = kernel[..., 0] if isinstance(layer, layers.DepthwiseConv2D) else kernel
    by_output[..., channel] *= factor
    bias[channel] *= factor
    layer.set_weights([kernel, bias])


def undo(layer: layers.Layer, channel: int = OUTLIER, factor: float = FACTOR) -> None:
    """Divide what a layer multiplies one channel of its input with."""
    kernel, *bias = layer.get_weights()
    kernel[..., channel, :] /= factor
    layer.set_weights([kernel, *bias])


def trained_network(images: np.ndarray, classes: np.ndarray) -> keras.Model:
    """Return a network of five layers that is right on most digits, and has no outlier channels.

    Args:
        images: float32 of shape (N, 28, 28, 1), values 0-255.
        classes: Shape (N,).
    """
    keras.utils.set_random_seed(1)
    model = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Rescaling(1 / 255),
            layers.Conv2D(8, 3, strides=2, activation="relu", name="conv"),
            layers.DepthwiseConv2D(3, activation="relu", name="depthwise"),
            layers.Conv2D(16, 1, name="pointwise"),
            layers.LeakyReLU(0.1),
            layers.MaxPooling2D(),
            layers.Conv2D(16, 3, activation="relu", name="last"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(10, "softmax", name="classifier"),
        ]
    )
    model.compile(keras.optimizers.Adam(5e-3), "sparse_categorical_crossentropy")
    model.fit(images, classes, batch_size=64, verbose=0)
    return model


def plant_outliers(model: keras.Model) -> None:
    """Give each of a `trained_network`'s inner layers an outlier channel, which the next layer undoes; in place."""
    names = ["conv", "depthwise", "pointwise", "last", "classifier"]
    for channel, (first, second) in enumerate(pairwise(names)):
        enlarge(model.get_layer(first), channel)
        undo(model.get_layer(second), channel)
