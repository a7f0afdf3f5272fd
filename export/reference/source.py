"""The reference: the Keras model that is exported, as it takes pixels and gives probabilities."""

from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
from numpy.typing import NDArray

from ...datasets.rows import Images, batches
from ...runtime.bundle.manifest import ModelOutput
from ...runtime.bundle.model_metadata import ImageSpec
from ...runtime.errors import EdgeproofError, InvalidFileError, SpecMismatchError, foreign_errors, is_interruption
from ...runtime.io.digest import sha256_of
from ...runtime.io.shortage import memory_needed_to
from ..conversion_errors import leaf_layers
from ..samples import PIXELS
from .custom import run_custom
from .model_kind import check_model_file, loading_problem, readable_file
from .outputs import RawOutputs, raw_outputs
from .serving import force_float32, image_of, serving_model, with_head

_BATCH = 100


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """An image classifier with one input and one output, loaded from a file.

    Attributes:
        model: Takes raw pixels 0-255 as float32 NHWC, gives class probabilities as float32.
        image: The images that it takes.
        classes: Number of probabilities.
        parameters: Number of weights.
        input_range: Black and white as the model in the file takes them.
        raw: What the model in the file gives by itself.
        sha256: Digest of the file.
    """

    model: keras.Model
    image: ImageSpec
    classes: int
    parameters: int
    input_range: tuple[float, float]
    raw: RawOutputs
    sha256: str

    @property
    def output(self) -> ModelOutput:
        """What the model in the file gives."""
        return self.raw.given

    def probabilities(self, images: Images) -> NDArray[np.float32]:
        """Return the reference's answers: float32 of shape (N, classes) for uint8 images of shape (N, H, W, C).

        Raises:
            SpecMismatchError: They are not probabilities.
        """
        if not len(images):  # Keras has no answers to none
            return np.zeros((0, self.classes), np.float32)
        with foreign_errors(SpecMismatchError, "Keras cannot run the model", caught=(Exception,)):
            found = predict(self.model, images)
        self.raw.check(images, found)
        return found


def predict(model: keras.Model, images: Images, *, scale: float = 1.0, offset: float = 0.0) -> NDArray[np.float32]:
    """Return a model's answers, shape (N, classes), to the numbers `images * scale + offset`.

    One batch is held as float32: `model.predict` makes tensors of all that it is given, several times.

    Args:
        model: Takes float32 of shape (batch, H, W, C).
        images: uint8 of shape (N, H, W, C).
        scale: Of the pixels.
        offset: Is added to them.
    """
    parts = (some.astype(np.float32) for some in batches(images, _BATCH))
    return np.concatenate([model.predict_on_batch(some * np.float32(scale) + np.float32(offset)) for some in parts])


def load_source(
    path: Path,
    *,
    size: tuple[int, int, int] | None = None,
    input_range: tuple[float, float] = PIXELS,
    output: ModelOutput = ModelOutput.PROBABILITIES,
    custom: Path | None = None,
) -> Source:
    """Load a `.keras` or `.h5` file in Keras's safe mode, in which it can hold no code.

    Args:
        path: The file.
        size: Height, width and channels of the images, for a model that leaves them open.
        input_range: The model's values of black and white.
        output: What the model gives: of all classes, or of the second of two alone.
        custom: A Python file to run first: it registers layers by ``@keras.saving.register_keras_serializable()``.

    Raises:
        InvalidFileError: A file is missing, is not what it should be, or cannot be loaded safely.
        SpecMismatchError: The model is not an image classifier with one input and one output.
    """
    check_model_file(path)
    if custom is not None:
        run_custom(custom)
    sha256 = sha256_of(path.read_bytes())
    try:
        with memory_needed_to(f"load {path}"), readable_file(path) as file:
            model = keras.saving.load_model(file, compile=False, safe_mode=True)
    except EdgeproofError:
        raise
    # Keras raises whatever a layer's constructor or the archive raised.
    except Exception as error:
        if is_interruption(error):
            raise
        raise InvalidFileError(f"Keras cannot load {path}: {loading_problem(path, error)}") from error
    if sha256_of(path.read_bytes()) != sha256:
        raise InvalidFileError(f"{path} was changed while it was read")
    return as_source(model, sha256=sha256, size=size, input_range=input_range, output=output, file=str(path))


def as_source(
    model: keras.Model,
    *,
    sha256: str,
    size: tuple[int, int, int] | None = None,
    input_range: tuple[float, float] = PIXELS,
    output: ModelOutput = ModelOutput.PROBABILITIES,
    file: str = "model.keras",
) -> Source:
    """Wrap an image classifier with one input and one output, or raise SpecMismatchError; see `load_source`."""
    image = image_of(model, size)
    if not model.built or not model.count_params():
        raise SpecMismatchError(f"model {model.name!r} holds no weights; call it once and train it before it is saved")
    force_float32(model)
    wrapped = serving_model(model, image, input_range=input_range, file=file)
    match wrapped.output_shape:
        case (_, int(units)) if units > 0:
            raw = raw_outputs(model, wrapped, output)
        case given:
            last = [model, *leaf_layers(model)][-1]
            raise SpecMismatchError(
                f"the model gives shape {given} (its last layer is {last.name!r}); needed is (batch, classes): end it "
                "in a Dense layer with one unit per class, or with one unit for two classes"
            )
    serving = with_head(wrapped, raw.given)
    return Source(
        model=serving,
        image=image,
        classes=serving.output_shape[1],
        parameters=model.count_params(),
        input_range=input_range,
        raw=raw,
        sha256=sha256,
    )
