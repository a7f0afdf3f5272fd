"""Networks of keras.applications as presets: a pretrained backbone, with a head for the classes at hand.

Raw pixels go in: the preprocessing of each network is part of its graph.
"""

import os
import sys
import warnings
from collections.abc import Callable, Generator
from contextlib import contextmanager, redirect_stdout
from functools import partial
from pathlib import Path

import keras
from keras import layers

from ...runtime.errors import InvalidFileError, SpecMismatchError, is_interruption, one_line
from ..options import APPLICATIONS, IMAGENET, RANDOM
from .weights_file import load_weights

MIN_SIDE = 32  # keras.applications refuses smaller images

# Of statistics that begin anew; keras.applications has up to 0.999, which needs thousands of steps to follow.
_MOMENTUM = 0.9
_DROPOUT, _CLASSIFIER = "head_dropout", "probabilities"


def build_application(
    preset: str, image_shape: tuple[int, int, int], classes: int, *, weights: str, dropout: float = 0.0
) -> keras.Model:
    """Build a network of keras.applications with average pooling and a softmax of its own, as one graph.

    Args:
        preset: One of `APPLICATIONS`.
        image_shape: Height, width and channels of the images, whose pixels are 0-255: three channels, sides from 32.
        classes: Number of probabilities.
        weights: The backbone's: ``"imagenet"``, from Keras's cache or downloaded into it; ``"random"``; or the path of
            a file, see `load_weights`.
        dropout: Share of the features before the last layer that are dropped in training.

    Raises:
        InvalidFileError: The weights cannot be had, or are of another network.
        SpecMismatchError: The images are gray or too small.
    """
    _check_images(preset, image_shape)
    pixels = keras.Input(image_shape, name="image")
    make = partial(
        getattr(keras.applications, APPLICATIONS[preset]),
        include_top=False,
        input_tensor=pixels,
        input_shape=image_shape,
        pooling="avg",
    )
    x = _backbone(make, APPLICATIONS[preset], weights).output
    if dropout:
        x = layers.Dropout(dropout, name=_DROPOUT)(x)
    return keras.Model(pixels, layers.Dense(classes, activation="softmax", name=_CLASSIFIER)(x), name=preset)


def backbone_layers(model: keras.Model) -> list[keras.Layer]:
    """Return the layers of a model of `build_application` that are not its head."""
    return [layer for layer in model.layers if layer.name not in (_DROPOUT, _CLASSIFIER)]


def _check_images(preset: str, image_shape: tuple[int, int, int]) -> None:
    height, width, channels = image_shape
    if channels != 3:
        raise SpecMismatchError(
            f"preset {preset} takes images of three channels, and these have {channels}; --rgb reads gray image files "
            "as colour"
        )
    if min(height, width) < MIN_SIDE:
        raise SpecMismatchError(
            f"preset {preset} takes images from {MIN_SIDE} x {MIN_SIDE} pixels on, and these have {height} x {width}; "
            "--image-size 96 96 enlarges image files"
        )


def _backbone(make: Callable[..., keras.Model], network: str, weights: str) -> keras.Model:
    if weights == IMAGENET:
        with _downloading(network):
            return make(weights=IMAGENET)
    backbone = make(weights=None)
    if weights != RANDOM:
        load_weights(backbone, Path(weights), network)
        return backbone
    for layer in backbone.layers:
        if isinstance(layer, layers.BatchNormalization):
            layer.momentum = _MOMENTUM
    return backbone


@contextmanager
def _downloading(network: str) -> Generator[None]:
    """Let Keras find or download weights in the block, without a word on standard output, which may carry JSON."""
    folder = Path(os.environ.get("KERAS_HOME", "~/.keras")) / "models"
    try:
        with redirect_stdout(sys.stderr), warnings.catch_warnings():
            warnings.filterwarnings("ignore", "`input_shape` is undefined or non-square")  # they suit any size
            yield
    except Exception as error:  # Keras raises no class of its own over a download
        if is_interruption(error):
            raise
        raise InvalidFileError(
            f"the ImageNet weights of {network} are not in {folder} and cannot be downloaded "
            f"({one_line(error)[:300]}); give a file of them with --weights FILE, or begin without any with --weights "
            "random"
        ) from error
