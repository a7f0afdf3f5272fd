"""The Keras model that is exported: loaded safely, and wrapped so that it takes pixels and gives probabilities."""

import hashlib
import importlib.util
import itertools
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from ..runtime.description import ImageSpec
from ..runtime.errors import InvalidFileError, SpecMismatchError, one_line
from ..runtime.files import check_file
from .keras_file import check_keras_file, why_not_loaded
from .samples import PIXELS

PROBABILITIES, LOGITS = "probabilities", "logits"


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """An image classifier with one input and one output, and the file that it came from.

    Attributes:
        model: Takes raw pixels 0-255 as float32 NHWC, gives class probabilities as float32.
        image: The images that it takes.
        classes: How many probabilities it gives.
        parameters: How many numbers it holds.
        input_range: What black and white are to the model in the file.
        output: What the model in the file gives: ``"probabilities"`` or ``"logits"``.
        sha256: Digest of the file.
    """

    model: keras.Model
    image: ImageSpec
    classes: int
    parameters: int
    input_range: tuple[float, float]
    output: str
    sha256: str

    def probabilities(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the original's answers: float32 of shape (N, classes) for uint8 images of shape (N, H, W, C).

        Raises:
            SpecMismatchError: They are no probabilities.
        """
        try:
            found = self.model.predict(images.astype(np.float32), batch_size=100, verbose=0)
        # Whatever a layer raises.
        except Exception as error:
            raise SpecMismatchError(f"Keras cannot run the model: {one_line(error)[:300]}") from error
        if self.output == LOGITS:
            _check_logits(found)
        # What is compared, reported and thresholded later are probabilities; scores would be misread silently.
        if not (np.all(found >= 0) and np.allclose(found.sum(axis=1), 1, atol=1e-3)):
            raise SpecMismatchError(
                f"the model's outputs are no probabilities: they go from {found.min():.3g} to {found.max():.3g} and "
                f"sum up to {found.sum(axis=1).mean():.3g}; if they are logits, say --softmax to have one appended"
            )
        return found


def load_source(
    path: Path,
    *,
    size: tuple[int, int, int] | None = None,
    input_range: tuple[float, float] = PIXELS,
    softmax: bool = False,
    custom: Path | None = None,
) -> Source:
    """Load a `.keras` file in Keras's safe mode, in which it can hold no code.

    Args:
        path: The file.
        size: Height, width and channels of the images, for a model that leaves them open.
        input_range: What black and white are to the model.
        softmax: The model gives logits; append a softmax.
        custom: A Python file that is run first: it registers the model's own layers with
            ``@keras.saving.register_keras_serializable()``.

    Raises:
        InvalidFileError: A file is missing, is not what it should be, or cannot be loaded safely.
        SpecMismatchError: The model is no image classifier with one input and one output.
    """
    check_keras_file(path)
    if custom is not None:
        _run(custom)
    sha256 = _digest(path)
    try:
        model = keras.saving.load_model(path, compile=False, safe_mode=True)
    # Keras raises whatever a layer's constructor or the archive raised.
    except Exception as error:
        raise InvalidFileError(f"Keras cannot load {path}: {why_not_loaded(path, error)}") from error
    if _digest(path) != sha256:
        raise InvalidFileError(f"{path} was changed while it was read")
    return as_source(model, sha256=sha256, size=size, input_range=input_range, softmax=softmax)


def as_source(
    model: keras.Model,
    *,
    sha256: str,
    size: tuple[int, int, int] | None = None,
    input_range: tuple[float, float] = PIXELS,
    softmax: bool = False,
) -> Source:
    """Check that a model is an image classifier with one input and one output, and wrap it; see `load_source`.

    Raises:
        SpecMismatchError: It is not; the message gives the shapes.
    """
    image = _image_of(model, size)
    if not model.built or not model.count_params():
        raise SpecMismatchError(f"model {model.name!r} holds no weights; call it once and train it before it is saved")
    _in_float32(model)
    serving = serving_model(model, image, input_range=input_range, softmax=softmax)
    match serving.output_shape:
        case (_, int(classes)) if classes > 1:
            return Source(
                model=serving,
                image=image,
                classes=classes,
                parameters=model.count_params(),
                input_range=input_range,
                output=LOGITS if softmax else PROBABILITIES,
                sha256=sha256,
            )
        case given:
            last = next(iter(reversed(list(_leaves(model)))), model)
            raise SpecMismatchError(
                f"the model gives shape {given} (its last layer is {last.name!r}); needed is (batch, classes) with "
                "at least 2 classes: end it in a Dense layer with one unit per class"
            )


def serving_model(
    model: keras.Model, image: ImageSpec, *, input_range: tuple[float, float] = PIXELS, softmax: bool = False
) -> keras.Model:
    """Wrap a model so that it takes raw pixels and gives probabilities, with all of its layers at inference.

    Args:
        model: Any Keras 3 model with one input and one output, subclassed ones included. It may take images without a
            dimension for the one channel, or as flat vectors.
        image: The images that it will be given.
        input_range: What black and white are to the model.
        softmax: Append a softmax.

    Returns:
        A model with an input of shape (batch, H, W, C), float32, and one output, float32.

    Raises:
        SpecMismatchError: The model does not take such images, or gives several outputs.
    """
    low, high = input_range
    if not -1e6 < low < high < 1e6:
        raise SpecMismatchError(f"an input range goes from a smaller to a larger number, got {low:g} to {high:g}")
    pixels = keras.Input(image.shape, name="image")
    given = pixels
    if input_range != PIXELS:
        given = keras.layers.Rescaling((high - low) / 255, offset=low, name="input_range")(given)
    taken = _input_shape(model)
    if taken is not None and len(taken) != 4:
        given = keras.layers.Reshape((image.height, image.width) if len(taken) == 3 else (-1,), name="layout")(given)
    try:
        answers = model(_as_the_model_was_called(model, given), training=False)
    # Whatever a layer raises when shapes do not fit.
    except Exception as error:
        raise SpecMismatchError(
            f"model {model.name!r} does not take images of shape {image.shape}: {one_line(error)[:300]}"
        ) from error
    leaves = keras.tree.flatten(answers)
    if len(leaves) != 1 or not isinstance(leaves[0], keras.KerasTensor):
        raise SpecMismatchError(
            f"model {model.name!r} has {len(leaves)} outputs; one is needed: save keras.Model(model.inputs, that one)"
        )
    answers = leaves[0]
    if softmax:
        answers = keras.layers.Softmax(name="softmax", dtype="float32")(answers)
    return keras.Model(pixels, answers, name="serving")


def _as_the_model_was_called(model: keras.Model, given: keras.KerasTensor) -> Any:  # noqa: ANN401
    """Put the input into the list or dictionary that a model may want it in."""
    structure = getattr(model, "_inputs_struct", None)
    return given if structure is None else keras.tree.map_structure(lambda _: given, structure)


def _image_of(model: keras.Model, size: tuple[int, int, int] | None) -> ImageSpec:
    """Return the images that a model was built for; where it leaves their size open, those that it is given."""
    taken = _input_shape(model)
    if taken is None and size is None:
        raise SpecMismatchError(f"model {model.name!r} has no input shape yet; build it before it is saved")
    match taken, size:
        case (None, (height, width, channels)):
            pass
        case ((_, own_height, own_width, (1 | 3) as channels), _):
            height, width = own_height or (size and size[0]), own_width or (size and size[1])
        case ((_, height, width), (_, _, 1)) if height and width:  # grayscale, without its dimension
            channels = 1
        case ((_, count), (height, width, channels)) if count == height * width * channels:  # flat
            pass
        case _:
            height = width = channels = None
    if not height or not width or channels not in (1, 3):
        raise SpecMismatchError(
            f"the model takes {taken}; needed is (batch, height, width, 1 or 3), one image per entry"
        )
    return ImageSpec(height=height, width=width, channels=channels)


def _in_float32(model: keras.Model) -> None:
    """Let all layers compute in float32: mixed precision is for training, and no converter writes half of it.

    Raises:
        SpecMismatchError: A layer's own numbers are of another precision.
    """
    for layer in model._flatten_layers():
        if layer.variable_dtype != "float32":
            raise SpecMismatchError(
                f"layer {layer.name!r} holds {layer.variable_dtype}; needed is float32: set its dtype policy to "
                "float32 and save the model again"
            )
        if layer.compute_dtype != "float32":
            layer.dtype_policy = "float32"


def _check_logits(softmaxed: NDArray[np.float32]) -> None:
    """Refuse a softmax on top of a softmax: it would flatten all answers.

    Logits are known up to a constant from their softmax. If, with the constant that makes them sum up to 1, all of them
    are probabilities and some are certain, probabilities is what they were.
    """
    shifted = np.log(np.maximum(softmaxed, np.finfo(np.float32).tiny))
    before = shifted + (1 - shifted.sum(axis=1, keepdims=True)) / softmaxed.shape[1]
    if before.min() > -1e-4 and before.max() > 0.99:
        raise SpecMismatchError("the model gives probabilities already; leave out --softmax")


def _input_shape(model: keras.Model) -> tuple[int | None, ...] | None:
    """Return the shape of a model's one input; None for a model that was never given an image."""
    try:
        inputs = model.inputs
    except (ValueError, AttributeError):
        inputs = None
    if not inputs:
        # A subclassed model remembers the shape that it was built with.
        shape = (model.get_build_config() or {}).get("input_shape")
        return None if shape is None else tuple(shape)
    if len(inputs) != 1:
        names = ", ".join(repr(one.name) for one in inputs)
        raise SpecMismatchError(
            f"model {model.name!r} has {len(inputs)} inputs ({names}); one is needed: make the others constants "
            "inside the model"
        )
    return tuple(inputs[0].shape)


def _leaves(layer: keras.layers.Layer) -> Iterator[keras.layers.Layer]:
    for inner in getattr(layer, "layers", ()):
        yield from _leaves(inner) if getattr(inner, "layers", ()) else (inner,)


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _run(custom: Path) -> None:
    """Run the user's own Python file, as `import` would."""
    check_file(custom, "Python file (--custom)")
    spec = importlib.util.spec_from_file_location(f"_edgeproof_custom_{next(_counter)}", custom)
    if spec is None or spec.loader is None:
        raise InvalidFileError(f"{custom} is not a Python file; its name must end in .py")
    sys.path.insert(0, str(custom.parent.absolute()))  # as for a script: modules beside it can be imported
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # as import does; dataclasses look themselves up there
    try:
        spec.loader.exec_module(module)
    # It is the user's code: it may raise anything.
    except (Exception, SystemExit) as error:
        raise InvalidFileError(f"{custom} cannot be run: {type(error).__name__}: {one_line(error)[:300]}") from error


_counter = itertools.count()
