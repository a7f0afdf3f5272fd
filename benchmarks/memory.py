"""Peak resident memory of fresh processes, each with one model."""

import subprocess
from collections.abc import Mapping
from pathlib import Path

from ..metrics.types import Memory
from ..runtime.bundle.recipes import Format
from ..runtime.errors import CheckFailedError, one_line
from ..runtime.io.processes import describe_exit
from .fresh_processes import measure_processes

_NUMPY_ALONE = "NumPy alone"
_RUNS = 20
_VARIANT = """
from pathlib import Path
import numpy as np
from edgeproof.runtime.engines.engine import load_engine
from edgeproof.runtime.bundle.recipes import Format
engine = load_engine(Path({path!r}).read_bytes(), Format({format!r}), threads={threads}, package={package!r})
batch = engine.input.encode(np.zeros((1, *engine.input.shape[1:]), np.uint8))
for _ in range({runs}):
    engine.run(batch)
"""
_KERAS = """
from pathlib import Path
import numpy as np
from edgeproof.benchmarks.reference.calls import KerasCall, keras_call, limit_threads, load_reference
from edgeproof.runtime.bundle.reader import read_manifest
limit_threads({threads})
custom = {custom!r}
manifest = read_manifest(Path({bundle!r}))
source = load_reference(Path({path!r}), manifest, custom=None if custom is None else Path(custom))
call = keras_call(source.model, KerasCall.TF_FUNCTION)
for _ in range({runs}):
    call(np.zeros((1, *manifest.image.shape), np.float32))
"""


def variant_program(path: Path, model_format: Format, package: str, threads: int) -> str:
    """Return a program that loads a variant's file with a package, named as for `import`, and runs it on images."""
    return _VARIANT.format(path=str(path), format=str(model_format), package=package, threads=threads, runs=_RUNS)


def keras_program(path: Path, bundle: Path, *, custom: Path | None, threads: int) -> str:
    """Return a program that loads the Keras original and runs it on some images, as a `tf.function`."""
    named = None if custom is None else str(custom)
    return _KERAS.format(path=str(path), bundle=str(bundle), custom=named, threads=threads, runs=_RUNS)


def measure_memory(programs: Mapping[str, str], *, rounds: int) -> dict[str, Memory]:
    """Run Python programs, source texts by name, in fresh interpreters and return the median peaks of resident memory.

    Raises:
        CheckFailedError: One failed.
    """
    try:
        costs = measure_processes({_NUMPY_ALONE: "import numpy", **programs}, rounds=rounds)
    except subprocess.CalledProcessError as error:
        last = (error.stderr or "").strip().splitlines()[-1:]
        raise CheckFailedError(
            f"a process that loads one model {describe_exit(error.returncode)}: {one_line(' '.join(last))[:200]}"
        ) from error
    alone = costs.pop(_NUMPY_ALONE).peak_mib
    return {
        name: Memory(peak_mib=round(cost.peak_mib, 2), increment_mib=round(cost.peak_mib - alone, 2))
        for name, cost in costs.items()
    }
