"""Two workers on this machine, each in a process of its own, as two machines would be."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import keras
import numpy as np
import pytest
from edgeproof.runtime.errors import SpecMismatchError, UnknownNameError
from edgeproof.train.strategy import ONE_DEVICE, devices

if TYPE_CHECKING:
    from edgeproof.datasets.dataset import Dataset

pytestmark = pytest.mark.usefixtures("warm")

COMMAND = [sys.executable, "-P", "-m", "edgeproof.cli", "train"]
# Devices do not drop the same features as one would.
MODEL = f"{Path(__file__).parents[1] / 'data' / 'small_model.py'}:without_dropout"
SECONDS = 240


def free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


def start(folder: Path, workers: int, arguments: Sequence[str]) -> list[subprocess.Popen[bytes]]:
    hosts = [f"127.0.0.1:{port}" for port in free_ports(workers)]
    started = []
    for index in range(workers):
        config = {"cluster": {"worker": hosts}, "task": {"type": "worker", "index": index}}
        environment = os.environ | {"TF_CONFIG": json.dumps(config), "CUDA_VISIBLE_DEVICES": "-1"}
        # To a file: a pipe that nobody empties would stop a worker, and the others with it.
        with (folder / f"worker{index}.log").open("wb") as log:
            started.append(
                subprocess.Popen(
                    [*COMMAND, *arguments], env=environment, stdout=log, stderr=log, start_new_session=True
                )
            )
    return started


def wait(processes: Sequence[subprocess.Popen[bytes]]) -> list[int | None]:
    """Wait for all; one that does not end is killed, a worker that waits for others hears nothing else."""
    deadline = time.monotonic() + SECONDS
    try:
        while any(process.poll() is None for process in processes) and time.monotonic() < deadline:
            time.sleep(0.2)
        return [process.returncode for process in processes]
    finally:
        for process in processes:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def logs(folder: Path) -> str:
    return "\n".join(path.read_text()[-2000:] for path in sorted(folder.glob("*.log")))


def test_two_workers_train_what_one_process_trains(small_npz: Path, small_data: "Dataset", tmp_path: Path) -> None:
    arguments = ["--data", str(small_npz), "--model", MODEL, "--epochs", "4", "--batch-size", "50", "--patience", "4"]
    assert wait(start(tmp_path, 2, [*arguments, "--strategy", "multiworker", "--out", str(tmp_path / "two")])) == [
        0,
        0,
    ], logs(tmp_path)
    # In a new process, too: what this one has drawn at random before does not matter.
    subprocess.run([*COMMAND, *arguments, "--out", tmp_path / "one"], check=True, stdout=subprocess.DEVNULL)
    one, two = (json.loads((tmp_path / name / "training.json").read_text()) for name in ("one", "two"))
    # Sums are added in another order: the first steps agree, later ones drift apart.
    assert two["history"]["loss"][0] == pytest.approx(one["history"]["loss"][0], rel=2e-3)
    assert len(two["history"]["loss"]) == len(one["history"]["loss"])
    assert two["test_accuracy"] == pytest.approx(one["test_accuracy"], abs=0.05)
    assert two["history"]["loss"][-1] < two["history"]["loss"][0]
    # The chief's model is whole: it answers as it did there, without any strategy.
    model = keras.saving.load_model(tmp_path / "two" / "model.keras")
    answers = model.predict(small_data.x_test.astype(np.float32), verbose=0).argmax(axis=1)
    assert float(np.mean(answers == small_data.y_test)) == two["test_accuracy"]
    # Both workers saw the same figures: they hold the same model.
    epochs = [
        [line.split("  ")[1:5] for line in (tmp_path / f"worker{i}.log").read_text().splitlines() if "epoch" in line]
        for i in (0, 1)
    ]
    assert epochs[0] == epochs[1] != []


def test_a_worker_that_dies_ends_the_other_and_all_can_go_on(small_npz: Path, tmp_path: Path) -> None:
    arguments = ["--data", str(small_npz), "--model", MODEL, "--epochs", "20", "--batch-size", "50"]
    arguments += ["--strategy", "multiworker", "--out", str(tmp_path / "run")]
    workers = start(tmp_path, 2, arguments)
    deadline = time.monotonic() + SECONDS
    while " 2/20" not in (tmp_path / "worker0.log").read_text() and time.monotonic() < deadline:
        time.sleep(0.2)
    workers[1].kill()
    codes = wait(workers)
    assert codes == [2, -signal.SIGKILL], logs(tmp_path)
    last = (tmp_path / "worker0.log").read_text().splitlines()[-1]
    assert last.startswith("edgeproof: error: another worker has gone")
    assert (tmp_path / "run" / "unfinished" / "state.npz").exists()
    assert wait(start(tmp_path, 2, [*arguments, "--resume"])) == [0, 0], logs(tmp_path)
    for worker in (0, 1):
        assert "going on after epoch" in (tmp_path / f"worker{worker}.log").read_text()
    assert len(json.loads((tmp_path / "run" / "training.json").read_text())["history"]["loss"]) == 20
    assert not (tmp_path / "run" / "unfinished").exists()


def test_no_strategy_is_one_device() -> None:
    assert devices(None) is ONE_DEVICE


def test_an_unknown_strategy_names_those_that_exist() -> None:
    with pytest.raises(UnknownNameError, match="unknown strategy 'tpu'; possible: mirrored, multiworker"):
        devices("tpu")


def test_one_processor_cannot_be_mirrored() -> None:
    with pytest.raises(SpecMismatchError, match="divides batches among devices; this machine has one CPU"):
        devices("mirrored")


@pytest.mark.parametrize(
    "config",
    [
        None,
        "",
        "text",
        "[]",
        "{}",
        '{"cluster": {"worker": ["a:1"]}, "task": {"type": "worker", "index": 1}}',
        '{"cluster": {"worker": ["a:1"]}, "task": {"type": "worker", "index": -1}}',
        '{"cluster": {"worker": ["a:1"]}, "task": {"type": "chief", "index": 0}}',
        '{"cluster": {"worker": "a:1"}, "task": {"type": "worker", "index": 0}}',
        '{"cluster": {"worker": ["a:1"]}, "task": {"type": "worker", "index": "x"}}',
        '{"cluster": {"worker": ["a:1"]}, "task": {"type": "worker", "index": 1e400}}',
        '{"cluster": {"worker": [1]}, "task": {"type": "worker", "index": 0}}',
        '{"cluster": {"worker": ["a:1"], "chief": ["b:1"]}, "task": {"type": "worker", "index": 0}}',
        '{"cluster": [], "task": {"type": "worker", "index": 0}}',
    ],
)
def test_a_configuration_that_would_be_waited_for_in_vain_is_refused(
    config: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TF_CONFIG", raising=False)
    if config is not None:
        monkeypatch.setenv("TF_CONFIG", config)
    with pytest.raises(SpecMismatchError, match=r'TF_CONFIG.*"cluster": {"worker": \["host:port", \.\.\.\]}'):
        devices("multiworker")


MIRRORED = """
import sys
import numpy as np
import tensorflow as tf

cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
import keras
from edgeproof.train.architecture import Architecture
from edgeproof.datasets.loading import load_data
from edgeproof.train.fit import fit
from edgeproof.train.options import FitOptions
from edgeproof.train.strategy import devices

data = load_data(sys.argv[1])
options = FitOptions(epochs=2, batch_size=50)
losses = {}
for name in ("mirrored", None):
    on = devices(name)
    keras.utils.set_random_seed(1)
    with on.scope():
        model = Architecture(preset=None, builder=sys.argv[2]).build((28, 28, 1), 10)
    losses[name] = fit(model, data, options, devices=on).history["loss"]
assert devices("mirrored").replicas == 2
np.testing.assert_allclose(losses["mirrored"][0], losses[None][0], rtol=2e-3)
"""


def test_two_devices_train_what_one_trains(small_npz: Path) -> None:
    """In a process of its own: a processor is divided before TensorFlow does anything."""
    done = subprocess.run(
        [sys.executable, "-c", MIRRORED, small_npz, MODEL], capture_output=True, text=True, timeout=SECONDS
    )
    assert done.returncode == 0, done.stderr[-3000:]
