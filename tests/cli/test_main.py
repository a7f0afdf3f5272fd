"""The contract of the command line: exit codes, one line on standard error, nothing half written."""

import io
import os
import shutil
import signal
import subprocess
import sys
from importlib.metadata import metadata
from importlib.util import find_spec
from pathlib import Path

import pytest
from edgeproof.cli.command import _NEEDS, _VERBS, main
from edgeproof.runtime.errors import CheckFailedError

from tests.helpers.command import COMMAND, Done, error_line, refused, run


@pytest.mark.parametrize("verb", _VERBS)
def test_every_verb_explains_itself(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        main([verb, "--help"])
    assert exit_.value.code == 0
    assert _VERBS[verb].split()[0] in capsys.readouterr().out.lower()


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--native-logs"], "unrecognized arguments: --native-logs (see edgeproof --help)"),
        (["fly"], "invalid choice: 'fly'; possible: demo, train"),
        (["predit", "x.png"], "invalid choice: 'predit'; did you mean predict? possible: demo, train"),
        (["predict", "x.png", "--varient", "int8"], "did you mean --variant? (see edgeproof predict --help)"),
        (["doctor", "--jsn"], "unrecognized arguments: --jsn; did you mean --json? (see edgeproof doctor --help)"),
        (["train", "--preset", "Defalt"], "unknown preset 'Defalt'; did you mean default? possible: tiny"),
        (["train", "--schedule", "cosin"], "invalid choice: 'cosin'; did you mean cosine? possible:"),
        (["export", "x.keras", "--recipes", "itn8"], "unknown recipe 'itn8'; possible: float32"),
        (["export", "x.keras", "--recipes", "itn8"], "; did you mean int8?"),
        (["train", "--data", "mnits"], "; did you mean mnist?"),
        (["predict", "x.png", "--model", "mnits"], "; did you mean mnist?"),
        (["predict", "x.png", "--engine", "litrt"], "unknown engine 'litrt'; did you mean litert? possible: auto"),
        (["predict", "x.png", "--variant", "itn8"], "; did you mean int8?"),
        (["predict"], "the following arguments are required: IMAGE"),
        (["train", "--epochs", "0"], "a whole number of at least 1 is needed, got '0'"),
        (["export", "--input-range", "0", "m.keras"], "two numbers are needed, LOW and HIGH, got 'm.keras'"),
        (["export", "--image-size", "m.keras"], "a whole number of at least 1 is needed, got 'm.keras'"),
        (["export", "--image-size", "96", "64"], "the following arguments are required: MODEL"),
        (["export", "--image-size", "9.5", "m.keras"], "a whole number of at least 1 is needed, got '9.5'"),
        (["predict", "--model", "m.tflite"], "the following arguments are required: IMAGE"),
        (["train", "--seed", "-1"], "a whole number of at least 0 is needed, got '-1'"),
        (["train", "--epochs", "many"], "a whole number of at least 1 is needed, got 'many'"),
        (["train", "--data", "mnits"], "unknown data 'mnits'; possible: mnist, fashion-mnist, an .npz file"),
        (["export", "missing.keras"], "no such model: missing.keras"),
        (
            ["export", "missing.keras", "--recipes", "int4"],
            "unknown recipe 'int4'; possible: float32, float16, dynamic_wi8_afp32",
        ),
    ],
)
def test_bad_usage_is_one_line(arguments: list[str], complaint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edgeproof.cli.command._NEEDS", {})  # also where TensorFlow is not installed
    assert complaint in refused(*arguments)


def test_a_file_that_is_no_keras_model_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edgeproof.cli.command._NEEDS", {})
    (tmp_path / "model.keras").write_text("not a model")
    line = refused("export", tmp_path / "model.keras", "--out", tmp_path / "bundle")
    assert "model.keras is not a .keras file" in line
    assert [path.name for path in tmp_path.iterdir()] == ["model.keras"]


@pytest.mark.parametrize(
    ("verb", "extra"), [("train", "train"), ("export", "export"), ("benchmark", "benchmarks"), ("demo", "all")]
)
def test_a_verb_names_what_it_needs_before_it_does_anything(
    verb: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edgeproof.cli.command.find_spec", lambda name: None if name == "keras" else name)
    subject = [] if verb in ("train", "demo") else ["x"]
    assert f"{verb} needs keras; pip install 'edgeproof[{extra}]'" in refused(verb, *subject)


def test_the_extras_bring_what_the_verbs_need() -> None:
    assert {extra for extra, _ in _NEEDS.values()} <= set(metadata("edgeproof").get_all("Provides-Extra") or ())


def test_the_command_runs_where_there_are_fewer_signals(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("SIGHUP", "pthread_sigmask"):  # as on Windows
        monkeypatch.delattr(signal, name, raising=False)
    assert main(["doctor"]) == 0
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("import no_such_dependency", "No module named 'no_such_dependency'"),
        ("raise AttributeError('_ARRAY_API not found')", "_ARRAY_API not found"),
    ],
)
@pytest.mark.parametrize("lone", [False, True])
@pytest.mark.parametrize(
    ("file", "package", "module"),
    [
        ("float32.tflite", "ai-edge-litert", "ai_edge_litert.interpreter"),
        ("float32.onnx", "onnxruntime", "onnxruntime.__init__"),
    ],
)
def test_an_engine_that_cannot_be_imported_is_one_line(
    golden: Path, files: Path, tmp_path: Path, code: str, reason: str, lone: bool, file: str, package: str, module: str
) -> None:
    folder, _, inner = module.partition(".")
    (tmp_path / folder).mkdir()
    (tmp_path / folder / "__init__.py").touch()
    (tmp_path / folder / f"{inner}.py").write_text(code)
    model = Path(shutil.copy(golden / file, tmp_path)) if lone else golden / file
    done = subprocess.run(
        [sys.executable, "-m", "edgeproof.cli", "predict", files / "seven.png", "--model", model],
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    assert f"{package} is installed but cannot be imported: {reason}; edgeproof doctor says" in done.stderr


@pytest.mark.parametrize(("verb", "advice"), [("predict", "--trusted"), ("inspect", "trusted=True")])
def test_an_argument_is_advised_as_the_option_of_the_verb(
    verb: str, advice: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuses(_: object) -> int:
        raise CheckFailedError("it has died; trusted=True loads it")

    monkeypatch.setattr(f"edgeproof.cli.verbs.{verb}.run", refuses)
    assert error_line(run(verb, "x"), code=1).endswith(f"it has died; {advice} loads it")


def broken(_: object) -> int:
    raise KeyError("oops")


@pytest.mark.parametrize("place", [[], ["--debug", "predict", "x.png"], ["predict", "x.png", "--debug"]])
def test_a_fault_of_ours_is_one_line_and_a_traceback_on_demand(
    place: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edgeproof.cli.verbs.predict.run", broken)
    done = run(*(place or ["predict", "x.png"]))
    *before, last = done.stderr.splitlines()
    assert (done.returncode, done.stdout) == (70, "")
    assert last.startswith("edgeproof: error: unforeseen KeyError: 'oops'; this is a fault of edgeproof")
    assert bool(before) == ("in broken" in done.stderr) == bool(place)


def test_a_fault_in_a_child_is_one_line_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def in_child(_: object) -> int:
        from edgeproof.runtime.io.worker import Worker

        with Worker(broken, name="the converter") as worker:
            return worker.result(print)

    monkeypatch.setattr("edgeproof.cli.verbs.predict.run", in_child)
    assert "in the process of the converter: KeyError: 'oops'" in error_line(run("predict", "x.png"), code=70)
    assert "in broken" in run("predict", "x.png", "--debug").stderr


# A command on which an interruption falls while it imports the module of that name.
INTERRUPTED = """
import runpy, sys

class Interrupting:
    def find_spec(self, name, path=None, target=None):
        if name == {name!r}:
            raise {error}

sys.meta_path.insert(0, Interrupting())
sys.argv = ["edgeproof", "predict", "x.png"]
{start}
"""
STARTS = {
    "script": "from edgeproof.__main__ import start; start()",
    "-m edgeproof": "runpy.run_module('edgeproof', run_name='__main__', alter_sys=True)",
    "-m edgeproof.cli": "runpy.run_module('edgeproof.cli', run_name='__main__', alter_sys=True)",
}


@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize(
    "name", ["edgeproof.cli.command", "argparse", "edgeproof.runtime.errors", "edgeproof.cli.verbs.predict", "locale"]
)
@pytest.mark.parametrize(
    ("error", "code", "told"),
    [("KeyboardInterrupt", 130, "interrupted; nothing"), ("MemoryError", 2, "there is not enough memory")],
)
def test_what_comes_before_the_work_begins_is_one_line(name: str, error: str, code: int, told: str, start: str) -> None:
    command = [sys.executable, "-P", "-c", INTERRUPTED.format(name=name, error=error, start=STARTS[start])]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert told in error_line(Done(done.returncode, done.stdout, done.stderr), code=code)


STREAMS = {
    "full": ">/dev/full",
    "closed": ">&-",
    "both full": ">/dev/full 2>/dev/full",
    "both closed": ">&- 2>&-",
    "pipe": "",
}


@pytest.mark.parametrize("how", STREAMS)
@pytest.mark.parametrize("arguments", [[], ["--help"], ["train", "--help"], ["--version"], ["predict", "seven.png"]])
def test_what_cannot_be_printed_is_one_line(arguments: list[str], how: str, files: Path) -> None:
    command = ["sh", "-c", f'exec "$@" {STREAMS[how]}', "sh", *COMMAND, *arguments]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, text=True, cwd=files, env=environment)
    os.close(writer)
    if how.startswith("both"):
        assert (done.returncode, done.stderr) == (2, "")
    else:
        assert error_line(Done(done.returncode, "", done.stderr)).startswith("edgeproof: error: cannot print: ")


def test_a_failed_check_comes_before_a_failed_print(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(_: object) -> int:
        print("words")
        raise CheckFailedError("it does not hold")

    monkeypatch.setattr("edgeproof.cli.verbs.predict.run", fails)
    with Path("/dev/full").open("w") as full, monkeypatch.context() as patched:
        patched.setattr(sys, "stdout", full)
        complaints = io.StringIO()
        patched.setattr(sys, "stderr", complaints)
        assert main(["predict", "x.png"]) == 1
    assert complaints.getvalue() == "edgeproof: error: it does not hold\n"


def test_no_file_gets_the_number_of_a_closed_stream(files: Path, tmp_path: Path) -> None:
    """What prints would otherwise write into it."""
    code = (
        "import os, sys\nfrom edgeproof.cli import main\n"
        "from edgeproof.cli.verbs import predict\n"
        f"predict.run = lambda _: os._exit(open({str(tmp_path / 'file')!r}, 'w').fileno())\n"
        "main(['predict', 'x.png'])"
    )
    done = subprocess.run(["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", sys.executable, "-P", "-c", code], check=False)
    assert done.returncode > 2


def test_too_little_memory_is_one_line(
    files: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def exhausted(_: object) -> int:
        raise MemoryError

    monkeypatch.setattr("edgeproof.cli.verbs.predict.run", exhausted)
    assert main(["predict", str(files / "seven.png")]) == 2
    assert capsys.readouterr().err == "edgeproof: error: there is not enough memory\n"


def test_a_bare_command_prints_the_help_and_does_not_pass_for_done() -> None:
    done = run()
    assert (done.returncode, done.stderr) == (2, "")
    assert all(verb in done.stdout for verb in _VERBS)


needs_reports = pytest.mark.skipif(find_spec("msgspec") is None, reason="needs the check extra")
JUDGING = [pytest.param(verb, marks=needs_reports) for verb in ("benchmark", "check", "pick")]


@pytest.mark.parametrize("verb", ["inspect", "selftest", "predict", *JUDGING])
def test_a_path_close_to_the_right_one_is_suggested(
    verb: str, golden: Path, files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edgeproof.cli.command._NEEDS", {})
    shutil.copytree(golden, tmp_path / "mine" / "bundle")
    image = (files / "seven.png", "--model") if verb == "predict" else ()
    assert f"did you mean {tmp_path / 'mine' / 'bundle'}?" in refused(verb, *image, tmp_path / "mine")
    assert f"did you mean {tmp_path / 'mine'}?" in refused(verb, *image, tmp_path / "mime")
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


@needs_reports
def test_a_report_and_a_bundle_in_a_folder_are_both_suggested(golden: Path, tmp_path: Path) -> None:
    shutil.copytree(golden, tmp_path / "bundle")
    (tmp_path / "report").mkdir()
    (tmp_path / "report" / "report.json").touch()
    assert f"did you mean {tmp_path / 'report'} or {tmp_path / 'bundle'}?" in refused("check", tmp_path)
