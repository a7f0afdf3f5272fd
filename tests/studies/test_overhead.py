"""The benchmark of the runtime's overhead measures what it says; how long things take is not tested."""

from pathlib import Path

import numpy as np
import pytest
from edgeproof.benchmarks.fresh_processes import measure_processes
from edgeproof.runtime.bundle.recipes import Format
from edgeproof.runtime.engines.engine import ENGINE_OF, is_installed

from studies import overhead
from studies.overhead import installed_sizes, result_of


@pytest.mark.needs("tflite")
def test_the_loop_by_hand_gives_what_the_runtime_gives() -> None:
    run, run_all = overhead._by_hand()
    images = overhead._digits(40)
    assert images.shape == (40, 28, 28)
    np.testing.assert_array_equal(images[32:], images[:8])
    answers = np.concatenate(run_all(images[..., np.newaxis]))
    found = overhead.Classifier.load("mnist").predict(images)
    assert answers.argmax(axis=1).tolist() == [one.index for one in found]
    np.testing.assert_array_equal(run(images[:1, :, :, np.newaxis]), answers[:1])


def test_a_process_that_takes_memory_and_time_is_seen_to() -> None:
    costs = measure_processes(
        {"small": "", "large": "import time\nkept = bytearray(80 << 20)\ntime.sleep(0.3)\n"}, rounds=1
    )
    assert costs["large"].peak_mib - costs["small"].peak_mib == pytest.approx(80, abs=8)
    assert costs["large"].seconds > 0.3


def test_what_a_process_prints_at_its_end_is_not_its_peak() -> None:
    program = "import atexit, sys\natexit.register(lambda: sys.stderr.buffer.write(b'\\xff 7 bye'))"
    assert measure_processes({"loud": program}, rounds=1)["loud"].peak_mib > 1


def test_a_result_can_ask_for_its_own_peak() -> None:
    grown = result_of(
        "import json\nbefore = peak_kib()\nkept = b'x' * (40 << 20)\nprint(json.dumps({'kib': peak_kib() - before}))"
    )
    assert grown["kib"] == pytest.approx(40 * 1024, rel=0.1)


def test_sizes_follow_what_a_package_needs() -> None:
    sizes = installed_sizes("edgeproof", extra="litert")
    assert {"edgeproof", "numpy", "pillow"} <= sizes.keys()
    assert not {"tensorflow", "keras", "onnxruntime", "pytest"} & sizes.keys()
    numpy_files = sum(file.stat().st_size for file in Path(np.__file__).parent.rglob("*") if file.is_file())
    assert 0.8 * numpy_files < sizes["numpy"] < 3 * numpy_files  # with its libraries beside it
    with_onnx = installed_sizes("edgeproof", extra="onnx")
    assert ("onnxruntime" in with_onnx) == is_installed(ENGINE_OF[Format.ONNX])
