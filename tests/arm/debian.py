"""Python for ARM and QEMU from Debian's archive, found and fetched by apt, with a state of its own.

apt resolves what the packages depend on, as if they were to be installed on an empty machine of that architecture;
they are only unpacked. The machine's own apt is asked for its sources and otherwise left alone.
"""

import os
import shutil
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from fetching import UnavailableError, fetch
from machines import Machine

# The emptied lists: what this machine does after its own updates is not to be done here.
_CONFIGURATION = """
#clear APT::Architectures;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
APT::Architecture "{architecture}";
APT::Architectures {{ "{architecture}"; "{native}"; }};
APT::Install-Recommends "false";
APT::Sandbox::User "root";
Acquire::Languages "none";
Dir::State "{folder}/state";
Dir::State::status "{folder}/status";
Dir::Cache "{folder}";
"""


def fetch_debian(machine: Machine, folder: Path) -> str:
    """Unpack the machine's packages into folder/root, and put QEMU beside it as folder/qemu.

    Returns:
        The name of the Python in usr/bin of the unpacked system, such as "python3.11".

    Raises:
        UnavailableError: A package cannot be had here.
    """
    download, root, native = folder / "apt", folder / "root", _native_architecture()
    configuration = _configure(download, machine.debian, native)
    _update(configuration, machine.debian)
    _unpack(configuration, machine.debian, machine.packages, root)
    _unpack(configuration, native, ["qemu-user-static"], download / "qemu")
    # Debian 12 has a static build of its own; in Debian 13 the usual one is static.
    programs = [download / "qemu" / "usr" / "bin" / f"qemu-{machine.qemu}{kind}" for kind in ("-static", "")]
    found = [program for program in programs if program.exists()]
    if not found:
        raise UnavailableError(f"Debian's qemu-user-static holds no qemu-{machine.qemu}")
    shutil.copy(found[0], folder / "qemu")
    shutil.rmtree(download)
    _link(root)
    return (root / "usr" / "bin" / "python3").readlink().name


def _configure(download: Path, architecture: str, native: str) -> Path:
    (download / "state" / "lists" / "partial").mkdir(parents=True)
    (download / "status").touch()
    configuration = download / "apt.conf"
    folder = download.absolute()
    configuration.write_text(_CONFIGURATION.format(architecture=architecture, native=native, folder=folder))
    return configuration


def _update(configuration: Path, architecture: str) -> None:
    # Its exit status says little: 0 without a network, 100 where one source of many is out of date.
    with suppress(UnavailableError):
        fetch("apt-get", "-c", configuration, "update")
    if not list((configuration.parent / "state" / "lists").glob(f"*_binary-{architecture}_Packages*")):
        raise UnavailableError(
            f"apt-get found no list of {architecture} packages; is there a network, and Debian's source?"
        )


def _unpack(configuration: Path, architecture: str, packages: Iterable[str], target: Path) -> None:
    archives = configuration.parent / architecture
    (archives / "partial").mkdir(parents=True, exist_ok=True)
    # Named in full: where a source lacks an architecture, apt would take another one's.
    named = [f"{package}:{architecture}" for package in packages]
    options = ["-o", f"APT::Architecture={architecture}", "-o", f"Dir::Cache::archives={archives}"]
    fetch("apt-get", "-c", configuration, *options, "--yes", "--download-only", "install", *named)
    for package in sorted(archives.glob("*.deb")):
        fetch("dpkg-deb", "-x", package, target)


def _native_architecture() -> str:
    names = {"x86_64": "amd64", "aarch64": "arm64"}
    machine = os.uname().machine
    if machine not in names:
        raise UnavailableError(f"no QEMU is fetched for {machine}; possible: {', '.join(names)}")
    return names[machine]


def _link(root: Path) -> None:
    """Make the links that the packages' own scripts would have made."""
    # Debian 13 has libraries in /usr alone, and programs that look for their loader in /lib.
    if not (root / "lib").exists():
        (root / "lib").symlink_to("usr/lib")
    for name in ("blas", "lapack"):
        for library in root.glob(f"usr/lib/*/{name}/lib{name}.so.3"):
            (library.parent.parent / library.name).symlink_to(Path(name, library.name))
