import json
import platform
from dataclasses import replace
from importlib.metadata import version
from importlib.util import find_spec

import pytest
from edgeproof.cli import main
from edgeproof.cli.verbs.doctor import cpu_facts, machine_facts, next_steps
from edgeproof.device.installed import Installed
from edgeproof.device.machine import Machine
from edgeproof.device.wheels import advice
from edgeproof.runtime.engines.packages import PACKAGES

LITERT, TFLITE, ONNX = PACKAGES
PI = Machine(
    python=(3, 11),
    python_version="3.11.2",
    implementation="CPython",
    bits=32,
    system="Linux",
    system_name="Raspbian GNU/Linux 12 (bookworm)",
    system_version=(),
    kernel="aarch64",
    libc="glibc",
    libc_version=(2, 36),
    board="Raspberry Pi 4 Model B Rev 1.4",
    cpu_features=frozenset(),
    cores=4,
    memory_bytes=4_000_000_000,
)


def pretend_installed(monkeypatch: pytest.MonkeyPatch, *installed: Installed) -> None:
    monkeypatch.setattr("edgeproof.device.installed.find_installed", lambda: installed)


def test_this_machine_is_described(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor"]) == 0
    output = capsys.readouterr()
    facts = {line[:14].strip(): line[16:] for line in output.out.splitlines() if line}
    assert output.err == ""
    assert facts["python"].startswith(f"CPython {platform.python_version()}, ")
    assert facts["numpy"] == version("numpy")
    assert facts["pillow"] == (version("pillow") if find_spec("PIL") else "not installed; pip install pillow")
    assert {"ai-edge-litert", "tflite-runtime", "onnxruntime", "system", "hardware", ".tflite", ".onnx"} <= set(facts)
    assert any(text.startswith("run in ") for text in facts.values())
    assert facts["telemetry"] == "ONNX Runtime's is off (ORT_DISABLE_TELEMETRY=1)"


def test_json_holds_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["schema_version"] == 1
    assert document["machine"]["python_version"] == platform.python_version()
    assert document["machine"]["architecture"]
    assert document["libraries"]["numpy"] == version("numpy")
    assert any(engine["works"] for engine in document["engines"])
    assert document["telemetry"] == {"onnxruntime": "off"}
    assert [one["runs"] for one in document["advice"]] == ["tflite", "onnx"]


@pytest.mark.parametrize("arguments", [[], ["--json"]])
def test_a_machine_without_engines_fails_and_says_what_to_install(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pretend_installed(monkeypatch)
    monkeypatch.setattr("edgeproof.device.machine.read_machine", lambda: PI)
    assert main(["doctor", *arguments]) == 1
    output = capsys.readouterr()
    assert output.out
    assert output.err.count("\n") == 1
    assert "for .tflite files: pip install 'edgeproof[tflite]'; for .onnx files: no engine fits" in output.err


def test_an_engine_that_does_not_work_does_not_count(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    dead = Installed(package=ONNX, version="1.21.0", problem="it uses an instruction that this CPU lacks")
    pretend_installed(monkeypatch, dead)
    assert main(["doctor"]) == 1
    output = capsys.readouterr()
    assert "onnxruntime     1.21.0, does not work: it uses an instruction that this CPU lacks\n" in output.out
    # The second package of an engine is never used while the first is there.
    pretend_installed(
        monkeypatch,
        Installed(package=LITERT, version="2.3.0", problem="it dies"),
        Installed(package=TFLITE, version="2.14.0", problem=""),
    )
    assert main(["doctor"]) == 1
    pretend_installed(monkeypatch, dead, Installed(package=TFLITE, version="2.14.0", problem=""))
    assert main(["doctor"]) == 0


@pytest.mark.parametrize("value", ["0", ""])
def test_telemetry_that_someone_switched_on_is_told(
    value: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ORT_DISABLE_TELEMETRY", value)
    pretend_installed(monkeypatch, Installed(package=ONNX, version="1.32.0", problem=""))
    assert main(["doctor"]) == 0
    assert f"report usage over the network: ORT_DISABLE_TELEMETRY is {value!r}, not '1'" in capsys.readouterr().out
    assert main(["doctor", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["telemetry"] == {"onnxruntime": "on"}


def test_32_bit_programs_on_a_64_bit_kernel_are_pointed_out() -> None:
    facts = machine_facts(PI)
    assert ("python", "CPython 3.11.2, 32-bit") in facts
    assert ("system", "Raspbian GNU/Linux 12 (bookworm), armv7l, glibc 2.36") in facts
    assert ("board", "Raspberry Pi 4 Model B Rev 1.4") in facts
    assert ("hardware", "4 cores, 4.0 GB of memory") in facts
    notes = [text for name, text in facts if name == "note"]
    assert notes[0].startswith("the kernel is 64-bit (aarch64), this Python is not")
    assert "piwheels" in notes[1]
    assert "note" not in dict(machine_facts(replace(PI, bits=64)))


def test_what_is_not_known_is_said_to_be_so() -> None:
    unknown = replace(
        PI, kernel="odd", bits=64, libc="", libc_version=(), board="", cpu_features=None, cores=None, memory_bytes=None
    )
    assert ("hardware", "number of cores not known, memory not known") in machine_facts(unknown)
    assert cpu_facts(unknown) == [("cpu features", "not known")]
    assert cpu_facts(replace(unknown, cpu_features=frozenset())) == []


def test_each_feature_of_the_cpu_has_its_meaning() -> None:
    lines = dict(cpu_facts(replace(PI, kernel="x86_64", bits=64, cpu_features=frozenset({"AVX2", "F16C"}))))
    assert list(lines) == ["AVX2", "AVX512", "VNNI", "F16C"]
    assert lines["AVX2"].startswith("yes: ")
    assert lines["VNNI"].startswith("no: int8 ONNX files are wrong if their weights use 8 bits")
    assert list(dict(cpu_facts(PI))) == ["dotprod", "i8mm", "fp16", "sve"]


def test_the_next_step_is_a_command_or_what_would_have_to_change() -> None:
    good = Installed(package=TFLITE, version="2.14.0", problem="")
    steps = next_steps(advice(PI), [good])
    assert steps[".tflite"] == "run in tflite-runtime"
    assert steps[".onnx"].startswith("no engine fits (onnxruntime: no wheels for Linux armv7l). What would: a 64-bit")
    assert next_steps(advice(PI), [])[".tflite"] == "pip install 'edgeproof[tflite]'"
    zero = replace(PI, kernel="armv6l")
    assert next_steps(advice(zero), [])[".tflite"].endswith("there is nothing that would help on this machine")
    bad = Installed(package=TFLITE, version="2.14.0", problem="it dies")
    expected = "tflite-runtime does not work; another version may: pip install --upgrade tflite-runtime"
    assert next_steps(advice(PI), [bad])[".tflite"] == expected
    short = Installed(package=TFLITE, version="2.14.0", problem="there is not enough memory: bad_alloc")
    assert next_steps(advice(PI), [short])[".tflite"].startswith("tflite-runtime needs more memory than this process")
    pc = replace(PI, kernel="x86_64", bits=64)
    assert next_steps(advice(pc), [bad])[".tflite"] == "tflite-runtime does not work; pip install 'edgeproof[litert]'"
