import subprocess
import sys

import pytest

pytest.importorskip("scipy")

# Before SciPy's OpenBLAS has its memory, but after all that lies before it: it would ask for ever.
PROGRAM = """
import resource
import numpy
import edgeproof.runtime.io.memory
with open("/proc/self/statm") as file:
    limit = int(file.read().split()[0]) * resource.getpagesize() + 85 * 2**20
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
from edgeproof.metrics.scipy_modules import import_scipy
import_scipy('stats')
"""


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
def test_no_room_for_scipy_is_an_error_and_no_endless_loop() -> None:
    done = subprocess.run(
        [sys.executable, "-P", "-c", PROGRAM], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stderr.splitlines()[-1] == "MemoryError: SciPy needs 128 MiB of address space while it is loaded"
