"""Wraps a model so that it takes raw pixels and gives probabilities."""

import functools
import json
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from ...runtime.bundle.manifest import ModelOutput
from ...runtime.bundle.model_metadata import ImageSpec
from ...runtime.errors import SpecMismatchError, foreign_errors
from ..samples import PIXELS
from ..tracing.layer_names import SERVING_NAME, numbered_layers
from .heads import append_head


def serving_model(
    model: keras.Model,
    image: ImageSpec,
    *,
    input_range: tuple[float, float] = PIXELS,
    file: str = "model.keras",
) -> keras.Model:
    """Wrap a model so that it takes raw pixels, in inference mode; it gives what it gives.

    Args:
        model: With one input and one output, also a subclass; it may take images without the channel, or flat vectors.
        image: The images that it will be given.
        input_range: The model's values of black and white.
        file: The model's, in the command that an error advises.

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
    problem = f"model {model.name!r} does not take images of shape {image.shape}"
    with foreign_errors(SpecMismatchError, problem, caught=(Exception,)):
        # The model may want its input in a list or a dictionary.
        structure = getattr(model, "_inputs_struct", None)
        fed = given if structure is None else keras.tree.map_structure(lambda _: given, structure)
        answers = model(fed, training=False)
    outputs = keras.tree.flatten(answers)
    if len(outputs) != 1 or not isinstance(outputs[0], keras.KerasTensor):
        raise SpecMismatchError(_several_outputs(model, outputs, file))
    return _serving(pixels, outputs[0])


def with_head(serving: keras.Model, given: ModelOutput) -> keras.Model:
    """Return a serving model that gives probabilities of all classes in place of what it gives."""
    return _serving(serving.inputs[0], append_head(serving.outputs[0], given))


def _serving(pixels: keras.KerasTensor, outputs: keras.KerasTensor) -> keras.Model:
    serving = keras.Model(pixels, outputs, name=SERVING_NAME)
    serving.call = _numbered_when_traced(serving)
    return serving


def _numbered_when_traced(model: keras.Model) -> Any:  # noqa: ANN401
    """Return a model's `call` for which any name of a layer is good: TensorFlow refuses to trace many."""
    call = model.call

    @functools.wraps(call)
    def numbered(*args: Any, **options: Any) -> Any:  # noqa: ANN401
        if tf.executing_eagerly():
            return call(*args, **options)
        with numbered_layers(model):
            return call(*args, **options)

    return numbered


def _several_outputs(model: keras.Model, outputs: Sequence[Any], file: str) -> str:
    """Return one line for a model with several outputs: what they are, and the command that keeps the first."""
    names = getattr(model, "output_names", None) or [str(number) for number in range(len(outputs))]
    listed = ", ".join(f"{name!r} of shape {tuple(one.shape)}" for name, one in zip(names, outputs, strict=False))
    kept = Path(file).with_stem(f"{Path(file).stem}-1").with_suffix(".keras")
    code = (
        f"import keras; m = keras.saving.load_model({json.dumps(file)}, compile=False); "
        f"keras.Model(m.inputs, m.outputs[0]).save({json.dumps(str(kept))})"
    )
    return (
        f"model {model.name!r} has {len(outputs)} outputs ({listed}); one is needed, since an answer is one class per "
        f"image. To keep the first: python -c {shlex.quote(code)}"
    )


def image_of(model: keras.Model, size: tuple[int, int, int] | None) -> ImageSpec:
    """Return the images that a model was built for, of the given size where it leaves that open."""
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


def force_float32(model: keras.Model) -> None:
    """Compute all layers in float32 (no converter mixes), or raise SpecMismatchError for weights of another dtype."""
    for layer in model._flatten_layers():
        if layer.variable_dtype != "float32":
            raise SpecMismatchError(
                f"layer {layer.name!r} holds {layer.variable_dtype}; needed is float32: set its dtype policy to "
                "float32 and save the model again"
            )
        if layer.compute_dtype != "float32":
            layer.dtype_policy = "float32"


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
