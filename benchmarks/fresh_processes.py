"""Cost of fresh processes: wall time and peak memory, measured side by side."""

import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import median
from time import perf_counter

from ..runtime.io.child import run_child
from ..runtime.io.processes import python_command

# Called by the process itself: the kernel's figure for a child begins with what its parent had.
PEAK_KIB = """
import sys
def peak_kib():
    try:
        with open("/proc/self/status") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))
    except OSError:
        import resource
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak // 1024 if sys.platform == "darwin" else peak
"""
_REPORT = PEAK_KIB + 'print(f"peak_kib={peak_kib()}", file=sys.stderr)'


@dataclass(frozen=True, kw_only=True, slots=True)
class Cost:
    """The cost of a process.

    Attributes:
        seconds: Wall time from its start to its end, median.
        peak_mib: Peak resident memory, median.
    """

    seconds: float
    peak_mib: float


def measure_processes(programs: Mapping[str, str], *, rounds: int) -> dict[str, Cost]:
    """Run Python programs, source texts by name, in fresh interpreters, one after the other in every round."""
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in programs}
    for _ in range(rounds):
        for name, program in programs.items():
            start = perf_counter()
            done = run_program(program + _REPORT)
            seconds = perf_counter() - start
            taken[name].append((seconds, int(re.findall(r"peak_kib=(\d+)", done.stderr)[-1]) / 1024))
    medians = {name: [median(one) for one in zip(*costs, strict=True)] for name, costs in taken.items()}
    return {name: Cost(seconds=seconds, peak_mib=peak) for name, (seconds, peak) in medians.items()}


def run_program(program: str) -> subprocess.CompletedProcess[str]:
    """Run a Python program in a fresh interpreter; what it prints is kept as text."""
    done = run_child(python_command(program), text=True, errors="replace")
    done.check_returncode()
    return done
