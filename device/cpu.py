"""The CPU features that matter to the engines, and their consequences for models in 8 and 16 bits."""

import re
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Feature:
    """A group of instructions.

    Attributes:
        name: Its common name.
        linux: Its words in Linux's `/proc/cpuinfo`, of which one suffices.
        macos: Its entry in macOS's `sysctl`; empty where there is none.
        present: The consequence for models where the CPU has it.
        absent: The consequence where it has not.
    """

    name: str
    linux: tuple[str, ...]
    macos: str = ""
    present: str
    absent: str = "costs speed, nothing else"


_X86 = (
    Feature(
        name="AVX2",
        linux=("avx2",),
        present="vectors of 256 bits for float32 and int8",
        absent="everything runs, slowly",
    ),
    Feature(
        name="AVX512",
        linux=("avx512f",),
        present="vectors of 512 bits for float32 and int8",
    ),
    Feature(
        name="VNNI",
        linux=("avx512_vnni", "avx_vnni"),
        present="int8 is fast; int8 ONNX files are right also with weights of 8 bits",
        absent="int8 ONNX files are wrong if their weights use 8 bits; edgeproof's use 7, unless exported for vnni",
    ),
    Feature(
        name="F16C",
        linux=("f16c",),
        present="float16 weights are unpacked by one instruction",
        absent="float16 files take longer to load; their answers are the same",
    ),
)
_ARM = (
    Feature(
        name="dotprod",
        linux=("asimddp",),
        macos="hw.optional.arm.FEAT_DotProd",
        present="int8 is fast: four products in one instruction",
        absent="int8 gains less over float32, as on a Pi 3 or 4; answers are the same",
    ),
    Feature(
        name="i8mm",
        linux=("i8mm",),
        macos="hw.optional.arm.FEAT_I8MM",
        present="int8 is faster still: products of whole blocks",
    ),
    Feature(
        name="fp16",
        linux=("asimdhp",),
        macos="hw.optional.arm.FEAT_FP16",
        present="engines may compute float16 files in float16: faster, and off by up to 0.01",
        absent="float16 files are computed in float32",
    ),
    Feature(
        name="sve",
        linux=("sve",),
        present="longer vectors, where an engine has kernels for them",
    ),
)

FEATURES: Mapping[str, tuple[Feature, ...]] = {  # by the architecture of the wheels that run there
    **dict.fromkeys(("x86_64", "amd64", "i686"), _X86),
    **dict.fromkeys(("aarch64", "arm64", "armv7l"), _ARM),
}


def features_in_cpuinfo(text: str) -> frozenset[str] | None:
    """Return the names of the features that all cores have, from Linux's `/proc/cpuinfo`; None if it lists none."""
    lists: list[str] = re.findall(r"^(?:flags|Features)\s*:(.*)$", text, re.MULTILINE)
    if not lists:
        return None
    words = set(lists[0].split()).intersection(*(words.split() for words in lists[1:]))
    return frozenset(feature.name for feature in (*_X86, *_ARM) if words.intersection(feature.linux))


def features_in_sysctl(text: str) -> frozenset[str] | None:
    """Return the names of the present features, from macOS's `sysctl`; None if it knows none of them."""
    entries = dict(re.findall(r"^([\w.]+): (\d+)$", text, re.MULTILINE))
    known = [feature for feature in _ARM if feature.macos in entries]
    return frozenset(feature.name for feature in known if entries[feature.macos] != "0") if known else None
