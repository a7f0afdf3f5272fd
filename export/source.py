"""The Keras model that is exported: loaded safely, checked for what every exporter relies on."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
from numpy.typing import NDArray

from ..runtime.errors import InvalidFileError, SpecMismatchError, one_line
from ..runtime.manifest import ImageSpec
from .keras_file import check_keras_file


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """An image classifier with one input and one output, and the file that it came from.

    Attributes:
        model: Takes raw pixels 0-255 as float32 NHWC, gives class probabilities.
        image: The images that it takes.
        classes: How many probabilities it gives.
        sha256: Digest of the file.
    """

    model: keras.Model
    image: ImageSpec
    classes: int
    sha256: str

    def probabilities(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the original's answers: float32 of shape (N, classes) for uint8 images of shape (N, H, W, C).

        Raises:
            SpecMismatchError: They are no probabilities.
        """
        try:
            found = self.model.predict(images.astype(np.float32), batch_size=500, verbose=0)
        # Whatever a layer raises.
        except Exception as error:
            raise SpecMismatchError(f"Keras cannot run the model: {one_line(error)[:300]}") from error
        if not isinstance(found, np.ndarray):
            raise SpecMismatchError(f"the model gives a {type(found).__name__}; a plain output is needed")
        # What is compared, reported and thresholded later are probabilities; scores would be misread silently.
        if not (np.all(found >= 0) and np.allclose(found.sum(axis=1), 1, atol=1e-3)):
            raise SpecMismatchError(
                f"the model's outputs are no probabilities: they go from {found.min():.3g} to {found.max():.3g} and "
                f"sum up to {found.sum(axis=1).mean():.3g}; end the model with a softmax"
            )
        return found


def load_source(path: Path) -> Source:
    """Load a `.keras` file in Keras's safe mode, in which it can hold no code.

    Raises:
        InvalidFileError: The file is missing, is no `.keras` file, or cannot be loaded safely.
        SpecMismatchError: The model is no image classifier with one input and one output.
    """
    check_keras_file(path)
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    try:
        model = keras.saving.load_model(path, compile=False, safe_mode=True)
    # Keras raises whatever a layer's constructor or the archive raised.
    except Exception as error:
        raise InvalidFileError(f"Keras cannot load {path}: {one_line(error)[:300]}") from error
    return as_source(model, sha256=sha256)


def as_source(model: keras.Model, *, sha256: str) -> Source:
    """Check that a model is an image classifier with one input and one output.

    Raises:
        SpecMismatchError: It is not; the message gives the shapes.
    """
    try:
        inputs, outputs = model.inputs or (), model.outputs or ()
    except (ValueError, AttributeError) as error:
        raise SpecMismatchError(
            f"the model has no input shape yet; build it before it is saved: {one_line(error)}"
        ) from error
    if len(inputs) != 1 or len(outputs) != 1:
        raise SpecMismatchError(f"the model has {len(inputs)} inputs and {len(outputs)} outputs; one of each is needed")
    match tuple(inputs[0].shape), tuple(outputs[0].shape):
        case (_, int(height), int(width), (1 | 3) as channels), (_, int(classes)):
            image = ImageSpec(height=height, width=width, channels=channels)
            return Source(model=model, image=image, classes=classes, sha256=sha256)
        case taken, given:
            raise SpecMismatchError(
                f"the model takes {taken} and gives {given}; needed are (batch, height, width, 1 or 3) and "
                "(batch, classes)"
            )
