import io

import numpy as np
from edgeproof.benchmarks.latency.interleaved import Repetition
from edgeproof.benchmarks.latency.raw_samples import to_npz

EMPTY = np.zeros(0, np.int64)


def turn(*run: int) -> Repetition:
    return Repetition(run=np.array(run), invoke=np.array([1]), preprocessing=EMPTY, load=np.array([2**40]), first=EMPTY)


def test_every_run_is_kept_with_the_turn_that_it_belongs_to() -> None:
    content = to_npz({("int8.tflite in LiteRT 2", 1): [[turn(10), turn(20, 30)]] * 2, ("tf.function", 2): [[turn(5)]]})
    with np.load(io.BytesIO(content)) as found:
        name = "int8.tflite in LiteRT 2 | threads=1 | run"
        assert found[name].tolist() == [10, 20, 30] * 2
        assert found[f"{name} | turns"].tolist() == [1, 2] * 2
        assert found["tf.function | threads=2 | run"].tolist() == [5]
        assert found["tf.function | threads=2 | preprocessing"].tolist() == []
        assert found["tf.function | threads=2 | load"].tolist() == [2**40]
        assert {array.dtype.name for array in found.values()} == {"int64"}
