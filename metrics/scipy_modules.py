"""SciPy's modules, imported where there is room for them.

OpenBLAS, which SciPy brings along, asks without end for the 32 MiB that it does not get while it is loaded (0.3.30).
"""

from importlib import import_module
from typing import Any

from ..runtime.io.memory import is_granted

_NEEDED_BYTES = 128 * 2**20  # of the 155 MiB of address space that SciPy takes; OpenBLAS has its own after 101


def import_scipy(module: str) -> Any:  # noqa: ANN401  (SciPy has no types)
    """Import ``"scipy"`` with one of its modules, and return that.

    Raises:
        MemoryError: There is not enough address space.
    """
    if not is_granted(_NEEDED_BYTES):
        raise MemoryError(f"SciPy needs {_NEEDED_BYTES // 2**20} MiB of address space while it is loaded")
    return import_module(f"scipy.{module}")
