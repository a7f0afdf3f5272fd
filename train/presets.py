"""Model presets: each a readable function from an image shape and a number of classes to a Keras model."""

from collections.abc import Callable, Mapping

import keras
from keras import layers

from ..runtime.errors import UnknownNameError


def default(image_shape: tuple[int, int, int], classes: int, *, dropout: float = 0.0) -> keras.Model:
    """Build the preset for phones and Raspberry Pis: about 21,000 parameters for MNIST.

    Raw pixels go in and probabilities come out, so that no preprocessing can differ between workstation and device.
    Every BatchNormalization follows its convolution directly: converters fold it away.

    Args:
        image_shape: Height, width and channels of the images, whose pixels are 0-255.
        classes: How many probabilities the model gives.
        dropout: Share of the pooled features that are dropped in training.
    """
    pixels = keras.Input(image_shape, name="image")
    x = layers.Rescaling(1 / 255)(pixels)
    x = _convolution(x, filters=16, kernel=5, strides=2)
    x = _convolution(x, filters=24)
    x = layers.MaxPooling2D()(x)
    x = _convolution(x, filters=32)
    x = _convolution(x, filters=32)
    x = layers.GlobalAveragePooling2D()(x)
    if dropout:
        x = layers.Dropout(dropout)(x)
    return keras.Model(pixels, layers.Dense(classes, activation="softmax")(x), name="default")


def _convolution(x: keras.KerasTensor, *, filters: int, kernel: int = 3, strides: int = 1) -> keras.KerasTensor:
    x = layers.Conv2D(filters, kernel, strides=strides, padding="same", use_bias=False)(x)
    # Keras's default momentum of 0.99 needs hundreds of steps to follow; a small data set does not have them.
    return layers.ReLU()(layers.BatchNormalization(momentum=0.9)(x))


PRESETS: Mapping[str, Callable[[tuple[int, int, int], int], keras.Model]] = {"default": default}


def build(preset: str, image_shape: tuple[int, int, int], classes: int) -> keras.Model:
    """Build a preset by name.

    Raises:
        UnknownNameError: There is no such preset.
    """
    if preset not in PRESETS:
        raise UnknownNameError(f"unknown preset {preset!r}; possible: {', '.join(PRESETS)}")
    return PRESETS[preset](image_shape, classes)
