"""The Keras reference: how it is loaded and called. Only this module needs TensorFlow."""

from collections.abc import Callable
from enum import StrEnum
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from ...export.reference.source import Source, load_source
from ...runtime.bundle.manifest import Manifest, ModelOutput
from ...runtime.errors import InvalidFileError


class KerasCall(StrEnum):
    """The ways in which users run a Keras model on one image; they differ in speed by two orders of magnitude."""

    TF_FUNCTION = "tf.function"
    CALL = "model(x)"
    PREDICT = "model.predict"


def keras_call(model: keras.Model, call: KerasCall) -> Callable[[NDArray[np.float32]], NDArray[np.float32]]:
    """Return a function from the pixels of one image, (1, H, W, C), to probabilities, (1, classes)."""
    match call:
        case KerasCall.TF_FUNCTION:
            signature = tf.TensorSpec((1, *model.inputs[0].shape[1:]), tf.float32)
            compiled = tf.function(lambda x: model(x, training=False), input_signature=[signature], autograph=False)
            return lambda batch: compiled(tf.constant(batch)).numpy()
        case KerasCall.CALL:
            return lambda batch: model(batch, training=False).numpy()
        case KerasCall.PREDICT:
            return lambda batch: model.predict(batch, verbose=0)


def load_reference(path: Path, manifest: Manifest, *, custom: Path | None = None) -> Source:
    """Load the Keras file that a bundle was exported from, as it was exported: it takes pixels, gives probabilities.

    The arguments are those of `ReferenceFile`.

    Raises:
        InvalidFileError: It cannot be loaded safely.
    """
    reference = manifest.reference
    return load_source(
        path,
        size=manifest.image.shape,
        input_range=reference.input_range,
        output=_output(reference.output),
        custom=custom,
    )


def _output(name: str) -> ModelOutput:
    try:
        return ModelOutput(name)
    except ValueError:
        raise InvalidFileError(
            f"the bundle's Keras model gives {name!r}, which this edgeproof does not know; it knows "
            f"{', '.join(ModelOutput)}"
        ) from None


def version() -> str:
    """Return the reference's engine with its versions."""
    return f"Keras {keras.__version__}, TensorFlow {tf.__version__}"


def limit_threads(threads: int) -> None:
    """Give TensorFlow this many threads; it can be told so before its first operation only."""
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(threads)
