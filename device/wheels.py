"""The wheels of the engines on PyPI: which fit a machine, and what helps where none fits."""

from collections.abc import Mapping
from dataclasses import dataclass

from ..runtime.bundle.recipes import Format
from ..runtime.engines.packages import LITERT, ONNX_RUNTIME, TFLITE_RUNTIME, Package
from .machine import Machine


@dataclass(frozen=True, kw_only=True, slots=True)
class Wheels:
    """The wheels of an engine's package that edgeproof can use.

    Attributes:
        pythons: The oldest and the newest CPython.
        platforms: The oldest glibc (Linux) or macOS, by system and architecture; empty for any.
    """

    package: Package
    pythons: tuple[tuple[int, int], tuple[int, int]]
    platforms: Mapping[tuple[str, str], tuple[int, ...]]


# On PyPI in November 2026, in the versions that the extras ask for. First choice first.
WHEELS: tuple[Wheels, ...] = (
    Wheels(  # 2.3.0
        package=LITERT,
        pythons=((3, 10), (3, 14)),
        platforms={
            ("Linux", "x86_64"): (2, 27),
            ("Linux", "aarch64"): (2, 27),
            ("Darwin", "arm64"): (12, 0),
            ("Windows", "amd64"): (),
        },
    ),
    Wheels(  # 2.14.0, the last
        package=TFLITE_RUNTIME,
        pythons=((3, 8), (3, 11)),
        platforms={
            ("Linux", "x86_64"): (2, 17),
            ("Linux", "aarch64"): (2, 34),
            ("Linux", "armv7l"): (2, 34),
        },
    ),
    Wheels(  # 1.28.0 for glibc 2.27, later ones for 2.28
        package=ONNX_RUNTIME,
        pythons=((3, 11), (3, 14)),
        platforms={
            ("Linux", "x86_64"): (2, 27),
            ("Linux", "aarch64"): (2, 27),
            ("Darwin", "arm64"): (14, 0),
            ("Windows", "amd64"): (),
            ("Windows", "arm64"): (),
        },
    ),
)

_OLDEST_PYTHON = (3, 11)  # edgeproof's own

# Another architecture that a machine may be able to run, and what that takes.
_OTHER_ARCHITECTURES: Mapping[tuple[str, str], tuple[str, str]] = {
    ("Linux", "armv7l"): ("aarch64", "a 64-bit system, which a Raspberry Pi 3 and newer can run"),
    ("Linux", "i686"): ("x86_64", "a 64-bit system, if the CPU allows it"),
    ("Windows", "win32"): ("amd64", "a 64-bit Python"),
    ("Darwin", "x86_64"): ("arm64", "a Python for arm64, if the Mac has Apple silicon"),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Misfit:
    """One reason why no wheel of a package fits a machine.

    Attributes:
        reason: What does not fit.
        remedy: What would fit instead; empty where nothing can be done on this machine.
    """

    reason: str
    remedy: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Advice:
    """How to install an engine for one format on a machine.

    Attributes:
        runs: The format.
        package: The package that fits the machine; empty where none does.
        install: The command that installs it; empty where none does.
        obstacles: Why the other packages do not fit, by their names.
        ways_out: Where none fits: changes that help, fewest first, each with the command that then installs it.
    """

    runs: Format
    package: str
    install: str
    obstacles: Mapping[str, str]
    ways_out: tuple[str, ...]


def advice(machine: Machine) -> tuple[Advice, ...]:
    """Return for each format the package that fits a machine, or what would help where none does."""
    return tuple(_advice(machine, model_format) for model_format in Format)


def misfits(machine: Machine, wheels: Wheels) -> tuple[Misfit, ...]:
    """Return why none of a package's wheels fits a machine; empty where one does. Unknown facts count as fitting."""
    found: list[Misfit] = []
    if machine.implementation != "CPython":
        found.append(Misfit(reason=f"no wheels for {machine.implementation}", remedy="CPython"))
    first, last = max(wheels.pythons[0], _OLDEST_PYTHON), wheels.pythons[1]
    if not first <= machine.python <= last:
        found.append(
            Misfit(
                reason=f"no wheels for Python {_dotted(machine.python)}",
                remedy=f"Python {_dotted(first if machine.python < first else last)}",
            )
        )
    if machine.libc == "musl":
        found.append(Misfit(reason="no wheels for musl", remedy="a system with glibc, such as Debian"))
    oldest = wheels.platforms.get((machine.system, machine.architecture))
    if oldest is None:
        return (*found, _wrong_architecture(machine, wheels))
    base, here = ("macOS", machine.system_version) if machine.system == "Darwin" else ("glibc", machine.libc_version)
    if here and here < oldest:
        found.append(
            Misfit(
                reason=f"needs {base} {_dotted(oldest)}, and this is {_dotted(here)}",
                remedy=f"{base} {_dotted(oldest)} or newer, which comes with a newer system",
            )
        )
    return tuple(found)


def _wrong_architecture(machine: Machine, wheels: Wheels) -> Misfit:
    here = (machine.system, machine.architecture)
    other, remedy = _OTHER_ARCHITECTURES.get(here, ("", ""))
    if machine.system == "Linux" and machine.is_32_bits_on_64:
        remedy = "a 64-bit system; the kernel is one already, but its programs are not"
    possible = (machine.system, other) in wheels.platforms
    return Misfit(reason=f"no wheels for {' '.join(here)}", remedy=remedy if possible else "")


def _advice(machine: Machine, model_format: Format) -> Advice:
    candidates = [(wheels, misfits(machine, wheels)) for wheels in WHEELS if wheels.package.runs is model_format]
    fitting = next((wheels for wheels, found in candidates if not found), None)
    helped = [(wheels, found) for wheels, found in candidates if all(misfit.remedy for misfit in found)]
    ways_out = [
        f"{' and '.join(misfit.remedy for misfit in found)}: {_install(wheels)}"
        for wheels, found in sorted(helped, key=lambda candidate: len(candidate[1]))
    ]
    return Advice(
        runs=model_format,
        package=fitting.package.name if fitting else "",
        install=_install(fitting) if fitting else "",
        obstacles={w.package.name: "; ".join(misfit.reason for misfit in found) for w, found in candidates if found},
        ways_out=() if fitting else tuple(ways_out),
    )


def _install(wheels: Wheels) -> str:
    return f"pip install 'edgeproof[{wheels.package.extra}]'"


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))
