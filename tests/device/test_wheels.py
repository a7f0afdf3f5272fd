"""Advice for made-up machines; the wheels are those that pip found on PyPI."""

import pytest
from edgeproof.device.machine import Machine
from edgeproof.device.wheels import WHEELS, Advice, advice
from edgeproof.runtime.bundle.recipes import Format
from edgeproof.runtime.engines.packages import PACKAGES

LITERT, TFLITE, ONNX = (f"pip install 'edgeproof[{extra}]'" for extra in ("litert", "tflite", "onnx"))


def machine(
    kernel: str,
    python: tuple[int, int] = (3, 11),
    *,
    bits: int = 64,
    system: str = "Linux",
    libc: str = "glibc",
    libc_version: tuple[int, int] | tuple[()] = (2, 36),
    system_version: tuple[int, ...] = (),
    implementation: str = "CPython",
) -> Machine:
    return Machine(
        python=python,
        python_version=f"{python[0]}.{python[1]}.0",
        implementation=implementation,
        bits=bits,
        system=system,
        system_name=system,
        system_version=system_version,
        kernel=kernel,
        libc=libc if system == "Linux" else "",
        libc_version=libc_version if system == "Linux" and libc == "glibc" else (),
        board="",
        cpu_features=None,
        cores=4,
        memory_bytes=None,
    )


MACHINES = {
    "PC, Debian 12": (machine("x86_64"), LITERT, ONNX),
    "PC, Python 3.14": (machine("x86_64", (3, 14)), LITERT, ONNX),
    "PC, Python 3.15": (machine("x86_64", (3, 15)), "", ""),
    "PC, glibc 2.27": (machine("x86_64", libc_version=(2, 27)), LITERT, ONNX),
    "PC, glibc 2.17": (machine("x86_64", libc_version=(2, 17)), TFLITE, ""),
    "PC, 32 bits": (machine("i686", bits=32), "", ""),
    "Alpine": (machine("x86_64", libc="musl"), "", ""),
    "PyPy": (machine("x86_64", implementation="PyPy"), "", ""),
    "Pi OS bookworm, 64 bits": (machine("aarch64"), LITERT, ONNX),
    "Pi OS trixie, 64 bits": (machine("aarch64", (3, 13), libc_version=(2, 41)), LITERT, ONNX),
    "Pi OS bookworm, 32 bits": (machine("armv7l", bits=32), TFLITE, ""),
    "Pi OS bookworm, 32 bits on a 64-bit kernel": (machine("aarch64", bits=32), TFLITE, ""),
    "Pi OS trixie, 32 bits": (machine("armv7l", (3, 13), bits=32, libc_version=(2, 41)), "", ""),
    "Pi OS bullseye, 32 bits": (machine("armv7l", bits=32, libc_version=(2, 31)), "", ""),
    "Pi Zero": (machine("armv6l", bits=32), "", ""),
    "RISC-V": (machine("riscv64"), "", ""),
    "Mac": (machine("arm64", (3, 13), system="Darwin", system_version=(15, 1)), LITERT, ONNX),
    "Mac, macOS 13": (machine("arm64", (3, 13), system="Darwin", system_version=(13, 6)), LITERT, ""),
    "Mac, Intel": (machine("x86_64", system="Darwin", system_version=(14, 0)), "", ""),
    "Windows": (machine("amd64", (3, 12), system="Windows"), LITERT, ONNX),
    "Windows on ARM": (machine("arm64", (3, 12), system="Windows"), "", ONNX),
    "Windows, 32-bit Python": (machine("amd64", (3, 12), bits=32, system="Windows"), "", ""),
    "C library not known": (machine("x86_64", libc="", libc_version=()), LITERT, ONNX),
}


def advised(name: str) -> dict[Format, Advice]:
    return {one.runs: one for one in advice(MACHINES[name][0])}


@pytest.mark.parametrize("name", MACHINES)
def test_a_machine_is_told_what_to_install(name: str) -> None:
    _, tflite, onnx = MACHINES[name]
    found = advised(name)
    assert (found[Format.TFLITE].install, found[Format.ONNX].install) == (tflite, onnx)
    for one in found.values():
        assert (one.package != "") == (one.install != "")
        assert one.install or one.obstacles
        assert not (one.install and one.ways_out)


@pytest.mark.parametrize(
    ("name", "model_format", "ways_out"),
    [
        (
            "Pi OS trixie, 32 bits",
            Format.TFLITE,
            (f"a 64-bit system, which a Raspberry Pi 3 and newer can run: {LITERT}", f"Python 3.11: {TFLITE}"),
        ),
        (
            "Pi OS bullseye, 32 bits",
            Format.TFLITE,
            (
                f"a 64-bit system, which a Raspberry Pi 3 and newer can run: {LITERT}",
                f"glibc 2.34 or newer, which comes with a newer system: {TFLITE}",
            ),
        ),
        (
            "Pi OS bookworm, 32 bits on a 64-bit kernel",
            Format.ONNX,
            (f"a 64-bit system; the kernel is one already, but its programs are not: {ONNX}",),
        ),
        ("PC, Python 3.15", Format.TFLITE, (f"Python 3.14: {LITERT}", f"Python 3.11: {TFLITE}")),
        ("Alpine", Format.ONNX, (f"a system with glibc, such as Debian: {ONNX}",)),
        ("PyPy", Format.ONNX, (f"CPython: {ONNX}",)),
        ("Mac, macOS 13", Format.ONNX, (f"macOS 14.0 or newer, which comes with a newer system: {ONNX}",)),
        ("Mac, Intel", Format.TFLITE, (f"a Python for arm64, if the Mac has Apple silicon: {LITERT}",)),
        ("Windows, 32-bit Python", Format.ONNX, (f"a 64-bit Python: {ONNX}",)),
        ("Pi Zero", Format.TFLITE, ()),
        ("Pi Zero", Format.ONNX, ()),
        ("RISC-V", Format.TFLITE, ()),
        ("Windows on ARM", Format.TFLITE, ()),
    ],
)
def test_where_nothing_fits_the_least_change_comes_first(
    name: str, model_format: Format, ways_out: tuple[str, ...]
) -> None:
    assert advised(name)[model_format].ways_out == ways_out


def test_two_changes_are_both_named() -> None:
    [found, _] = advice(machine("armv7l", (3, 13), bits=32, libc_version=(2, 31)))
    both = "Python 3.11 and glibc 2.34 or newer, which comes with a newer system"
    assert found.ways_out[-1] == f"{both}: {TFLITE}"


def test_what_does_not_fit_is_named() -> None:
    assert advised("Pi OS trixie, 32 bits")[Format.TFLITE].obstacles == {
        "ai-edge-litert": "no wheels for Linux armv7l",
        "tflite-runtime": "no wheels for Python 3.13",
    }
    assert advised("Pi OS bookworm, 32 bits")[Format.TFLITE].obstacles == {
        "ai-edge-litert": "no wheels for Linux armv7l"
    }
    assert advised("PC, glibc 2.17")[Format.ONNX].obstacles == {"onnxruntime": "needs glibc 2.27, and this is 2.17"}


def test_each_package_has_its_wheels_first_choice_first() -> None:
    assert [wheels.package for wheels in WHEELS] == list(PACKAGES)
