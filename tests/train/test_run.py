import hashlib
import io
import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import keras
import numpy as np
import pytest
from edgeproof.device.machine import read_machine
from edgeproof.runtime.errors import InvalidFileError, OutputError, SpecMismatchError, UnknownNameError
from edgeproof.runtime.io.checked_json import parse
from edgeproof.runtime.io.decode import decode, encode
from edgeproof.train import fit as fit_module
from edgeproof.train import run as run_module
from edgeproof.train.architecture import Architecture
from edgeproof.train.environment import describe_machine
from edgeproof.train.options import FitOptions
from edgeproof.train.run import train
from PIL import Image

if TYPE_CHECKING:
    from edgeproof.datasets.dataset import Dataset

pytestmark = pytest.mark.usefixtures("undrawn")

SMALL = Architecture(preset=None, builder=f"{Path(__file__).parents[1] / 'data' / 'small_model.py'}:build")
WITH_BACKBONE = Architecture(preset=None, builder=str(SMALL.builder).replace(":build", ":with_backbone"))
OPTIONS = FitOptions(epochs=4, batch_size=64, patience=3)


SUBCLASS = """
import keras

@keras.saving.register_keras_serializable("test")
class Own(keras.Model):
    def __init__(self, classes, **options):
        super().__init__(**options)
        self.classes, self.dense = classes, keras.layers.Dense(classes, activation="softmax")

    def call(self, inputs):
        return self.dense(keras.ops.reshape(inputs, (-1, 784)))

    def get_config(self):
        return {"classes": self.classes}

def build(image_shape, classes):
    return Own(classes)
"""


class StopAfter:
    """A stream on which the training is cut off after some epochs, as by Ctrl-C."""

    def __init__(self, epochs: int) -> None:
        self._line = f"epoch  {epochs}/"

    def write(self, text: str) -> None:
        if self._line in text:
            raise KeyboardInterrupt

    def flush(self) -> None:
        pass

    def isatty(self) -> bool:
        return False


def cut_off(
    data: "Dataset",
    out: Path,
    epochs: int,
    *,
    architecture: Architecture = SMALL,
    options: FitOptions = OPTIONS,
) -> None:
    with pytest.raises(KeyboardInterrupt):
        train(data, out, architecture=architecture, options=options, progress=StopAfter(epochs))  # type: ignore[arg-type]


def weights(folder: Path) -> list[np.ndarray]:
    return keras.saving.load_model(folder / "model.keras").get_weights()


