"""The hardware of a training, as far as the weights depend on it: one seed gives slightly different ones elsewhere."""

import os
from contextlib import suppress

import tensorflow as tf

from ..device.machine import read_machine

# Height times width of images that a training takes longer for in turn, and gives the same weights for either way.
SMALL_PIXELS = 64 * 64


def run_operations_in_turn() -> None:
    """Let TensorFlow run one operation at a time, on all of its threads, unless the environment says otherwise.

    Two at once give other sums from run to run: seen in TensorFlow 2.21 with images of 224 x 224, not of 28 x 28 or
    96 x 96; see `SMALL_PIXELS`.
    Where TensorFlow has begun to work in this process, it stays as it is.
    """
    if "TF_NUM_INTEROP_THREADS" not in os.environ:
        with suppress(RuntimeError):
            tf.config.threading.set_inter_op_parallelism_threads(1)


def describe_machine() -> dict[str, object]:
    """Describe processor, threads and devices, JSON-serializable: all that the order of additions depends on."""
    machine = read_machine()
    # 0 is TensorFlow's own choice: the environment's, or all cores.
    threads = tf.config.threading.get_intra_op_parallelism_threads() or os.environ.get("TF_NUM_INTRAOP_THREADS")
    return {
        "architecture": machine.architecture,
        "cpu_features": None if machine.cpu_features is None else sorted(machine.cpu_features),
        "threads": int(threads or machine.cores or 1),
        "devices": [device.device_type for device in tf.config.list_logical_devices()],
    }
