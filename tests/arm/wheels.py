"""Wheels for another architecture, found and unpacked by pip."""

import subprocess
import sys
from pathlib import Path

from fetching import fetch
from machines import Machine

# Up to the glibc of Debian 12, from that of manylinux2014 on; pip does not derive the older tags from the newest.
_GLIBC = range(17, 37)


def fetch_wheels(machine: Machine, python: str, wheel: Path, site: Path, *, constraints: Path) -> None:
    """Install the machine's wheels into the folder `site`.

    Raises:
        UnavailableError: A wheel cannot be had.
    """
    tags = [f"--platform=manylinux_2_{minor}_{machine.wheels}" for minor in _GLIBC]
    tags += [f"--platform=manylinux2014_{machine.wheels}", f"--python-version={python.removeprefix('python')}"]
    requirements = [requirement.format(wheel=wheel) for requirement in machine.requirements]
    common = ["--only-binary=:all:", *tags, f"--constraint={constraints}"]
    fetch(*_pip_install(site, *common, *requirements))
    if machine.alone:
        fetch(*_pip_install(site, *common, "--no-deps", *machine.alone))


def install_alone(site: Path, wheel: Path) -> None:
    """Put this wheel in the place of its predecessor; what it depends on is there."""
    subprocess.run(_pip_install(site, "--no-deps", "--upgrade", str(wheel)), check=True)


def _pip_install(site: Path, *arguments: str) -> list[str | Path]:
    pip = Path(sys.executable).with_name("pip")
    return [pip, "install", "--quiet", "--disable-pip-version-check", f"--target={site}", *arguments]
