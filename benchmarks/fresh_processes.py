"""What fresh processes cost: wall time and peak memory, measured side by side."""

import json
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import median
from time import perf_counter

from ..runtime.io.processes import python_command

# Printed by the process itself at its end: the kernel's figure for a child begins with what its parent had. The
# process's own output is not read.
_REPORT = """
import sys
def peak_kib():
    try:
        with open("/proc/self/status") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))
    except OSError:
        import resource
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak // 1024 if sys.platform == "darwin" else peak
print(f"peak_kib={peak_kib()}", file=sys.stderr)
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Cost:
    """What a process took.

    Attributes:
        seconds: Wall time from its start to its end, median.
        peak_mib: Peak resident memory, median.
    """

    seconds: float
    peak_mib: float


def measure_processes(programs: Mapping[str, str], *, rounds: int) -> dict[str, Cost]:
    """Run Python programs in fresh interpreters, one after the other in every round.

    Args:
        programs: Source texts, by name.
        rounds: How often each is run.
    """
    seconds: dict[str, list[float]] = {name: [] for name in programs}
    peaks: dict[str, list[float]] = {name: [] for name in programs}
    for _ in range(rounds):
        for name, program in programs.items():
            start = perf_counter()
            done = _run(program + _REPORT)
            seconds[name].append(perf_counter() - start)
            peaks[name].append(int(re.findall(r"peak_kib=(\d+)", done.stderr)[-1]) / 1024)
    return {name: Cost(seconds=median(seconds[name]), peak_mib=median(peaks[name])) for name in programs}


def result_of(program: str) -> dict[str, float]:
    """Run a Python program in a fresh interpreter and return the JSON object that it prints last.

    `peak_kib()` is there for it to call.
    """
    source = _REPORT.rpartition("print(")[0] + program
    return json.loads(_run(source).stdout.splitlines()[-1])


def _run(program: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(python_command(program), capture_output=True, text=True, errors="replace", check=True)
