"""The contract of the command line: exit codes, one line on standard error, nothing half written."""

from pathlib import Path

import pytest
from edgeproof.cli import _EXTRA_OF, _VERBS, main


def fails(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> str:
    """Run, and return the one line on standard error; the exit code must be 2 and standard output empty."""
    try:
        code = main([str(argument) for argument in arguments])
    except SystemExit as exit_:
        code = exit_.code  # type: ignore[assignment]
    output = capsys.readouterr()
    assert code == 2
    assert output.out == ""
    assert output.err.count("\n") == 1
    assert output.err.endswith("\n")
    return output.err.rstrip("\n")


@pytest.mark.parametrize("verb", _VERBS)
def test_every_verb_explains_itself(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        main([verb, "--help"])
    assert exit_.value.code == 0
    assert _VERBS[verb].split()[0] in capsys.readouterr().out.lower()


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ([], "the following arguments are required: COMMAND"),
        (["fly"], "invalid choice: 'fly'"),
        (["predict", "x.png"], "the following arguments are required: --model"),
        (["train", "--epochs", "0"], "a whole number of at least 1 is needed, got '0'"),
        (["train", "--seed", "-1"], "a whole number of at least 0 is needed, got '-1'"),
        (["train", "--epochs", "many"], "a whole number of at least 1 is needed, got 'many'"),
        (["train", "--data", "mnits"], "unknown data 'mnits'; possible: mnist, or an .npz file"),
        (["export", "missing.keras"], "no such model: missing.keras"),
        (["export", "missing.keras", "--recipes", "int4"], "unknown recipe 'int4'; possible: float32, static_wi8_ai8"),
    ],
)
def test_bad_usage_is_one_line(arguments: list[str], complaint: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert complaint in fails(capsys, *arguments)


def test_a_file_that_is_no_keras_model_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "model.keras").write_text("not a model")
    line = fails(capsys, "export", tmp_path / "model.keras", "--out", tmp_path / "bundle")
    assert "model.keras is not a .keras file" in line
    assert [path.name for path in tmp_path.iterdir()] == ["model.keras"]


@pytest.mark.parametrize("package", _EXTRA_OF)
def test_a_missing_package_names_its_extra(
    package: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], golden: Path
) -> None:
    def missing(_: object) -> int:
        raise ModuleNotFoundError(f"No module named {package!r}", name=f"{package}.part")

    monkeypatch.setattr("edgeproof.cli.predict.run", missing)
    line = fails(capsys, "predict", "x.png", "--model", golden)
    assert f"{package} is not installed; pip install 'edgeproof[{_EXTRA_OF[package]}]'" in line


def test_a_missing_module_of_ours_is_a_bug_and_keeps_its_traceback(
    monkeypatch: pytest.MonkeyPatch, golden: Path
) -> None:
    def broken(_: object) -> int:
        raise ModuleNotFoundError("No module named 'edgeproof.oops'", name="edgeproof.oops")

    monkeypatch.setattr("edgeproof.cli.predict.run", broken)
    with pytest.raises(ModuleNotFoundError):
        main(["predict", "x.png", "--model", str(golden)])
