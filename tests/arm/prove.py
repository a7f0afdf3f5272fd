"""Run the tests of the built wheel on emulated ARM processors: `make test-arm64`, `make test-armv7`.

    python tests/arm/prove.py arm64 dist/*.whl

QEMU translates single processes ("user mode"), so an ARM Python runs its tests on an x86 machine: no ARM board, no
root rights, no container, and nothing is installed. Debian's archive gives QEMU and Python, the Python package index
gives the wheels; apt and pip fetch them from wherever they are configured to. All of it lies in build/arm64 and
build/armv7, is used again by the next run, and is made anew when pins, requirements or these scripts change.

    build/arm64/root          Debian's packages of that architecture, unpacked
    build/arm64/site          wheels of that architecture, and the wheel of edgeproof
    build/arm64/cortex-a72    an environment whose bin/python3 runs on that processor, by hand as well

Answers are proven, not speed: an emulated processor says nothing about the time that a real one needs.

Exit codes: 0 the tests passed, or the parts could not be had, which one line on standard error says ("SKIPPED: ...");
1 the tests ran and failed; 2 wrong arguments.
"""

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from debian import fetch_debian
from environment import make_environment
from fetching import UnavailableError
from machines import MACHINES, Machine
from wheels import fetch_wheels, install_alone

ROOT = Path(__file__).parents[2]
PINS = (ROOT / "pyproject.toml", ROOT / "constraints.txt")

# Says on one line what the tests run on, and fails where edgeproof is not that of the wheel.
_WHAT_RUNS = """
import platform, sys
from importlib.metadata import distributions
from pathlib import Path
from edgeproof import runtime
site = Path(sys.prefix, "lib", f"python3.{sys.version_info.minor}", "site-packages")
sys.exit(f"edgeproof is imported from {runtime.__file__}") if site not in Path(runtime.__file__).parents else None
shown = {"edgeproof", "numpy", "pillow", "ai-edge-litert", "tflite-runtime", "onnxruntime", "onnx"}
names = sorted(f"{d.name} {d.version}" for d in distributions() if d.name.lower() in shown)
print(", ".join([platform.machine(), f"Python {platform.python_version()}", *names]))
"""


def main() -> int:
    parser = argparse.ArgumentParser(description="Run the tests of the built wheel on emulated ARM processors.")
    parser.add_argument("machine", choices=MACHINES)
    parser.add_argument("wheel", type=Path)
    arguments = parser.parse_args()
    machine, wheel = MACHINES[arguments.machine], arguments.wheel.resolve()
    folder = ROOT / "build" / machine.name
    try:
        prepare(machine, wheel, folder)
    except UnavailableError as error:
        print(f"SKIPPED: make test-{machine.name} has proven nothing: {error}", file=sys.stderr)
        return 0
    install_alone(folder / "site", wheel)
    return max(run_tests(machine, folder, number) for number in range(len(machine.processors)))


def prepare(machine: Machine, wheel: Path, folder: Path) -> None:
    """Fill the folder, unless an earlier run has filled it from the same pins and scripts.

    Raises:
        UnavailableError: Something cannot be had on this machine.
    """
    stamp, made_from = folder / "made-from", digest_of(folder)
    if stamp.exists() and stamp.read_text() == made_from:
        return
    shutil.rmtree(folder, ignore_errors=True)
    print(f"Fetching what {machine.name} needs into {folder.relative_to(ROOT)}: 0.4 GB, a minute or so", flush=True)
    python = fetch_debian(machine, folder)
    fetch_wheels(machine, python, wheel, folder / "site", constraints=ROOT / "constraints.txt")
    for processor in machine.processors:
        make_environment(machine, processor, python, folder)
    stamp.write_text(made_from)


def digest_of(folder: Path) -> str:
    """What the folder depends on: pins, scripts, and its own place, since paths are written into it."""
    scripts = sorted(Path(__file__).parent.glob("*.py"))
    return hashlib.sha256(b"\0".join([bytes(folder), *(path.read_bytes() for path in [*PINS, *scripts])])).hexdigest()


def run_tests(machine: Machine, folder: Path, number: int) -> int:
    """Run the tests of one processor; 0 if they passed, else 1."""
    processor = machine.processors[number]
    python = folder / processor.name / "bin" / "python3"
    # What this shell says to its own Python and QEMU is not meant for the emulated ones.
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PY", "QEMU_"))}
    print(f"\n{processor.name}, {processor.board}", flush=True)
    # -P: the checkout is not to be found, only the wheel.
    commands = (
        [python, "-P", "-c", _WHAT_RUNS],
        [python, "-P", "-m", "pytest", "-q", "-p", "no:cacheprovider", "-m", "not tensorflow", *processor.tests],
    )
    return int(any(subprocess.run(command, cwd=ROOT, env=environment).returncode for command in commands))


if __name__ == "__main__":
    sys.exit(main())
