import os
from pathlib import Path

import pytest
from edgeproof.cli.command import _VERBS, _parser

from tests.helpers.command import refused, run

LONG = "x" * 5000


@pytest.mark.parametrize("verb", _VERBS)
def test_no_verb_takes_an_empty_argument(verb: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    [verbs] = [action for action in _parser([verb])._actions if action.dest == "verb"]
    options = [action for action in verbs.choices[verb]._actions if action.nargs != 0 and action.option_strings]
    assert options or verb in ("doctor", "inspect")
    for action in options:
        name, count = action.option_strings[0], action.nargs if isinstance(action.nargs, int) else 1
        assert f"argument {name}" in refused(verb, name, *count * [""])
    if verb not in ("demo", "train", "doctor", "predict", "cache"):
        assert "a value is needed, got ''" in refused(verb, "")
    assert os.listdir() == []


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--versoin"], "unrecognized arguments: --versoin; did you mean --version?"),
        (["--versoin", "predict", "x.png"], "unrecognized arguments: --versoin; did you mean --version?"),
        (["predict", "--varient", "int8"], "unrecognized arguments: --varient; did you mean --variant?"),
        (["predict", "-x.png"], "unrecognized arguments: -x.png; did you mean ./-x.png?"),
        (["predict", "-y.png"], "unrecognized arguments: -y.png (see"),
        (["train", "--bogus"], "unrecognized arguments: --bogus (see"),
        (["train", "--bogus=1"], "unrecognized arguments: --bogus=1 (see"),
        (["train", "--s", "1"], "ambiguous option: --s could match"),
    ],
)
def test_an_unknown_option_is_named_first(
    arguments: list[str], complaint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("-x.png").touch()
    assert complaint in refused(*arguments)


def test_what_follows_two_dashes_is_not_an_option(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edgeproof.cli.verbs.predict.run", lambda options: print(*options.images) or 0)
    assert run("predict", "--", "-x.png", "--y") == (0, "-x.png --y\n", "")


@pytest.mark.parametrize(
    ("typed", "size", "data"),
    [
        (["--image-size", "96"], [96, 96], None),
        (["--image-size", "96", "--data", "x"], [96, 96], "x"),
        (["--image-size=96", "--data", "x"], [96, 96], "x"),
        (["--image-size", "96", "64", "--data", "x"], [96, 64], "x"),
        (["--image-size", "8", "--image-size", "96", "--data", "x"], [96, 96], "x"),
    ],
)
@pytest.mark.parametrize("model", [(), ("m.keras",)])
def test_one_number_is_the_size_of_a_square(
    typed: list[str], size: list[int], data: str | None, model: tuple[str, ...]
) -> None:
    arguments = ["export", *typed, *(model or ()), *(() if model else ("--", "m.keras"))]
    options = _parser(arguments).parse_args(arguments)
    assert (options.image_size, options.data, options.model) == (size, data, Path("m.keras"))


@pytest.mark.parametrize(
    "arguments",
    [["--image-siz", "28"], ["--image-siz=28"], ["--im", "28"], ["--image-size", "28"]],
)
def test_an_abbreviated_size_is_one(arguments: list[str]) -> None:
    typed = ["export", *arguments, "m.keras"]
    assert _parser(typed).parse_args(typed).image_size == [28, 28]


@pytest.mark.parametrize("arguments", [["--image-size=96x96"], ["--image-size", "96x96"], ["--image-siz=96x96", "m"]])
def test_a_size_that_is_not_a_number_is_given_back(arguments: list[str]) -> None:
    assert "a whole number of at least 1 is needed, got '96x96'" in refused("export", *arguments)


def test_a_number_that_is_too_large_is_not_called_too_small() -> None:
    assert "a whole number of at most 2,147,483,647 is needed, got" in refused("predict", "x", "--threads", "9" * 11)


@pytest.mark.parametrize("arguments", [["predict", LONG], ["predict", f"--{LONG}"], ["inspect", LONG]])
def test_a_name_that_is_far_too_long_is_shortened(arguments: list[str]) -> None:
    line = refused(*arguments)
    assert "xxx…xxx" in line or "File name too long" in line
    assert len(line) < 1000
