import sys
from pathlib import Path

import numpy as np
import pytest
from edgeproof.runtime.errors import EdgeproofError, InvalidFileError, SpecMismatchError, UnknownNameError
from edgeproof.train.architecture import Architecture

BUILDER = """
import keras
import beside

def build(image_shape, classes):
    return keras.Sequential([
        keras.Input(image_shape), keras.layers.Flatten(), keras.layers.Dense(classes, activation=beside.ACTIVATION)
    ])

def wide(image_shape, classes):
    return build(image_shape, classes + 1)

def unbuilt(image_shape, classes):
    return keras.Sequential([keras.layers.Flatten(), keras.layers.Dense(classes, activation="softmax")])

def logits(image_shape, classes):
    return keras.Sequential([keras.Input(image_shape), keras.layers.Flatten(), keras.layers.Dense(classes)])

def narrow(image_shape, classes):
    return build((7, 8, 3), classes)

class Own(keras.layers.Layer):
    def call(self, inputs):
        return inputs

def unknown(image_shape, classes):
    pixels = keras.Input(image_shape)
    x = keras.layers.Flatten()(Own()(pixels))
    return keras.Model(pixels, keras.layers.Dense(classes, activation="softmax")(x))

def nothing(image_shape, classes):
    return None

def lazy(image_shape, classes):
    import sys

    sys.path.insert(0, "somewhere")
    import late

    return build(image_shape, late.CLASSES or classes)

def stumbling(image_shape, classes):
    raise ValueError("not these")
"""


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(sys, "path", [*sys.path])
    (tmp_path / "beside.py").write_text("ACTIVATION = 'softmax'\n")
    (tmp_path / "mine.py").write_text(BUILDER)
    (tmp_path / "late.py").write_text("CLASSES = None\n")
    return tmp_path / "mine.py"


@pytest.mark.parametrize("function", ["build", "unbuilt", "lazy"])
def test_a_builder_of_ones_own_is_called_with_shape_and_classes(file: Path, function: str) -> None:
    model = Architecture(preset=None, builder=f"{file}:{function}").build((9, 8, 3), 5)
    assert (model.input_shape, model.output_shape) == ((None, 9, 8, 3), (None, 5))
    assert str(file.parent) not in sys.path
    assert ("somewhere" in sys.path) == (function == "lazy")


@pytest.mark.parametrize(
    ("builder", "kind", "complaint"),
    [
        ("{file}", SpecMismatchError, "is named FILE.py:FUNCTION, got"),
        ("{file}:", SpecMismatchError, "is named FILE.py:FUNCTION"),
        ("{file}:missing", InvalidFileError, "has no function 'missing'; it has build, wide, unbuilt"),
        ("{file}:wide", SpecMismatchError, r"of shape \(1, 6\) with the sum 1; needed are 5 probabilities"),
        ("{file}:logits", SpecMismatchError, r"of shape \(1, 5\) with the sum .*; needed are 5 probabilities"),
        ("{file}:narrow", SpecMismatchError, r"does not take images of \(9, 8, 3\)"),
        ("{file}:unknown", SpecMismatchError, "cannot be saved and loaded: register your own layers"),
        ("{file}:nothing", SpecMismatchError, "gives NoneType, not a keras.Model"),
        ("{file}:stumbling", InvalidFileError, "5 classes: ValueError: not these"),
        ("{file}x:build", InvalidFileError, "no such Python file"),
    ],
)
def test_builders_that_cannot_be_used(file: Path, builder: str, kind: type[EdgeproofError], complaint: str) -> None:
    with pytest.raises(kind, match=complaint):
        Architecture(preset=None, builder=builder.format(file=file)).build((9, 8, 3), 5)


@pytest.mark.parametrize("source", ["1 / 0", "import sys; sys.exit(3)", "def broken(:"])
def test_a_file_that_cannot_be_run_is_one_complaint(tmp_path: Path, source: str) -> None:
    (tmp_path / "mine.py").write_text(source)
    with pytest.raises(InvalidFileError, match=r"mine\.py cannot be run: "):
        Architecture(preset=None, builder=f"{tmp_path / 'mine.py'}:build").build((9, 8, 3), 5)


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        ({"preset": "huge"}, UnknownNameError),
        ({"preset": None}, SpecMismatchError),
        ({"builder": "a.py:b"}, SpecMismatchError),
        ({"preset": None, "builder": "a.py:b", "width": 2.0}, SpecMismatchError),
        ({"width": 0.0}, SpecMismatchError),
        ({"width": float("nan")}, SpecMismatchError),
        ({"dropout": 1.0}, SpecMismatchError),
        ({"extra": -1}, SpecMismatchError),
    ],
)
def test_impossible_architectures_are_refused(given: dict[str, object], kind: type[EdgeproofError]) -> None:
    with pytest.raises(kind):
        Architecture(**given)  # type: ignore[arg-type]


def test_the_knobs_reach_the_preset() -> None:
    plain, wide, deep, dropping = (
        Architecture(**knobs).build((28, 28, 1), 10)  # type: ignore[arg-type]
        for knobs in ({}, {"width": 2.0}, {"extra": 2}, {"dropout": 0.5})
    )
    assert wide.count_params() > 3 * plain.count_params()
    assert len(deep.layers) > len(plain.layers)
    assert dropping.count_params() == plain.count_params()
    pixels = np.random.default_rng(0).integers(0, 256, (8, 28, 28, 1)).astype(np.float32)
    assert not np.array_equal(dropping(pixels, training=True), dropping(pixels, training=True))
