"""The machine and the packages that a figure was measured with."""

import os
import platform
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ..runtime.engines.packages import installed_version
from .machine import read_machine, read_text
from .state import machine_state

_PACKAGES = (
    "edgeproof",
    "tensorflow",
    "keras",
    "ai-edge-litert",
    "tflite-runtime",
    "onnxruntime",
    "openvino",
    "ncnn",
    "numpy",
)


def describe_environment() -> dict[str, Any]:
    """Return machine, system, package versions and the machine's state; unknown values are None."""
    before = machine_state()
    machine = read_machine()
    cpuinfo = read_text(Path("/proc/cpuinfo"))
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "cpu": _cpu_model(cpuinfo),
        "board": machine.board or None,
        "machine": platform.machine(),
        "cpu_features": None if machine.cpu_features is None else sorted(machine.cpu_features),
        "virtual": " hypervisor" in cpuinfo,
        "cores": os.cpu_count(),
        "affinity": sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None,
        "memory_mib": None if machine.memory_bytes is None else machine.memory_bytes // 2**20,
        "system": f"{platform.system()} {platform.release().partition('-')[0]}",
        "python": platform.python_version(),
        "packages": {name: found for name in _PACKAGES if (found := installed_version(name))},
        "before": before,
    }


def _cpu_model(cpuinfo: str) -> str | None:
    fields = dict(line.split(":", 1) for line in cpuinfo.splitlines() if ":" in line)
    names = (value.strip() for key, value in fields.items() if key.strip() in ("model name", "Model", "Hardware"))
    return next(names, None) or platform.processor() or None
