"""Repairs of the fit of Keras 3, so that it trains with more than one worker.

"Keras 3 does not work with tf.distribute.MultiWorkerMirroredStrategy", says its author
(github.com/keras-team/keras/issues/20585). Two functions of 3.15.1's keras/src/backend/tensorflow/trainer.py stop it:

- `_maybe_symbolic_build` reads a batch to learn shapes and hands it to `strategy.reduce` as a tuple: "Attempt to
  convert a value (PerReplica:...) with an unsupported type". On one machine with several devices it works, but the
  training never sees that batch, and differs from that on one device.
- `reduce_per_replica` averages scalars over an axis that they do not have: "Invalid reduction dimension 0 for input
  with 0 dimensions" (github.com/tensorflow/tensorflow/issues/72388).
"""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import keras
import tensorflow as tf
from keras.src.backend.tensorflow import trainer

from ..runtime.errors import EngineMissingError


@contextmanager
def repaired_fit() -> Generator[None]:
    """Replace the two functions while the block runs.

    Raises:
        EngineMissingError: This version of Keras does not have them.
    """
    try:
        owner: Any = trainer.TensorFlowTrainer
        build, reduce = owner._maybe_symbolic_build, trainer.reduce_per_replica
        spans_workers = trainer._collective_all_reduce_multi_worker
    except AttributeError as error:
        raise EngineMissingError(
            f"training on several devices was tested with Keras 3.15; Keras {keras.__version__} is built otherwise: "
            f"{error}"
        ) from error

    def reduce_scalars(values: Any, strategy: tf.distribute.Strategy, reduction: str) -> Any:  # noqa: ANN401
        if reduction == "auto" and spans_workers(strategy):
            return keras.tree.map_structure(lambda value: strategy.reduce("MEAN", value, axis=None), values)
        return reduce(values, strategy, reduction)

    owner._maybe_symbolic_build, trainer.reduce_per_replica = _build_from_shapes, reduce_scalars
    try:
        yield
    finally:
        owner._maybe_symbolic_build, trainer.reduce_per_replica = build, reduce


def _build_from_shapes(model: Any, iterator: Any = None, data_batch: Any = None) -> None:  # noqa: ANN401
    """Build a model for the shapes of its data set, without reading a batch."""
    if model._distribute_strategy is None:
        return
    if iterator is not None:
        data_batch = keras.tree.map_structure(_zeros, iterator._distributed_dataset.element_spec)
    with model.distribute_strategy.scope():
        model._symbolic_build(data_batch=data_batch)


def _zeros(spec: Any) -> tf.Tensor:  # noqa: ANN401
    one = spec._value_specs[0] if hasattr(spec, "_value_specs") else spec
    return tf.zeros([size or 1 for size in one.shape], one.dtype)
