"""The hardware of a training, as far as the weights depend on it: one seed gives slightly different ones elsewhere."""

import os

import tensorflow as tf

from ..device.machine import read_machine


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
