"""The machines that edgeproof is proven on: their processors, and what their emulation is made of."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Processor:
    """A processor by QEMU's name for it.

    Attributes:
        name: What QEMU calls it. Its default, "max", is a processor that nobody has, and wrong by 3 in QEMU 7.2's int8.
        board: Where it is found.
        part: The number under which it is known to the kernel, and by which engines choose their kernels.
        tests: Files and folders of tests to run there.
    """

    name: str
    board: str
    part: int
    tests: tuple[str, ...]


@dataclass(frozen=True)
class Machine:
    """An architecture with its processors.

    Attributes:
        name: The name of the make target and of the folder under build/.
        qemu: QEMU's name of the architecture.
        debian: Debian's.
        wheels: The Python package index's.
        packages: Debian's packages to unpack, with all that they depend on.
        requirements: Wheels to install, with all that they depend on; the wheel of edgeproof stands for `{wheel}`.
        alone: Wheels to install without what they depend on.
        architecture: Version of the ARM architecture.
        features: What the processors can do, in the kernel's words.
        processors: Which ones to run the tests on.
    """

    name: str
    qemu: str
    debian: str
    wheels: str
    packages: tuple[str, ...]
    requirements: tuple[str, ...]
    alone: tuple[str, ...]
    architecture: int
    features: str
    processors: tuple[Processor, ...]


def _tests(*names: str) -> tuple[str, ...]:
    return tuple(f"tests/runtime/{name}.py" for name in names)


# What depends on the processor: the files' answers, to the last bit where they are integers. Emulation is slow, and
# threads and child processes are not what it is for.
_GOLDEN = ("bundle/test_golden", "bundle/test_tensors", "engines/test_engine")

ARM64 = Machine(
    name="arm64",
    qemu="aarch64",
    debian="arm64",
    wheels="aarch64",
    packages=("python3", "libstdc++6"),
    requirements=("{wheel}[litert,onnx,inspect]", "pytest"),
    alone=(),
    architecture=8,
    features="fp asimd evtstrm crc32 cpuid",
    processors=(
        Processor(
            "cortex-a72",
            "as in the Raspberry Pi 4",
            0xD08,
            _tests(*_GOLDEN, "images/test_preprocess", "engines/test_pool", "bundle/test_temperature"),
        ),
        Processor("cortex-a53", "as in the Raspberry Pi 3", 0xD03, _tests(*_GOLDEN)),
    ),
)

# The last runtime for 32-bit ARM. The index has neither NumPy nor Pillow nor ONNX Runtime for it: NumPy is Debian's
# 1.24, the wheel of edgeproof is installed beside it, and the tests are those that need no image file and no ONNX.
ARMV7 = Machine(
    name="armv7",
    qemu="arm",
    debian="armhf",
    wheels="armv7l",
    packages=("python3", "libstdc++6", "python3-numpy"),
    requirements=("pytest",),
    alone=("tflite-runtime==2.14.0",),
    architecture=7,
    features="half thumb fastmult vfp edsp neon vfpv3 tls vfpv4 idiva idivt vfpd32 lpae evtstrm",
    processors=(
        Processor(
            "cortex-a7",
            "as in the Raspberry Pi 2",
            0xC07,
            _tests(
                "bundle/test_golden",
                "bundle/test_tensors",
                "bundle/test_recipes",
                "bundle/test_model_metadata",
                "bundle/test_reader",
                "io/test_atomic",
            ),
        ),
    ),
)

MACHINES = {machine.name: machine for machine in (ARM64, ARMV7)}
