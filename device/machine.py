"""The facts of this machine that decide which wheels fit and how models run."""

import os
import platform
import re
import struct
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path
from subprocess import TimeoutExpired

from ..runtime.io.child import run_child
from ..runtime.parallel import usable_cores
from .cpu import features_in_cpuinfo, features_in_sysctl

# A 64-bit kernel may run a 32-bit Python, as on Raspberry Pi OS: Python's architecture decides which wheels fit.
_IN_32_BITS = {"aarch64": "armv7l", "arm64": "armv7l", "armv8l": "armv7l", "x86_64": "i686", "amd64": "win32"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Machine:
    """A machine with its Python; unknown facts are empty, or None.

    Attributes:
        python: Version of the Python language, major and minor.
        python_version: The same in full.
        implementation: ``"CPython"``, or another.
        bits: 32 or 64, of this Python.
        system: ``"Linux"``, ``"Darwin"`` or ``"Windows"``.
        system_name: Its maker's name for it, with the version.
        system_version: macOS's version, major and minor; empty elsewhere.
        kernel: The architecture that the kernel reports, in small letters.
        libc: ``"glibc"`` or ``"musl"`` on Linux.
        libc_version: Major and minor.
        board: The machine's name in the device tree, for example a Raspberry Pi's model.
        cpu_features: Names of the features in `cpu.FEATURES` that it has; None where unknown.
        cores: Number of cores that this process may use.
    """

    python: tuple[int, int]
    python_version: str
    implementation: str
    bits: int
    system: str
    system_name: str
    system_version: tuple[int, ...]
    kernel: str
    libc: str
    libc_version: tuple[int, ...]
    board: str
    cpu_features: frozenset[str] | None
    cores: int | None
    memory_bytes: int | None

    @property
    def architecture(self) -> str:
        """The architecture that wheels must be for."""
        return _IN_32_BITS.get(self.kernel, self.kernel) if self.bits == 32 else self.kernel

    @property
    def is_32_bits_on_64(self) -> bool:
        """Whether this is a 32-bit Python on a 64-bit kernel."""
        return self.bits == 32 and self.kernel in _IN_32_BITS


def read_machine(root: Path = Path("/")) -> Machine:
    """Read the facts of this machine from `proc`, `etc` and `lib` in `root`; files may be missing or unreadable."""
    libc, libc_version = _libc(root)
    return Machine(
        python=sys.version_info[:2],
        python_version=platform.python_version(),
        implementation=platform.python_implementation(),
        bits=struct.calcsize("P") * 8,
        system=platform.system(),
        system_name=_system_name(root),
        system_version=version_numbers(platform.mac_ver()[0]),
        kernel=platform.machine().lower(),
        libc=libc,
        libc_version=libc_version,
        board=read_text(root / "proc/device-tree/model").strip("\0 \n"),
        cpu_features=_features(root),
        cores=usable_cores(),
        memory_bytes=memory_in_meminfo(read_text(root / "proc/meminfo")) or _memory(),
    )


def read_text(path: Path) -> str:
    """Return the text of a system's file; empty where it is missing or cannot be read."""
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def command_output(*command: str) -> str:
    """Return the output of a command of the system; empty where it is missing or hangs."""
    try:
        done = run_child(command, timeout=10)
    except (OSError, TimeoutExpired):
        return ""
    return done.stdout.decode("utf-8", "replace")


def version_numbers(text: str) -> tuple[int, ...]:
    """Return major and minor version as numbers.

    >>> version_numbers("2.36"), version_numbers("14.5.1"), version_numbers("")
    ((2, 36), (14, 5), ())
    """
    return tuple(int(part) for part in re.findall(r"\d+", text)[:2])


def memory_in_meminfo(text: str) -> int | None:
    """Return the bytes of memory in Linux's `/proc/meminfo`; None if it does not say."""
    found = re.search(r"^MemTotal:\s*(\d+) kB$", text, re.MULTILINE)
    return int(found[1]) * 1024 if found else None


def name_in_os_release(text: str) -> str:
    """Return the system's name in Linux's `/etc/os-release`; empty if it does not say."""
    found = re.search(r"^PRETTY_NAME=(.*)$", text, re.MULTILINE)
    return found[1].strip("\"' ") if found else ""


def _system_name(root: Path) -> str:
    if platform.system() == "Darwin":
        return f"macOS {platform.mac_ver()[0]}"
    return name_in_os_release(read_text(root / "etc/os-release")) or f"{platform.system()} {platform.release()}"


def _libc(root: Path) -> tuple[str, tuple[int, ...]]:
    if platform.system() != "Linux":
        return "", ()
    try:
        name, _, number = (os.confstr("CS_GNU_LIBC_VERSION") or "").partition(" ")
    except (ValueError, OSError):  # musl does not know the question
        name, number = "", ""
    if name:
        return name, version_numbers(number)
    is_musl = "musl" in str(sysconfig.get_config_var("HOST_GNU_TYPE")) or any(root.glob("lib/ld-musl-*"))
    return ("musl" if is_musl else ""), ()


def _features(root: Path) -> frozenset[str] | None:
    if platform.system() == "Darwin":
        return features_in_sysctl(command_output("/usr/sbin/sysctl", "hw.optional"))
    return features_in_cpuinfo(read_text(root / "proc/cpuinfo"))


def _memory() -> int | None:
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):  # Windows has no sysconf
        return None
