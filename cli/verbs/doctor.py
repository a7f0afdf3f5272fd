"""`edgeproof doctor`."""

import argparse
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from ...runtime.text import count
from ..json_output import versioned_json

if TYPE_CHECKING:
    from ...device.installed import Installed
    from ...device.machine import Machine
    from ...device.wheels import Advice

SCHEMA_VERSION = 1

# Packages that every device needs besides an engine, by their names for pip.
_LIBRARIES = ("edgeproof", "numpy", "pillow")
_TELEMETRY = "ORT_DISABLE_TELEMETRY"

_Facts = Sequence[tuple[str, str]]


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the verb's options."""
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(options: argparse.Namespace) -> int:
    """Print what this machine is and which engines work; raise where none does."""
    from ...device.installed import find_installed, in_use
    from ...device.machine import read_machine
    from ...device.wheels import advice
    from ...runtime.engines.packages import installed_version
    from ...runtime.errors import CheckFailedError

    machine, installed = read_machine(), find_installed()
    libraries = {name: installed_version(name) for name in _LIBRARIES}
    steps = next_steps(advice(machine), installed)
    if options.json:
        print(versioned_json(SCHEMA_VERSION, _document(machine, libraries, installed)), flush=True)
    else:
        parts = [machine_facts(machine), cpu_facts(machine), _package_facts(libraries, installed), list(steps.items())]
        blocks = ["\n".join(f"{name:14}  {text}" for name, text in part) for part in parts if part]
        print("\n\n".join(blocks), flush=True)
    if all(one.problem for one in in_use(installed).values()):
        todo = "; ".join(f"for {suffix} files: {step}" for suffix, step in steps.items())
        raise CheckFailedError(f"no engine works here; {todo}")
    return 0


def machine_facts(machine: "Machine") -> _Facts:
    """Describe the machine, with a note where it surprises."""
    libc = [f"{machine.libc} {'.'.join(map(str, machine.libc_version))}".rstrip()] if machine.libc else []
    cores = "number of cores not known" if machine.cores is None else count(machine.cores, "core")
    memory = "memory not known" if machine.memory_bytes is None else f"{machine.memory_bytes / 1e9:.1f} GB of memory"
    facts = [
        ("python", f"{machine.implementation} {machine.python_version}, {machine.bits}-bit"),
        ("system", ", ".join([machine.system_name, machine.architecture, *libc])),
    ]
    if machine.board:
        facts.append(("board", machine.board))
    facts.append(("hardware", f"{cores}, {memory}"))
    if machine.is_32_bits_on_64:
        facts.append(("note", f"the kernel is 64-bit ({machine.kernel}), this Python is not: wheels must be 32-bit"))
    if machine.architecture in ("armv6l", "armv7l"):
        facts.append(
            ("note", "NumPy and Pillow for 32-bit ARM are not on PyPI: Raspberry Pi OS takes them from piwheels")
        )
    return facts


def cpu_facts(machine: "Machine") -> _Facts:
    """List the CPU features that matter to the engines, and what follows from each."""
    from ...device.cpu import FEATURES

    here = machine.cpu_features
    if here is None:
        return [("cpu features", "not known")]
    return [
        (feature.name, f"yes: {feature.present}" if feature.name in here else f"no: {feature.absent}")
        for feature in FEATURES.get(machine.architecture, ())
    ]


def next_steps(advices: "Sequence[Advice]", installed: "Sequence[Installed]") -> dict[str, str]:
    """Return what runs each format, or what to install, by the suffix of the files."""
    from ...device.installed import in_use
    from ...runtime.engines.engine import ENGINE_OF

    used = in_use(installed)
    return {f".{one.runs}": _next_step(one, used.get(ENGINE_OF[one.runs])) for one in advices}


def _next_step(advice: "Advice", used: "Installed | None") -> str:
    if used is not None and not used.problem:
        return f"run in {used.package.name}"
    if used is not None and used.lacks_memory:
        return (
            f"{used.package.name} needs more memory than this process gets: end others, or raise its limit (ulimit -v)"
        )
    if used is not None and used.package.name == advice.package:
        return f"{advice.package} does not work; another version may: pip install --upgrade {advice.package}"
    broken = "" if used is None else f"{used.package.name} does not work; "
    if advice.install:
        return f"{broken}{advice.install}"
    reasons = "; ".join(f"{package}: {reason}" for package, reason in advice.obstacles.items())
    ways = "; or ".join(advice.ways_out) or "there is nothing that would help on this machine"
    return f"{broken}no engine fits ({reasons}). What would: {ways}"


def _package_facts(libraries: Mapping[str, str | None], installed: "Sequence[Installed]") -> _Facts:
    from ...runtime.engines.packages import PACKAGES

    states = {
        one.package: f"{one.version}, " + (f"does not work: {one.problem}" if one.problem else "works")
        for one in installed
    }
    value = os.environ.get(_TELEMETRY)
    telemetry = f"ONNX Runtime 1.29 and newer report usage over the network: {_TELEMETRY} is {value!r}, not '1'"
    return [
        *((name, version or f"not installed; pip install {name}") for name, version in libraries.items()),
        *((package.name, states.get(package, "not installed")) for package in PACKAGES),
        ("telemetry", f"ONNX Runtime's is off ({_TELEMETRY}=1)" if value == "1" else telemetry),
    ]


def _document(
    machine: "Machine", libraries: Mapping[str, str | None], installed: "Sequence[Installed]"
) -> dict[str, object]:
    from ...device.wheels import advice

    features = machine.cpu_features
    return {
        "machine": {
            **asdict(machine),
            "architecture": machine.architecture,
            "cpu_features": None if features is None else sorted(features),
        },
        "libraries": libraries,
        "engines": [
            {"package": one.package.name, "version": one.version, "works": not one.problem, "problem": one.problem}
            for one in installed
        ],
        "telemetry": {"onnxruntime": "off" if os.environ.get(_TELEMETRY) == "1" else "on"},
        "advice": [asdict(one) for one in advice(machine)],
    }
