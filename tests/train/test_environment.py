import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.tensorflow

# In a process of its own: TensorFlow must not have begun to work.
_ASK = """
import tensorflow as tf
from edgeproof.train.environment import run_operations_in_turn
BEFORE
run_operations_in_turn()
print(tf.config.threading.get_inter_op_parallelism_threads())
"""


def threads(before: str = "", **environment: str) -> int:
    done = subprocess.run(
        [sys.executable, "-c", _ASK.replace("BEFORE", before)],
        env={name: text for name, text in os.environ.items() if name != "TF_NUM_INTEROP_THREADS"} | environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return int(done.stdout.split()[-1])


def test_operations_run_in_turn() -> None:
    assert threads() == 1


def test_what_the_environment_says_counts() -> None:
    assert threads(TF_NUM_INTEROP_THREADS="3") != 1


def test_tensorflow_that_works_already_stays_as_it_is() -> None:
    assert threads("tf.constant(1) + 1") != 1
