"""A Python environment whose interpreter runs on an emulated processor."""

import shlex
from pathlib import Path

from machines import Machine, Processor


def make_environment(machine: Machine, processor: Processor, python: str, folder: Path) -> None:
    """Make folder/NAME, where NAME is the processor's.

    Its bin/python3 is a script that starts QEMU. Python takes the script for itself (-0), so it finds pyvenv.cfg as in
    any virtual environment, and the children that tests start with `sys.executable` are emulated like their parents.
    """
    environment, root = folder / processor.name, folder / "root"
    sysroot, script = environment / "sysroot", environment / "bin" / "python3"
    _make_sysroot(sysroot, root, _cpuinfo(machine, processor))
    packages = environment / "lib" / python / "site-packages"
    packages.parent.mkdir(parents=True)
    packages.symlink_to(folder / "site")
    # Debian's own packages, which a virtual environment would leave out.
    (folder / "site" / "debian.pth").write_text(f"{root}/usr/lib/python3/dist-packages\n")
    (environment / "pyvenv.cfg").write_text(f"home = {root}/usr/bin\ninclude-system-site-packages = false\n")
    command = [folder / "qemu", "-cpu", processor.name, "-L", sysroot, "-0", script, root / "usr" / "bin" / python]
    script.parent.mkdir()
    script.write_text(f'#!/bin/sh\nexec {shlex.join(map(str, command))} "$@"\n')
    script.chmod(0o755)


def _make_sysroot(sysroot: Path, root: Path, cpuinfo: str) -> None:
    """What the emulated processes see of / before they see this machine's: the packages, and the processor."""
    (sysroot / "proc").mkdir(parents=True)
    (sysroot / "proc" / "cpuinfo").write_text(cpuinfo)
    for entry in root.iterdir():
        (sysroot / entry.name).symlink_to(entry)


def _cpuinfo(machine: Machine, processor: Processor) -> str:
    """What the kernel says of four such cores.

    Engines choose their kernels by it. QEMU before version 8 shows the x86 machine's, which ends ONNX Runtime with a
    segmentation fault.
    """
    return "".join(
        f"processor\t: {core}\n"
        f"Features\t: {machine.features}\n"
        "CPU implementer\t: 0x41\n"
        f"CPU architecture: {machine.architecture}\n"
        "CPU variant\t: 0x0\n"
        f"CPU part\t: {processor.part:#x}\n"
        "CPU revision\t: 3\n\n"
        for core in range(4)
    )
