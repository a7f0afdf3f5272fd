"""Distillation: learning from a larger model's probabilities besides the labels.

Hinton, Vinyals, Dean: Distilling the Knowledge in a Neural Network, arXiv 1503.02531.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np
import pooch
import tensorflow as tf
from numpy.typing import NDArray

from ..datasets.rows import Images, batches
from ..runtime.errors import InvalidFileError, SpecMismatchError, foreign_errors
from ..runtime.io.atomic import atomic_files
from ..runtime.io.files import read_file
from ..runtime.validation import are_probabilities
from .augmentation.changes import changes_images, describe_changes
from .batches import augmented_images
from .options import FitOptions

# A teacher is asked about this many sets of changes, which the epochs repeat.
SETS = 8


class DistillationLoss(keras.losses.Loss):
    """Cross-entropy with the labels and, at a higher temperature, with the teacher.

    The second term is multiplied by the squared temperature, so that its gradients keep their size (paper, section 2).

    Args:
        weight: Of the teacher's term, 0 to 1; the labels' is 1 - weight.
        temperature: Divides the logits of both.
        weighted: Whether the sum of an image's labels is what the image counts, by its class; else all count 1.
    """

    def __init__(self, weight: float, temperature: float, *, weighted: bool = False) -> None:
        super().__init__(name="distillation")
        self._weight, self._temperature, self._weighted = weight, temperature, weighted

    def call(self, y_true: tf.Tensor, y_pred: tf.Tensor) -> tf.Tensor:
        """Return the loss of each image.

        Args:
            y_true: Shape (B, 2, classes): the labels' probabilities and the teacher's logits.
            y_pred: Shape (B, classes): the student's.
        """
        labels, teacher = y_true[:, 0], y_true[:, 1]
        hard = keras.losses.categorical_crossentropy(labels, y_pred)
        soft = tf.nn.softmax_cross_entropy_with_logits(
            tf.nn.softmax(teacher / self._temperature), _logits(y_pred) / self._temperature
        )
        if self._weighted:  # the first term is, being linear in the labels
            soft *= tf.reduce_sum(labels, axis=-1)
        return (1 - self._weight) * hard + self._weight * self._temperature**2 * soft


def label_accuracy(y_true: tf.Tensor, y_pred: tf.Tensor) -> tf.Tensor:
    """Return for each image whether the student's class is the label's; shapes as in `DistillationLoss.call`."""
    return keras.metrics.categorical_accuracy(y_true[:, 0] if len(y_true.shape) == 3 else y_true, y_pred)


def teacher_logits(
    teachers: Sequence[Path], images: Images, classes: int, options: FitOptions, *, cache: Path | None = None
) -> NDArray[np.float16]:
    """Return the answers of an ensemble of teachers to the images as they will be augmented in training.

    They are cached under the digest of all that they depend on.

    Args:
        teachers: `.keras` files of models that take pixels 0-255 of the images' shape and give probabilities.
        images: Those that are learned from, shape (N, H, W, C).
        classes: Number of probabilities.
        options: Augmentation and seed.
        cache: A folder for the cache; the user's cache folder by default.

    Returns:
        Logarithms of the mean probabilities, shape (K, N, classes), for K sets of changes.

    Raises:
        InvalidFileError: A teacher cannot be read.
        SpecMismatchError: A teacher is for other images or classes, or does not give probabilities.
    """
    digest = hashlib.sha256(f"{options.seed} {describe_changes(options)} {images.shape}".encode())
    for path in teachers:
        digest.update(read_file(path, "teacher"))
    for batch in batches(images):
        digest.update(np.ascontiguousarray(batch).data)
    folder = (cache or Path(pooch.os_cache("edgeproof"))) / "teachers"
    sets = min(SETS, options.all_epochs) if changes_images(options) else 1
    models: list[keras.Model] = []
    found: list[NDArray[np.float16]] = []
    for which in range(sets):
        file = folder / f"{digest.hexdigest()[:32]}-{which}.npy"
        logits = _cached(file, (len(images), classes))
        if logits is None:
            models = models or [_teacher(path, images.shape[1:], classes) for path in teachers]
            logits = _mean_logits(models, augmented_images(images, options, which))
            with atomic_files(folder) as staging:
                np.save(staging / file.name, logits)
        found.append(logits)
    return np.stack(found)


def _cached(file: Path, shape: tuple[int, int]) -> NDArray[np.float16] | None:
    """Return cached logits; None where there are none that can be read."""
    try:
        logits = np.load(file, allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    return logits if isinstance(logits, np.ndarray) and logits.shape == shape and logits.dtype == np.float16 else None


def _teacher(path: Path, image_shape: tuple[int, ...], classes: int) -> keras.Model:
    with foreign_errors(InvalidFileError, f"{path} is not a Keras model that can be read", caught=(Exception,)):
        model = keras.saving.load_model(path, compile=False)
    taken, given = (None, *image_shape), (None, classes)
    if (model.input_shape, model.output_shape) != (taken, given):
        found = f"the teacher {path} takes {model.input_shape} and gives {model.output_shape}"
        raise SpecMismatchError(f"{found}; needed are {taken} and {given}")
    grey = np.full((1, *image_shape), 128, np.float32)
    if not are_probabilities(model.predict(grey, verbose=0)):
        raise SpecMismatchError(
            f"the teacher {path} does not give probabilities: its answer to a grey image does not lie in 0-1 with "
            "the sum 1; put a softmax behind it"
        )
    return model


def _mean_logits(models: Sequence[keras.Model], pixels: tf.data.Dataset) -> NDArray[np.float16]:
    mean = np.mean([model.predict(pixels, verbose=0) for model in models], axis=0)
    return _logits(tf.constant(mean)).numpy().astype(np.float16)


def _logits(probabilities: tf.Tensor) -> tf.Tensor:
    """Return the logits, up to a constant, that a softmax turns into these probabilities."""
    return tf.math.log(tf.maximum(probabilities, 1e-7))
