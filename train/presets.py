"""Model presets: each a readable function from an image shape and a number of classes to a Keras model.

Raw pixels go in and probabilities come out, so that no preprocessing can differ between workstation and device. Every
BatchNormalization follows its convolution directly: converters fold it away.
"""

from collections.abc import Callable, Mapping

import keras
from keras import layers

Shape = tuple[int, int, int]

# The presets are designed for this side; larger images are halved until they are about as small.
_SIDE = 28


def tiny(image_shape: Shape, classes: int, *, width: float = 1.0, extra: int = 0, dropout: float = 0.0) -> keras.Model:
    """Build the preset for microcontrollers: about 3,000 parameters for MNIST.

    Args:
        image_shape: Height, width and channels of the images, whose pixels are 0-255.
        classes: Number of probabilities.
        width: Multiplies the number of filters of every layer.
        extra: Number of further layers of the last kind.
        dropout: Share of the features before the last layer that are dropped in training.
    """
    pixels, x = _strided(image_shape, _round(8 * width), _round(16 * width), more=extra)
    return _classifier(pixels, x, classes, dropout, name="tiny")


def default(
    image_shape: Shape, classes: int, *, width: float = 1.0, extra: int = 0, dropout: float = 0.0
) -> keras.Model:
    """Build the preset for phones and Raspberry Pis: about 18,700 parameters for MNIST. Arguments as for `tiny`."""
    pixels, x = _strided(image_shape, _round(16 * width), _round(32 * width), more=1 + extra)
    return _classifier(pixels, x, classes, dropout, name="default")


def accurate(
    image_shape: Shape, classes: int, *, width: float = 1.0, extra: int = 0, dropout: float = 0.0
) -> keras.Model:
    """Build the preset for the fewest mistakes: about 76,000 parameters for MNIST. Arguments as for `tiny`."""
    pixels, x = _pixels(image_shape, _round(16 * width))
    for filters in (16, 32):
        x = _convolution(x, _round(filters * width))
        x = _convolution(x, _round(filters * width))
        x = layers.MaxPooling2D(padding="same")(x)
    for _ in range(2 + extra):
        x = _convolution(x, _round(64 * width))
    return _classifier(pixels, x, classes, dropout, name="accurate")


PRESETS: Mapping[str, Callable[..., keras.Model]] = {"tiny": tiny, "default": default, "accurate": accurate}


def _strided(image_shape: Shape, first: int, second: int, *, more: int) -> tuple[keras.KerasTensor, keras.KerasTensor]:
    """Halve the image twice by strides, with `first` and `second` filters, and append `more` convolutions."""
    pixels, x = _pixels(image_shape, first)
    x = _convolution(_convolution(x, first, kernel=5, strides=2), first)
    x = _convolution(x, second, strides=2)
    for _ in range(more):
        x = _convolution(x, second)
    return pixels, x


def _pixels(image_shape: Shape, filters: int) -> tuple[keras.KerasTensor, keras.KerasTensor]:
    """Take and scale the pixels; halve a larger image to about the size that the presets are designed for."""
    pixels = keras.Input(image_shape, name="image")
    x = layers.Rescaling(1 / 255)(pixels)
    side = min(image_shape[:2])
    while side >= 2 * _SIDE:
        x = _convolution(x, filters, strides=2)
        side //= 2
    return pixels, x


def _convolution(x: keras.KerasTensor, filters: int, *, kernel: int = 3, strides: int = 1) -> keras.KerasTensor:
    return _normalized(layers.Conv2D(filters, kernel, strides=strides, padding="same", use_bias=False)(x))


def _normalized(x: keras.KerasTensor) -> keras.KerasTensor:
    # Keras's default momentum of 0.99 needs hundreds of steps to follow; a small data set does not have them.
    return layers.ReLU()(layers.BatchNormalization(momentum=0.9)(x))


def _classifier(
    pixels: keras.KerasTensor, x: keras.KerasTensor, classes: int, dropout: float, *, name: str
) -> keras.Model:
    # A weight for each place of each channel; average pooling would forget places, and digits are centred.
    x = layers.Flatten()(_normalized(layers.DepthwiseConv2D(x.shape[1:3], use_bias=False)(x)))
    if dropout:
        x = layers.Dropout(dropout)(x)
    return keras.Model(pixels, layers.Dense(classes, activation="softmax")(x), name=name)


def _round(filters: float) -> int:
    """Round to a multiple of 4, which suits the kernels of small processors, and not below 4."""
    return max(round(filters / 4), 1) * 4
