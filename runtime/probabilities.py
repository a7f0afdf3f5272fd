"""Check that what a model gives are probabilities."""

import numpy as np
from numpy.typing import NDArray

from .bundle.model_metadata import ImageSpec
from .bundle.tensors import TensorSpec
from .engines.engine import Engine, noise
from .errors import InvalidFileError

# Steps per 1 of bytes that a file itself turns into floats: TensorFlow Lite's, and those of ONNX Runtime's quantizer.
_STEPS_OF_BYTES = (256, 255, 127.5, 127)
_STEP_OF_FLOATS = 2**-15  # of int16, which a file may turn into floats as well
_SLACK = 5e-3  # what rounding of floats may add to a sum, of float16 on ARM too


def step_of(output: TensorSpec) -> float | None:
    """Return the step between probabilities in this tensor; None for floats, which the file may have made of bytes."""
    return None if output.quantization is None else output.quantization.scale


def check_one_answer(engine: Engine, image: ImageSpec, model: str) -> None:
    """Run a model on one image of noise, and check its answer as `check_probabilities` does."""
    stored = engine.run(engine.input.encode(noise(image.shape)[np.newaxis]))
    check_probabilities(engine.output.decode(stored), step_of(engine.output), model)


def check_probabilities(rows: NDArray[np.float32], step: float | None, model: str) -> None:
    """Check answers of shape (N, classes), stored in steps of this size; None as in `step_of`.

    A row of zeros passes only as integers of so many classes that each may have less than half a step. As floats it is
    refused, although a file may have made it of such bytes: it says nothing, and looks like a model without weights.

    Raises:
        InvalidFileError: One is below 0 or not a number, or a row's sum cannot be 1; the message names `model`.
    """
    if not len(rows):
        return
    in_range = rows.min() >= 0 and rows.max() <= 1 + _SLACK
    wrong = rows[~_can_make_one(rows, step)] if in_range else rows
    if len(wrong):
        raise not_probabilities(wrong, model)


def _can_make_one(rows: NDArray[np.float32], step: float | None) -> NDArray[np.bool_]:
    """Tell of each row of numbers from 0 whether it can be numbers that make 1, rounded to steps."""
    if step is not None:
        may_be_zeros = rows.shape[1] * step / 2 >= 1
        return _rounds_one(rows, step) & ((rows.max(axis=1) > 0) | may_be_zeros)
    fits = _rounds_one(rows, _STEP_OF_FLOATS)
    if not fits.all():
        for steps in _STEPS_OF_BYTES:
            fits |= _are_whole(rows * np.float32(steps)) & _rounds_one(rows, 1 / steps)
    return fits & (rows.max(axis=1) > 0)


def _rounds_one(rows: NDArray[np.float32], step: float) -> NDArray[np.bool_]:
    # LiteRT's kernels round half up; the largest of a byte is a step below 1.
    least = np.maximum(rows - step / 2, 0).sum(axis=1)
    most = rows.sum(axis=1) + rows.shape[1] * step
    return (least <= 1 + _SLACK) & (most >= 1 - _SLACK)


def _are_whole(rows: NDArray[np.float32]) -> NDArray[np.bool_]:
    return np.abs(rows - np.rint(rows)).max(axis=1) < 1e-3


def not_probabilities(rows: NDArray[np.float32], model: str) -> InvalidFileError:
    """Return the error for answers that are not probabilities, shape (N, classes) or (classes,)."""
    low, high, total = rows.min(), rows.max(), rows.sum(axis=-1).min()
    return InvalidFileError(
        f"{model} does not give probabilities: its answers go from {low:.3g} to {high:.3g} and sum up to {total:.3g}; "
        "it is damaged, or ends in something else than a softmax: to logits, edgeproof export --softmax appends one"
    )
