"""The Keras original as one more engine; the one module here that needs TensorFlow."""

import hashlib
from collections.abc import Callable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from ..export.source import LOGITS, load_source
from ..runtime.errors import InvalidFileError
from ..runtime.files import read_file
from ..runtime.manifest import Manifest
from ..runtime.spec import TensorSpec


class KerasCall(StrEnum):
    """The ways in which users run a Keras model on one image; they differ in speed by two orders of magnitude."""

    TF_FUNCTION = "tf.function"
    CALL = "model(x)"
    PREDICT = "model.predict"


class KerasEngine:
    """A Keras model behind the runtime's `Engine` protocol."""

    def __init__(self, model: keras.Model, call: KerasCall) -> None:
        self.name = f"Keras {keras.__version__}, TensorFlow {tf.__version__}, {call}"
        self.input = TensorSpec(name="image", dtype="float32", shape=tuple(model.inputs[0].shape))
        self.output = TensorSpec(name="probabilities", dtype="float32", shape=tuple(model.outputs[0].shape))
        self.metadata: Mapping[str, str] = {}
        self._run = _callable(model, call)

    def run(self, batch: NDArray[Any]) -> NDArray[Any]:
        """Run the model once; see `Engine.run`."""
        return self._run(batch)


def _callable(model: keras.Model, call: KerasCall) -> Callable[[NDArray[Any]], NDArray[Any]]:
    match call:
        case KerasCall.TF_FUNCTION:
            signature = tf.TensorSpec((1, *model.inputs[0].shape[1:]), tf.float32)
            compiled = tf.function(lambda x: model(x, training=False), input_signature=[signature])
            return lambda batch: compiled(tf.constant(batch)).numpy()
        case KerasCall.CALL:
            return lambda batch: model(batch, training=False).numpy()
        case KerasCall.PREDICT:
            return lambda batch: model.predict(batch, verbose=0)


def load_reference(path: Path, manifest: Manifest, *, custom: Path | None = None) -> keras.Model:
    """Load the Keras file that a bundle was exported from, as it was exported: it takes pixels, gives probabilities.

    Args:
        path: The `.keras` file.
        manifest: The bundle's, which says what the model in the file takes and gives.
        custom: A Python file that registers the model's own layers; is run.

    Raises:
        InvalidFileError: It is missing, is another file than the bundle's manifest names, or cannot be loaded.
    """
    reference = manifest.reference
    found = hashlib.sha256(read_file(path, "Keras original (--reference)")).hexdigest()
    if found != reference.sha256:
        raise InvalidFileError(
            f"{path} is not the model that the bundle was exported from: sha256 {found[:12]}… instead of "
            f"{reference.sha256[:12]}…"
        )
    return load_source(
        path,
        size=manifest.image.shape,
        input_range=reference.input_range,
        softmax=reference.output == LOGITS,
        custom=custom,
    ).model


def limit_threads(threads: int) -> int:
    """Ask TensorFlow for this many threads; return how many it has, 0 for one per core.

    TensorFlow decides once, at its first operation: in a process that used it before, the old number stays.
    """
    try:
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(threads)
    except RuntimeError:
        pass
    return tf.config.threading.get_intra_op_parallelism_threads()


def probabilities(model: keras.Model, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the original's answers, float32 of shape (N, classes), computed in large batches."""
    return model.predict(images.astype(np.float32), batch_size=500, verbose=0)
