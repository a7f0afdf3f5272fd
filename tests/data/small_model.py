"""Models of one's own, small enough to be built and fitted in a moment."""

import keras
from keras import layers


def build(image_shape: tuple[int, int, int], classes: int, *, dropout: float = 0.2) -> keras.Model:
    pixels = keras.Input(image_shape)
    x = layers.Conv2D(8, 5, strides=4, use_bias=False)(layers.Rescaling(1 / 255)(pixels))
    x = layers.Flatten()(layers.ReLU()(layers.BatchNormalization(momentum=0.9)(x)))
    return keras.Model(pixels, layers.Dense(classes, activation="softmax")(layers.Dropout(dropout)(x)))


def without_dropout(image_shape: tuple[int, int, int], classes: int) -> keras.Model:
    return build(image_shape, classes, dropout=0.0)


def with_backbone(image_shape: tuple[int, int, int], classes: int) -> keras.Model:
    """Build a model whose first layers are frozen: a convolution with its normalization, and dropout."""
    pixels = keras.Input(image_shape)
    backbone = (
        layers.Rescaling(1 / 255),
        layers.Conv2D(8, 5, strides=4, use_bias=False),
        layers.BatchNormalization(momentum=0.5),
        layers.Dropout(0.5),
    )
    x = pixels
    for layer in backbone:
        layer.trainable = False
        x = layer(x)
    x = layers.Dropout(0.2)(layers.Flatten()(layers.ReLU()(x)))
    return keras.Model(pixels, layers.Dense(classes, activation="softmax")(x))
