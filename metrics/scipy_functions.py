"""SciPy's statistics and solvers, imported where there is room for them.

OpenBLAS, which SciPy brings along, asks without end for the 32 MiB that it does not get while it is loaded (0.3.30).
"""

# SciPy has no types.
# pyright: basic

from ..runtime.io.memory import is_granted

_NEEDED_BYTES = 128 * 2**20  # of the 155 MiB of address space that SciPy takes; OpenBLAS has its own after 101

if not is_granted(_NEEDED_BYTES):
    raise MemoryError(f"SciPy needs {_NEEDED_BYTES // 2**20} MiB of address space while it is loaded")

from scipy.optimize import minimize_scalar  # noqa: E402
from scipy.stats import quantile_test  # noqa: E402

__all__ = ["minimize_scalar", "quantile_test"]
