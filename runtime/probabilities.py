"""Check that what a model gives are probabilities."""

import numpy as np
from numpy.typing import NDArray

from .bundle.model_metadata import ImageSpec
from .bundle.tensors import TensorSpec
from .engines.engine import Engine, noise
from .errors import InvalidFileError

_STEP_OF_BYTES = 1 / 255  # the coarsest that integers for 0-1 have; an output in float may be decoded from them
_SLACK = 1e-3  # what rounding of floats may add to a sum


def step_of(output: TensorSpec) -> float:
    """Return the largest step between probabilities in this tensor."""
    return _STEP_OF_BYTES if output.quantization is None else output.quantization.scale


def check_one_answer(engine: Engine, image: ImageSpec, model: str) -> None:
    """Run a model on one image of noise, and check its answer as `check_probabilities` does."""
    stored = engine.run(engine.input.encode(noise(image.shape)[np.newaxis]))
    check_probabilities(engine.output.decode(stored), step_of(engine.output), model)


def check_probabilities(rows: NDArray[np.float32], step: float, model: str) -> None:
    """Check answers of shape (N, classes), stored in steps of this size; each may be off by one, as kernels round them.

    Raises:
        InvalidFileError: One is below 0 or not a number, or a row's sum cannot be 1; the message names `model`.
    """
    # A step lower, the answers to one image make 1 at most, and a step higher 1 at least.
    least = np.maximum(rows - step, 0).sum(axis=1)
    most = rows.sum(axis=1) + rows.shape[1] * step
    if len(rows) and not (rows.min() >= 0 and least.max() <= 1 + _SLACK and most.min() >= 1 - _SLACK):
        raise not_probabilities(rows, model)


def not_probabilities(rows: NDArray[np.float32], model: str) -> InvalidFileError:
    """Return the error for answers that are not probabilities, shape (N, classes) or (classes,)."""
    low, high, total = rows.min(), rows.max(), rows.sum(axis=-1).min()
    return InvalidFileError(
        f"{model} does not give probabilities: its answers go from {low:.3g} to {high:.3g} and sum up to {total:.3g}; "
        "it is damaged, or ends in something else than a softmax: to logits, edgeproof export --softmax appends one"
    )
