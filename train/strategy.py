"""Training on several devices or machines, through tf.distribute."""

import json
import os
import signal
from collections.abc import Generator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass

import keras
import tensorflow as tf

from ..runtime.errors import EdgeproofError, SpecMismatchError, UnknownNameError, foreign_errors, one_line
from .keras_repairs import repaired_fit

MIRRORED, MULTIWORKER = "mirrored", "multiworker"
# Errors of a collective operation when a process of the cluster has gone.
_GONE = (tf.errors.UnavailableError, tf.errors.AbortedError, tf.errors.InternalError, tf.errors.CancelledError)


@dataclass(frozen=True, kw_only=True, slots=True)
class Devices:
    """The devices of a training.

    Attributes:
        strategy: Divides the work; None for one device.
        is_chief: Whether this process writes the results; of several workers the first one does.
    """

    strategy: tf.distribute.Strategy | None = None
    is_chief: bool = True

    @property
    def replicas(self) -> int:
        """Number of parts that each batch is divided into."""
        return 1 if self.strategy is None else self.strategy.num_replicas_in_sync

    def scope(self) -> AbstractContextManager[object]:
        """Let models that are built and compiled in the block live on all devices."""
        return nullcontext() if self.strategy is None else self.strategy.scope()

    def check_batch(self, size: int) -> None:
        """Raise SpecMismatchError for a batch that cannot be divided among the devices."""
        if size % self.replicas:
            raise SpecMismatchError(f"a batch of {size} images cannot be divided among {self.replicas} devices")

    @contextmanager
    def fitting(self, model: keras.Model) -> Generator[None]:
        """Let Keras fit a model on all devices in the block.

        Every BatchNormalization then sees the whole batch; with its own share each worker would end with another model.

        Raises:
            EdgeproofError: Another worker has gone.
        """
        if self.strategy is None:
            yield
            return
        layers = [one for one in model._flatten_layers() if isinstance(one, keras.layers.BatchNormalization)]
        before = [layer.synchronized for layer in layers]
        try:
            for layer in layers:
                layer.synchronized = True
            with repaired_fit():
                yield
        except tf.errors.OpError as error:
            if not isinstance(self.strategy, tf.distribute.MultiWorkerMirroredStrategy) or not isinstance(error, _GONE):
                raise
            raise EdgeproofError(
                "another worker has gone, and this one cannot go on alone; start all of them again, with --resume to "
                f"keep the finished epochs ({one_line(error)[:120]})"
            ) from error
        finally:
            for layer, synchronized in zip(layers, before, strict=True):
                layer.synchronized = synchronized


ONE_DEVICE = Devices()


def devices(name: str | None) -> Devices:
    """Return the devices of a strategy; to be called before anything else of TensorFlow.

    Args:
        name: ``"mirrored"`` for all GPUs of this machine, or its logical devices where there are none;
            ``"multiworker"`` for the machines in the environment variable TF_CONFIG, after waiting for all of them;
            None for one device.

    Raises:
        SpecMismatchError: TF_CONFIG is missing or malformed, or there are not two devices.
        UnknownNameError: There is no such strategy.
    """
    if name is None:
        return ONE_DEVICE
    if name == MIRRORED:
        kind = "GPU" if tf.config.list_logical_devices("GPU") else "CPU"
        found = [device.name for device in tf.config.list_logical_devices(kind)]
        if len(found) < 2:
            raise SpecMismatchError(f"--strategy {MIRRORED} divides batches among devices; this machine has one {kind}")
        return Devices(strategy=tf.distribute.MirroredStrategy(found))
    if name == MULTIWORKER:
        _check_cluster()
        errors = (ValueError, RuntimeError, tf.errors.OpError)
        with foreign_errors(SpecMismatchError, "the workers cannot be joined", caught=errors):
            strategy = tf.distribute.MultiWorkerMirroredStrategy()
        # TensorFlow takes over requests to stop when workers are joined.
        with suppress(ValueError):  # not in the main thread
            signal.signal(signal.SIGTERM, signal.getsignal(signal.SIGTERM))
        return Devices(strategy=strategy, is_chief=strategy.cluster_resolver.task_id == 0)
    raise UnknownNameError(f"unknown strategy {name!r}; possible: {MIRRORED}, {MULTIWORKER}")


def _check_cluster() -> None:
    """Refuse a TF_CONFIG that TensorFlow would wait for, or fail at, without saying why."""
    text = os.environ.get("TF_CONFIG")
    needed = '{"cluster": {"worker": ["host:port", ...]}, "task": {"type": "worker", "index": 0}}'
    if text is None:
        raise SpecMismatchError(f"--strategy {MULTIWORKER} finds its workers in TF_CONFIG, which is not set: {needed}")
    try:
        config = json.loads(text)
    except ValueError:
        config = None
    match config:
        case {"cluster": {"worker": [*workers], **others}, "task": {"type": "worker", "index": int(index)}}:
            named = all(isinstance(worker, str) and ":" in worker for worker in workers)
            sound = named and not others and type(index) is int and 0 <= index < len(workers)
        case _:
            sound = False
    if not sound:
        raise SpecMismatchError(f"TF_CONFIG does not say which worker this is; needed is {needed}, got {text!r:.200}")
