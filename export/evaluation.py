"""Runs files on images that were drawn for choosing, and compares their answers with the reference's."""

import keras
import numpy as np
from numpy.typing import NDArray

from ..metrics.distance import measure_difference
from ..runtime.bundle.recipes import Format
from ..runtime.engines.engine import load_engine, run_each
from .accuracy_budget import Evaluation
from .reference.source import predict


class Evaluator:
    """Evaluates files on images drawn for choosing.

    Args:
        images: uint8 of shape (N, H, W, C), neither calibrated on nor verified with.
        labels: Their classes, shape (N,).
        expected: The reference's probabilities for these, float32 of shape (N, classes).
    """

    def __init__(self, images: NDArray[np.uint8], labels: NDArray[np.int64], expected: NDArray[np.float32]) -> None:
        self._images, self._labels, self._expected = images, labels, expected

    @classmethod
    def of_model(cls, model: keras.Model, images: NDArray[np.uint8]) -> "Evaluator":
        """Evaluate on images whose classes are not known: as the model says, which takes pixels 0-255."""
        expected = predict(model, images)
        return cls(images, expected.argmax(axis=1), expected)

    @property
    def images(self) -> int:
        """Number of images."""
        return len(self._images)

    def evaluate(self, file: bytes, model_format: Format) -> Evaluation:
        """Run a whole model file on the images.

        Raises:
            InvalidFileError: The engine does not accept it.
        """
        engine = load_engine(file, model_format)
        found = engine.output.decode(run_each(engine, self._images))
        right = found.argmax(axis=1) == self._labels
        expected_right = self._expected.argmax(axis=1) == self._labels
        return Evaluation(
            snr_db=measure_difference(found, self._expected).snr_db,
            fixed=int(np.sum(right & ~expected_right)),
            broken=int(np.sum(expected_right & ~right)),
            images=len(self._labels),
        )
