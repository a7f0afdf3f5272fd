import os
import platform
import sys
from pathlib import Path

import pytest
from edgeproof.device import machine as machines
from edgeproof.device.machine import memory_in_meminfo, name_in_os_release, read_machine, version_numbers


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The files of a Raspberry Pi 5."""
    files = {
        "proc/cpuinfo": "processor : 0\nFeatures : fp asimd asimdhp asimddp\n",
        "proc/meminfo": "MemTotal:        8244352 kB\nMemFree: 1 kB\n",
        "proc/device-tree/model": "Raspberry Pi 5 Model B Rev 1.0\0",
        "etc/os-release": 'NAME="Debian GNU/Linux"\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nID=debian\n',
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def pretend(monkeypatch: pytest.MonkeyPatch, *, system: str = "Linux", kernel: str = "aarch64", bits: int = 64) -> None:
    monkeypatch.setattr(platform, "system", lambda: system)
    monkeypatch.setattr(platform, "machine", lambda: kernel)
    monkeypatch.setattr(machines.struct, "calcsize", lambda _: bits // 8)


@pytest.mark.skipif(sys.platform != "linux", reason="reads Linux's files")
def test_a_machine_is_what_its_files_say(root: Path) -> None:
    found = read_machine(root)
    assert found.board == "Raspberry Pi 5 Model B Rev 1.0"
    assert found.system_name == "Debian GNU/Linux 12 (bookworm)"
    assert found.memory_bytes == 8_244_352 * 1024
    assert found.cpu_features == {"dotprod", "fp16"}


def test_this_machine_is_known() -> None:
    found = read_machine()
    assert found.python == sys.version_info[:2]
    assert found.python_version.startswith(f"{found.python[0]}.{found.python[1]}.")
    assert found.bits == (64 if sys.maxsize > 2**32 else 32)
    assert found.cores == len(os.sched_getaffinity(0))
    assert found.libc in ("glibc", "musl")
    assert found.memory_bytes is not None
    assert found.memory_bytes > 2**27


def test_nothing_that_is_missing_is_an_error(tmp_path: Path) -> None:
    found = read_machine(tmp_path)
    assert (found.board, found.cpu_features) == ("", None)
    assert found.system_name == f"{platform.system()} {platform.release()}"
    assert found.memory_bytes is not None
    assert found.memory_bytes > 2**27


def test_nothing_that_cannot_be_read_is_an_error(root: Path) -> None:
    (root / "proc/device-tree/model").unlink()
    (root / "proc/device-tree/model").mkdir()
    (root / "proc/cpuinfo").write_bytes(b"\xff\xfe\0Features\0\xff: \xff")
    (root / "proc/meminfo").write_bytes(b"MemTotal: much")
    (root / "etc/os-release").write_bytes(b"PRETTY_NAME=\xff\xfe\n")
    found = read_machine(root)
    assert (found.board, found.cpu_features) == ("", None)
    assert found.memory_bytes is not None


@pytest.mark.parametrize(
    ("system", "kernel", "bits", "architecture", "mixed"),
    [
        ("Linux", "aarch64", 64, "aarch64", False),
        ("Linux", "aarch64", 32, "armv7l", True),
        ("Linux", "armv8l", 32, "armv7l", True),
        ("Linux", "armv7l", 32, "armv7l", False),
        ("Linux", "armv6l", 32, "armv6l", False),
        ("Linux", "x86_64", 64, "x86_64", False),
        ("Linux", "x86_64", 32, "i686", True),
        ("Windows", "AMD64", 64, "amd64", False),
        ("Windows", "AMD64", 32, "win32", True),
        ("Darwin", "arm64", 64, "arm64", False),
    ],
)
def test_wheels_must_be_for_the_python_not_for_the_kernel(
    root: Path,
    monkeypatch: pytest.MonkeyPatch,
    system: str,
    kernel: str,
    bits: int,
    architecture: str,
    mixed: bool,
) -> None:
    pretend(monkeypatch, system=system, kernel=kernel, bits=bits)
    found = read_machine(root)
    assert (found.system, found.architecture, found.is_32_bits_on_64) == (system, architecture, mixed)


def test_alpine_has_another_c_library(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(_: str) -> str:
        raise ValueError("unrecognized configuration name")

    pretend(monkeypatch)
    monkeypatch.setattr(machines.os, "confstr", unknown)
    monkeypatch.setattr(machines.sysconfig, "get_config_var", lambda _: None)
    assert (read_machine(root).libc, read_machine(root).libc_version) == ("", ())
    (root / "lib").mkdir()
    (root / "lib/ld-musl-aarch64.so.1").touch()
    assert read_machine(root).libc == "musl"


def test_windows_has_neither_files_nor_a_c_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch, system="Windows", kernel="AMD64")
    monkeypatch.setattr(platform, "release", lambda: "11")
    for name in ("confstr", "sysconf", "sched_getaffinity"):
        monkeypatch.delattr(machines.os, name)
    found = read_machine(tmp_path)
    assert (found.system_name, found.libc, found.libc_version, found.memory_bytes) == ("Windows 11", "", (), None)
    assert (found.cores, found.cpu_features) == (os.cpu_count(), None)


def test_macos_is_asked_by_sysctl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch, system="Darwin", kernel="arm64")
    monkeypatch.setattr(platform, "mac_ver", lambda: ("14.5.1", ("", "", ""), "arm64"))
    found = read_machine(tmp_path)  # there is no sysctl where this test runs on Linux
    assert (found.system_name, found.system_version, found.libc) == ("macOS 14.5.1", (14, 5), "")
    monkeypatch.setattr(machines, "command_output", lambda *_: "hw.optional.arm.FEAT_I8MM: 1\n")
    assert read_machine(tmp_path).cpu_features == {"i8mm"}


def test_versions_and_names_are_read_from_odd_texts() -> None:
    assert version_numbers("2.36") == (2, 36)
    assert version_numbers("ubuntu") == ()
    assert memory_in_meminfo("MemFree: 3 kB\n") is None
    assert name_in_os_release("PRETTY_NAME='Alpine Linux v3.20'\n") == "Alpine Linux v3.20"
    assert name_in_os_release("ID=odd\n") == ""
