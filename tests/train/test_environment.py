import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

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


@pytest.mark.parametrize(
    ("side", "strategy", "in_turn"), [(28, None, False), (64, None, False), (65, None, True), (224, "mirrored", False)]
)
def test_only_large_images_on_one_device_are_trained_in_turn(
    side: int, strategy: str | None, in_turn: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from edgeproof.train import run

    asked: list[bool] = []
    monkeypatch.setattr(run, "run_operations_in_turn", lambda: asked.append(True))
    monkeypatch.setattr(run, "find_devices", lambda _: None)
    data = SimpleNamespace(image_shape=(side, side, 3))
    with pytest.raises(AttributeError):  # of what stands for the devices
        run.train(data, tmp_path, strategy=strategy)  # type: ignore[arg-type]
    assert asked == [True] * in_turn
