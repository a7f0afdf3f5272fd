"""TensorFlow's converter as its guide shows it: full integers, calibrated, bytes in and out."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from edgeproof.runtime.errors import SpecMismatchError, one_line
from edgeproof.runtime.io.locked_folder import scratch_folder
from edgeproof.runtime.io.worker import Parent, Worker
from numpy.typing import NDArray

TITLE = "TensorFlow's converter"


def convert_plainly(model: Path, images: NDArray[np.uint8]) -> bytes:
    """Convert a Keras file in a process of its own, which the converter may end.

    Args:
        model: Takes pixels, 0-255.
        images: To calibrate on, uint8 of shape (N, H, W, C).

    Raises:
        SpecMismatchError: The converter refuses the model.
        WorkerDiedError: It ended the process.
    """
    with Worker(_convert, model, images, name=TITLE) as worker:
        return worker.result(lambda _: None)


def _convert(_: Parent, model: Path, images: NDArray[np.uint8]) -> bytes:
    import keras
    import tensorflow as tf

    loaded = keras.saving.load_model(model, compile=False)
    # For one image: with an open batch XNNPACK cannot plan ahead.
    signature = keras.InputSpec(shape=(1, *images.shape[1:]), dtype="float32", name="image")

    def samples() -> Iterator[list[NDArray[np.float32]]]:
        for image in images:
            yield [image[np.newaxis].astype(np.float32)]

    with scratch_folder() as folder:
        loaded.export(str(folder), format="tf_saved_model", input_signature=[signature], verbose=False)
        converter = tf.lite.TFLiteConverter.from_saved_model(str(folder))
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = samples
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = converter.inference_output_type = tf.uint8
        try:
            return converter.convert()
        except Exception as error:  # of any kind, from native code
            raise SpecMismatchError(one_line(error)[:200]) from error
