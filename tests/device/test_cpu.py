import pytest
from edgeproof.device.cpu import FEATURES, features_in_cpuinfo, features_in_sysctl

PI_4 = """\
processor	: 0
BogoMIPS	: 108.00
Features	: fp asimd evtstrm crc32 cpuid
CPU implementer	: 0x41

processor	: 1
Features	: fp asimd evtstrm crc32 cpuid

Model		: Raspberry Pi 4 Model B Rev 1.4
"""
PI_5 = (
    "processor : 0\nFeatures	: fp asimd evtstrm aes crc32 atomics fphp asimdhp cpuid asimdrdm lrcpc dcpop asimddp\n"
)
HASWELL = "flags		: fpu sse4_2 fma f16c avx avx2 bmi2\nbugs : spectre_v1\n"
ALDER_LAKE = "flags		: fpu f16c avx avx2 avx_vnni\nvmx flags	: vnmi\n"
ICE_LAKE = "flags		: f16c avx avx2 avx512f avx512_vnni\n"


@pytest.mark.parametrize(
    ("text", "features"),
    [
        (PI_4, set()),
        (PI_5, {"dotprod", "fp16"}),
        (HASWELL, {"AVX2", "F16C"}),
        (ALDER_LAKE, {"AVX2", "F16C", "VNNI"}),
        (ICE_LAKE, {"AVX2", "AVX512", "F16C", "VNNI"}),
        ("Features : asimddp asimdhp i8mm sve\n", {"dotprod", "fp16", "i8mm", "sve"}),
    ],
)
def test_linux_lists_what_a_cpu_has(text: str, features: set[str]) -> None:
    assert features_in_cpuinfo(text) == features


def test_a_feature_counts_if_every_core_has_it() -> None:
    assert features_in_cpuinfo("Features : asimddp asimdhp\n\nFeatures : asimdhp\n") == {"fp16"}


@pytest.mark.parametrize("text", ["", "processor : 0\nmodel name : odd\n", "\0\ufffd"])
def test_a_list_that_is_not_there_is_not_an_empty_one(text: str) -> None:
    assert features_in_cpuinfo(text) is None


def test_macos_says_yes_or_no() -> None:
    entries = ("FEAT_DotProd: 1", "FEAT_I8MM: 0", "FEAT_FP16: 1", "other: words")
    assert features_in_sysctl("".join(f"hw.optional.arm.{entry}\n" for entry in entries)) == {"dotprod", "fp16"}
    assert features_in_sysctl("hw.optional.floatingpoint: 1\n") is None
    assert features_in_sysctl("") is None


def test_what_is_found_is_what_is_explained() -> None:
    found = features_in_cpuinfo("flags : avx2 avx512f avx_vnni f16c asimddp asimdhp i8mm sve\n")
    assert found == {feature.name for features in FEATURES.values() for feature in features}
