import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from edgeproof.runtime.bundle.recipes import Format
from edgeproof.runtime.engines import probe as module
from edgeproof.runtime.engines.probe import probe
from edgeproof.runtime.engines.probe_child import BEGUN, SURVIVED
from edgeproof.runtime.errors import EdgeproofError, InvalidFileError, SpecMismatchError

from tests.helpers.onnx_files import (
    BOOL,
    FLOAT,
    GRAPH,
    INT64,
    WEIGHTS,
    field,
    graph,
    node,
    onnx,
    tensor,
    value,
)

START = f"import os, signal, subprocess, time; print({BEGUN!r}, flush=True); "


def child_does(monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    """Let the child run this instead of a model."""
    monkeypatch.setattr(module, "_START", code.replace("{", "{{").replace("}", "}}"))


def is_alive(pid: int) -> bool:
    """Whether it runs; a zombie that nobody has waited for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def ends_soon(pid: int) -> bool:
    """Whether it ends within ten seconds."""
    return any(not is_alive(pid) or time.sleep(0.05) for _ in range(200))


def test_a_good_model_passes(golden: Path, variant: str) -> None:
    probe((golden / variant).read_bytes(), Format(variant.partition(".")[2]), threads=2)


def test_half_a_model_is_refused_in_silence(golden: Path, variant: str, capfd: pytest.CaptureFixture[str]) -> None:
    model = (golden / variant).read_bytes()
    complaint = r"^ONNX Runtime [\d.]+ does not accept the model|^the model's structure is damaged"
    with pytest.raises(InvalidFileError, match=complaint):
        probe(model[: len(model) // 2], Format(variant.partition(".")[2]))
    assert capfd.readouterr() == ("", "")


def test_errors_keep_their_class(golden: Path, runnable: tuple[str, ...]) -> None:
    name = runnable[0]
    with pytest.raises(SpecMismatchError, match="threads must be a whole number from 1 to 256, got 0"):
        probe((golden / name).read_bytes(), Format(name.partition(".")[2]), threads=0)


@pytest.mark.parametrize(
    ("code", "how"),
    [
        ("os.kill(os.getpid(), signal.SIGSEGV)", "by SIGSEGV"),
        ("os.abort()", "by SIGABRT"),
        ("os.write(2, b'LLVM ERROR: x\\n'); os.abort()", "by SIGABRT: LLVM ERROR: x"),
        ("os.kill(os.getpid(), 40)", "by signal 40"),
        ("os._exit(3)", "with exit code 3"),
        ("os._exit(0)", "with exit code 0"),
    ],
)
def test_a_death_is_told(monkeypatch: pytest.MonkeyPatch, code: str, how: str) -> None:
    child_does(monkeypatch, START + code)
    with pytest.raises(InvalidFileError, match=f"^the process that runs the model ended {how}$"):
        probe(b"model", Format.ONNX)


def test_a_child_that_reads_nothing_is_no_obstacle(monkeypatch: pytest.MonkeyPatch) -> None:
    child_does(monkeypatch, START + "os._exit(3)")
    with pytest.raises(InvalidFileError, match="exit code 3"):
        probe(bytes(2**22), Format.ONNX)


def test_a_model_that_hangs_is_ended_with_all_that_it_started(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    child_does(
        monkeypatch,
        START + "child = subprocess.Popen(['sleep', '1000']); "
        f"open({str(tmp_path / 'pids')!r}, 'w').write(str(os.getpid()) + ' ' + str(child.pid)); time.sleep(1000)",
    )
    with pytest.raises(InvalidFileError, match=r"^the model gives no answer within 2 seconds; trusted=True loads"):
        probe(b"model", Format.ONNX, seconds=2)
    pids = [int(pid) for pid in (tmp_path / "pids").read_text().split()]
    assert len(pids) == 2
    assert all(map(ends_soon, pids))


def test_ctrl_c_ends_the_child(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    # When the child has all of the model, its parent is past the start of it and listens for an answer.
    child = (
        "import os, sys, time; sys.stdin.read(); "
        f"open({str(pid_file)!r}, 'w').write(str(os.getpid())); time.sleep(1000)"
    )
    code = (
        # Where this process runs in the background, its children would ignore Ctrl-C.
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "from edgeproof.runtime.engines import probe\nfrom edgeproof.runtime.bundle.recipes import Format\n"
        f"probe._START = {child!r}\nprobe.probe(b'model', Format.ONNX)"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as parent:
        while not (pid_file.exists() and pid_file.read_text()):
            assert parent.poll() is None
            time.sleep(0.05)
        pid = int(pid_file.read_text())
        assert is_alive(pid)
        parent.send_signal(signal.SIGINT)
        _, said = parent.communicate(timeout=60)
    assert said.decode().strip().endswith("KeyboardInterrupt")
    assert ends_soon(pid)


def test_a_child_outlives_a_killed_parent_by_its_time_only() -> None:
    """Nothing can end it then but itself."""
    code = (
        "import signal; from edgeproof.runtime.engines.probe_child import _limit; _limit(0, 0.2); "
        "print('waiting', flush=True); signal.pause()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=60)
    assert (done.stdout, done.returncode) == (b"waiting\n", -signal.SIGALRM)


def test_the_memory_of_a_child_has_a_bound() -> None:
    code = (
        "from edgeproof.runtime.engines.probe_child import _limit; _limit(3 * 2**30, 60)\n"
        "bytearray(2**30)\ntry: bytearray(4 * 2**30)\nexcept MemoryError: print('refused')"
    )
    assert subprocess.check_output([sys.executable, "-c", code]) == b"refused\n"


@pytest.mark.parametrize("attribute", ["executable", "frozen"])
def test_without_an_interpreter_the_remedy_is_named(monkeypatch: pytest.MonkeyPatch, attribute: str) -> None:
    monkeypatch.setattr(sys, attribute, "", raising=False)
    with pytest.raises(EdgeproofError, match=r"no Python interpreter here.*; trusted=True loads"):
        probe(b"model", Format.ONNX)


def test_an_executable_that_is_missing_or_no_python_is_not_blamed_on_the_model(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for executable, complaint in ((str(tmp_path / "gone"), "no process can be started"), ("/bin/true", "cannot try")):
        monkeypatch.setattr(sys, "executable", executable)
        with pytest.raises(EdgeproofError, match=rf"{complaint}.*; trusted=True loads") as caught:
            probe(b"model", Format.ONNX)
        assert not isinstance(caught.value, InvalidFileError)


def test_files_of_the_current_folder_are_not_imported(
    golden: Path, runnable: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("runtime", "types", "numpy", "os", "json"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('imported')")
    monkeypatch.chdir(tmp_path)
    probe((golden / runnable[0]).read_bytes(), Format(runnable[0].partition(".")[2]))


def test_the_users_program_does_not_run_again(golden: Path, runnable: tuple[str, ...], tmp_path: Path) -> None:
    """As it would in a child of multiprocessing, where it has no `if __name__ == "__main__"`."""
    (tmp_path / "program.py").write_text(
        "print('once', flush=True)\nfrom edgeproof.runtime.engines.probe import probe\n"
        "from edgeproof.runtime.bundle.recipes import Format\n"
        f"probe(open({str(golden / runnable[0])!r}, 'rb').read(), Format({runnable[0].partition('.')[2]!r}))\n"
    )
    assert subprocess.check_output([sys.executable, tmp_path / "program.py"]) == b"once\n"


def test_the_engine_is_found_where_the_program_found_it_and_may_print(
    golden: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """What native code prints must neither reach the user nor pass for an answer."""
    (tmp_path / "onnxruntime.py").write_text(
        f"import os; os.write(1, b'{SURVIVED}\\n'); os.write(2, b'loud'); os._exit(77)"
    )
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(InvalidFileError, match="exit code 77"):
        probe((golden / "float32.onnx").read_bytes(), Format.ONNX)
    assert capfd.readouterr() == ("", "")


def test_the_child_sends_no_telemetry_and_imports_little(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ORT_DISABLE_TELEMETRY", "0")
    told = tmp_path / "told"
    start = module._START.rpartition("main(")[0]
    monkeypatch.setattr(
        module,
        "_START",
        f"{start}import os; print(os.environ['ORT_DISABLE_TELEMETRY'], *sys.modules, file=open({str(told)!r}, 'w'))",
    )
    with pytest.raises(EdgeproofError, match="cannot try"):
        probe(b"model", Format.ONNX)
    disabled, *loaded = told.read_text().split()
    assert disabled == "1"
    assert "runtime.engines.probe_child" in loaded
    assert not set(loaded) & {
        "site",
        "subprocess",
        "multiprocessing",
        "edgeproof",
        "runtime.classifier",
        "PIL",
        "onnxruntime",
    }
    assert os.environ["ORT_DISABLE_TELEMETRY"] == "0"


FUZZ = Path(__file__).parents[2] / "fuzz.py"


@pytest.mark.needs("onnx")
def test_a_model_that_wants_all_memory_is_refused() -> None:
    size = tensor("size", INT64, (1,), field(9, (2**30).to_bytes(8, "little")))
    weights = tensor("w", FLOAT, (4, 3), field(9, WEIGHTS.tobytes()))
    model = onnx([node("ConstantOfShape", "size", "huge"), node("ReduceSum", "huge", "unused")], size, weights)
    with pytest.raises(InvalidFileError, match=r"ONNX Runtime [\d.]+ (does not accept|cannot run) the model"):
        probe(model, Format.ONNX)


@pytest.mark.needs("onnx")
def test_a_model_that_never_answers_is_refused() -> None:
    turns = tensor("turns", INT64, (), field(9, (2**62).to_bytes(8, "little")))
    weights = tensor("w", FLOAT, (4, 3), field(9, WEIGHTS.tobytes()))
    body = graph(
        [node("Identity", "go_on", "still"), node("Neg", "state", "next")],
        [value("turn", INT64, ()), value("go_on", BOOL, ()), value("state", FLOAT, (1, 4))],
        [value("still", BOOL, ()), value("next", FLOAT, (1, 4))],
    )
    loop = node("Loop", "turns  flat", "last", field(1, "body") + field(6, body) + field(20, GRAPH))
    model = onnx([loop, node("Add", "flat last", "sum")], turns, weights)
    with pytest.raises(InvalidFileError, match=r"gives no answer within 3 seconds"):
        probe(model, Format.ONNX, seconds=3)
    assert threading.active_count() == 1


@pytest.mark.parametrize("model_format", [pytest.param(f.value, marks=pytest.mark.needs(f.value)) for f in Format])
def test_damaged_files_are_refused_or_answered(model_format: str) -> None:
    done = subprocess.run(
        [sys.executable, FUZZ, "--files", "40", "--format", model_format], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"40 damaged .{model_format} files: " in done.stdout
