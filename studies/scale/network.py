"""A small network, for `edgeproof train --model studies/scale/network.py:waves_network`."""

import keras


def waves_network(shape: tuple[int, int, int], classes: int) -> keras.Model:
    """Return a network of three convolutions that takes pixels 0-255 and gives probabilities."""
    layers = keras.layers
    inputs = keras.Input(shape)
    hidden = layers.Rescaling(1 / 255)(inputs)
    for filters, strides in ((8, 4), (16, 2), (32, 2)):
        hidden = layers.Conv2D(filters, 3, strides=strides, padding="same", activation="relu")(hidden)
    hidden = layers.GlobalAveragePooling2D()(hidden)
    return keras.Model(inputs, layers.Dense(classes, activation="softmax")(hidden))