@pytest.fixture(scope="module")
def whole(small_data: "Dataset", tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("whole")
    train(small_data, out, architecture=SMALL, options=OPTIONS)
    return out


def test_a_run_leaves_these_files_and_no_others(run_folder: Path) -> None:
    pictures = {f"{name}.png" for name in ("curves", "confusion", "mistakes")}
    assert {p.name for p in run_folder.iterdir() if p.is_file()} == {"model.keras", "training.json", *pictures}
    assert not (run_folder / "unfinished").exists()


def test_the_saved_model_is_the_one_that_was_measured(run_folder: Path, small_data: "Dataset") -> None:
    model = keras.saving.load_model(run_folder / "model.keras")
    chosen = model.predict(small_data.x_test.astype(np.float32), verbose=0).argmax(axis=1)
    record = json.loads((run_folder / "training.json").read_text())
    assert record["test_accuracy"] == float(np.mean(chosen == small_data.y_test))
    assert not model.compiled  # the optimizer's state stays out of the file


def test_the_record_has_what_it_takes_to_repeat_the_run(run_folder: Path, small_data: "Dataset") -> None:
    record = json.loads((run_folder / "training.json").read_text())
    assert record["schema_version"] == 2
    assert record["model_sha256"] == hashlib.sha256((run_folder / "model.keras").read_bytes()).hexdigest()
    assert record["options"] == encode(FitOptions(epochs=3, batch_size=32, learning_rate=1e-2))
    assert record["architecture"].items() > encode(Architecture()).items()
    assert record["data"]["sha256"] == dict(small_data.sha256)
    resized = {"method": "resize", "interpolation": "bilinear", "antialias": True}  # as older versions read it
    assert record["data"]["options"]["preprocessing"] == resized
    assert record["images"] == {"learned_from": 550, "validated_on": 50, "tested_on": 200}
    assert len(record["history"]["val_accuracy"]) == 3
    assert len(record["mistakes"]) == round((1 - record["test_accuracy"]) * 200)
    assert all(re.fullmatch(r"x_test\[\d+\]", one["image"]) for one in record["mistakes"])
    assert "split_sha256" not in record  # the data has a test split of its own
    assert {"python", "edgeproof", "tensorflow", "keras", "numpy"} == set(record["versions"])
    assert record["machine"]["architecture"] == read_machine().architecture
    assert record["machine"]["threads"] >= 1
    assert "CPU" in record["machine"]["devices"]


def test_the_training_learns(run_folder: Path) -> None:
    history = json.loads((run_folder / "training.json").read_text())["history"]
    assert history["loss"][-1] < 0.7 * history["loss"][0]


@pytest.mark.parametrize("name", ["curves", "confusion", "mistakes"])
def test_the_pictures_show_something(run_folder: Path, name: str) -> None:
    with Image.open(run_folder / f"{name}.png") as image:
        assert min(image.size) > 400
        assert len(image.convert("RGB").getcolors(maxcolors=1 << 20) or ()) > 20


def test_the_same_run_gives_the_same_model(whole: Path, small_data: "Dataset", tmp_path: Path) -> None:
    train(small_data, tmp_path, architecture=SMALL, options=OPTIONS)
    for one, other in zip(weights(whole), weights(tmp_path), strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_run_that_was_cut_off_goes_on_to_the_same_model_and_history(
    whole: Path, small_data: "Dataset", tmp_path: Path
) -> None:
    cut_off(small_data, tmp_path, 1)
    assert [path.name for path in tmp_path.rglob("*")] == ["unfinished", "state.npz"]
    train(small_data, tmp_path, architecture=SMALL, options=OPTIONS, resume=True)
    for one, other in zip(weights(whole), weights(tmp_path), strict=True):
        np.testing.assert_array_equal(one, other)
    one, other = (json.loads((folder / "training.json").read_text())["history"] for folder in (whole, tmp_path))
    assert one == other
    assert not (tmp_path / "unfinished").exists()


@pytest.mark.parametrize("threads", [None, 3])
def test_a_run_that_goes_on_with_other_threads_says_so(
    threads: int | None, small_data: "Dataset", tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its weights are not to the bit those of a run that was not cut off."""
    here = describe_machine()
    cut_off(small_data, tmp_path, 1)
    if threads:
        monkeypatch.setattr(fit_module, "describe_machine", lambda: {**here, "threads": 1000 + threads})
    said = io.StringIO()
    train(small_data, tmp_path, architecture=SMALL, options=OPTIONS, resume=True, progress=said)
    record = json.loads((tmp_path / "training.json").read_text())
    assert record.get("earlier_machines") == ([here] if threads else None)
    notes = [line for line in said.getvalue().splitlines() if "note: " in line]
    assert len(notes) == bool(threads)
    assert all(f"(its threads is {here['threads']}, not 1003)" in note for note in notes)


def test_a_checkpoint_that_names_no_machine_goes_on(small_data: "Dataset", tmp_path: Path) -> None:
    """As those of older versions."""
    cut_off(small_data, tmp_path, 1)
    state = tmp_path / "unfinished" / "state.npz"
    with np.load(state) as archive:
        arrays = {name: archive[name] for name in archive if name != "machines"}
    np.savez(state, **arrays)
    said = io.StringIO()
    train(small_data, tmp_path, architecture=SMALL, options=OPTIONS, resume=True, progress=said)
    assert "note: " not in said.getvalue()
    assert "earlier_machines" not in json.loads((tmp_path / "training.json").read_text())


@pytest.mark.parametrize("options", [OPTIONS, FitOptions(epochs=2, ema=0.9)])
def test_a_run_that_was_cut_off_at_the_very_end_only_has_to_be_written(
    options: FitOptions, small_data: "Dataset", tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    train(small_data, whole, architecture=SMALL, options=options)
    with monkeypatch.context() as patched:
        patched.setattr(run_module, "_draw", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            train(small_data, cut, architecture=SMALL, options=options)
    monkeypatch.setattr(keras.Model, "fit", lambda *_, **__: pytest.fail("nothing is left to fit"))
    train(small_data, cut, architecture=SMALL, options=options, resume=True)
    for one, other in zip(weights(whole), weights(cut), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.fixture(scope="module", params=[{"patience": 3}, {"ema": 0.9}], ids=["patience", "ema"])
def in_two_stages(request: pytest.FixtureRequest) -> FitOptions:
    changes = {"flip": True, "crop": 0.5, "colour": 0.3, "class_weights": "balanced"}
    return FitOptions(epochs=2, frozen_epochs=2, batch_size=64, **changes, **request.param)


@pytest.fixture(scope="module")
def whole_of_two_stages(
    in_two_stages: FitOptions, small_data: "Dataset", tmp_path_factory: pytest.TempPathFactory
) -> Path:
    out = tmp_path_factory.mktemp("two-stages")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(run_module, "_draw", lambda *_: None)
        train(small_data, out, architecture=WITH_BACKBONE, options=in_two_stages)
    return out


@pytest.mark.parametrize("epochs", [1, 2, 3, 4])
def test_a_run_in_two_stages_goes_on_to_the_same_model_wherever_it_was_cut_off(
    epochs: int, in_two_stages: FitOptions, whole_of_two_stages: Path, small_data: "Dataset", tmp_path: Path
) -> None:
    """In the frozen stage, between the stages, in the second one, and after it."""
    cut_off(small_data, tmp_path, epochs, architecture=WITH_BACKBONE, options=in_two_stages)
    train(small_data, tmp_path, architecture=WITH_BACKBONE, options=in_two_stages, resume=True)
    for one, other in zip(weights(whole_of_two_stages), weights(tmp_path), strict=True):
        np.testing.assert_array_equal(one, other)
    one, other = (json.loads((out / "training.json").read_text())["history"] for out in (whole_of_two_stages, tmp_path))
    assert one == other
    assert len(one["loss"]) == 4


def test_the_backbone_waits_for_the_head(small_data: "Dataset", tmp_path: Path) -> None:
    def convolution(epochs: int) -> np.ndarray:
        options = FitOptions(epochs=epochs, frozen_epochs=1, fine_tuning_rate=1e-9)
        train(small_data, tmp_path / str(epochs), architecture=WITH_BACKBONE, options=options)
        return weights(tmp_path / str(epochs))[0]

    keras.utils.set_random_seed(FitOptions().seed)
    built = WITH_BACKBONE.build(small_data.image_shape, 10).get_weights()[0]
    assert not np.array_equal(convolution(1), built)
    np.testing.assert_allclose(convolution(2), built, atol=1e-6)


def test_patience_counts_from_the_unfrozen_epochs_on(small_data: "Dataset", tmp_path: Path) -> None:
    """With a rate of nearly nothing no epoch is better than the first."""
    rates = {"learning_rate": 1e-12, "fine_tuning_rate": 1e-12}
    options = FitOptions(epochs=5, frozen_epochs=3, patience=1, augmentation=0.0, **rates)
    train(small_data, tmp_path, architecture=WITH_BACKBONE, options=options)
    assert len(json.loads((tmp_path / "training.json").read_text())["history"]["loss"]) == 4


def test_the_record_has_the_options_that_were_used_and_only_these(small_data: "Dataset", tmp_path: Path) -> None:
    """An older edgeproof has none of them, and its records and digests stay what they were."""
    options = FitOptions(epochs=1, frozen_epochs=1, flip=True)
    train(small_data, tmp_path, architecture=WITH_BACKBONE, options=options)
    recorded = json.loads((tmp_path / "training.json").read_text())["options"]
    assert (recorded["frozen_epochs"], recorded["flip"]) == (1, True)
    assert recorded.keys().isdisjoint({"crop", "colour", "class_weights", "fine_tuning_rate"})
    assert decode(FitOptions, parse(json.dumps(recorded), "them")) == options


def test_an_unfinished_run_is_not_lost_by_starting_anew(small_data: "Dataset", tmp_path: Path) -> None:
    cut_off(small_data, tmp_path, 2)
    before = (tmp_path / "unfinished" / "state.npz").read_bytes()
    with pytest.raises(OutputError, match="holds a training that is not finished; go on with --resume, or remove"):
        train(small_data, tmp_path, architecture=SMALL, options=OPTIONS)
    assert (tmp_path / "unfinished" / "state.npz").read_bytes() == before


@pytest.mark.parametrize(
    ("changed", "complaint"),
    [
        ({"options": replace(OPTIONS, seed=2)}, "of another training: its seed is 1, not 2"),
        ({"architecture": Architecture(preset="tiny")}, "its builder is .*small_model.py:build, not None"),
    ],
)
def test_only_the_same_training_goes_on(
    small_data: "Dataset", tmp_path: Path, changed: dict[str, object], complaint: str
) -> None:
    cut_off(small_data, tmp_path, 1)
    chosen: dict[str, object] = {"architecture": SMALL, "options": OPTIONS} | changed
    with pytest.raises(SpecMismatchError, match=complaint):
        train(small_data, tmp_path, resume=True, **chosen)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: b"",
        lambda content: content[: len(content) // 2],
        lambda content: content[:2000] + bytes(200) + content[2200:],
        lambda content: b"text",
    ],
)
def test_a_damaged_checkpoint_is_refused(
    small_data: "Dataset", tmp_path: Path, damage: Callable[[bytes], bytes]
) -> None:
    cut_off(small_data, tmp_path, 1)
    state = tmp_path / "unfinished" / "state.npz"
    state.write_bytes(damage(state.read_bytes()))
    with pytest.raises(InvalidFileError, match=r"state\.npz"):
        train(small_data, tmp_path, architecture=SMALL, options=OPTIONS, resume=True)


def test_without_a_checkpoint_there_is_nothing_to_go_on_with(small_data: "Dataset", tmp_path: Path) -> None:
    with pytest.raises(InvalidFileError, match="holds no unfinished training to go on with"):
        train(small_data, tmp_path / "new", options=OPTIONS, resume=True)
    assert list(tmp_path.iterdir()) == []


def test_a_model_can_be_fine_tuned_under_rounding(small_data: "Dataset", tmp_path: Path) -> None:
    options = FitOptions(epochs=1, batch_size=32, quantization_epochs=2)
    trained = train(small_data, tmp_path, architecture=SMALL, options=options)
    model = keras.saving.load_model(tmp_path / "model.keras")
    assert not any(isinstance(layer, keras.layers.BatchNormalization) for layer in model.layers)
    kernel = model.layers[-1].kernel.numpy()
    steps = kernel / np.abs(kernel).max(axis=0) * 127
    np.testing.assert_allclose(steps, np.round(steps), atol=1e-3)
    record = json.loads((tmp_path / "training.json").read_text())
    assert len(record["quantization_history"]["loss"]) == 2
    assert record["parameters"] == model.count_params() == trained.parameters


def test_a_teacher_is_learned_from_with_its_answers_in_the_cache_or_not(
    run_folder: Path, small_data: "Dataset", tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    teacher = run_folder / "model.keras"
    options = FitOptions(epochs=1, quantization_epochs=1)
    for name in ("cold", "warm"):
        train(small_data, tmp_path / name, architecture=SMALL, options=options, teachers=[teacher])
    record = json.loads((tmp_path / "cold" / "training.json").read_text())
    assert record["teachers"] == [hashlib.sha256(teacher.read_bytes()).hexdigest()]
    assert len(list((tmp_path / "cache").rglob("*.npy"))) == 1
    for one, other in zip(weights(tmp_path / "cold"), weights(tmp_path / "warm"), strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_builder_that_was_edited_is_another_training(small_data: "Dataset", tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    source = (Path(__file__).parents[1] / "data" / "small_model.py").read_text()
    file.write_text(source)
    own = Architecture(preset=None, builder=f"{file}:build")
    with pytest.raises(KeyboardInterrupt):
        train(small_data, tmp_path / "run", architecture=own, options=OPTIONS, progress=StopAfter(1))  # type: ignore[arg-type]
    file.write_text(source.replace("Conv2D(8, 5", "Conv2D(8, 6"))
    with pytest.raises(SpecMismatchError, match="of another training: its layers_sha256 is"):
        train(small_data, tmp_path / "run", architecture=own, options=OPTIONS, resume=True)


def test_what_cannot_be_quantized_is_found_out_before_the_training(small_data: "Dataset", tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(SUBCLASS)
    own = Architecture(preset=None, builder=f"{tmp_path / 'mine.py'}:build")
    options = FitOptions(epochs=100_000, quantization_epochs=1)
    with pytest.raises(SpecMismatchError, match="needs a model whose graph is known"):
        train(small_data, tmp_path / "run", architecture=own, options=options)


def test_logs_for_tensorboard_are_written_on_request(small_data: "Dataset", tmp_path: Path) -> None:
    train(small_data, tmp_path, architecture=SMALL, options=FitOptions(epochs=1), tensorboard=True)
    assert {path.parent.name for path in tmp_path.rglob("events.out.*")} == {"train", "validation"}


def test_an_unknown_preset_leaves_no_folder(small_data: "Dataset", tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="unknown preset"):
        train(small_data, tmp_path / "run", architecture=Architecture(preset="huge"), options=FitOptions())
    assert list(tmp_path.iterdir()) == []


def test_an_unwritable_folder_is_found_out_before_the_training(small_data: "Dataset") -> None:
    with pytest.raises(OutputError, match="cannot write to /proc/edgeproof"):
        train(small_data, Path("/proc/edgeproof"), options=FitOptions(epochs=10_000))
