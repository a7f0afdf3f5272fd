import subprocess
import sys
import tracemalloc
import zipfile
from pathlib import Path

import keras
import numpy as np
import pytest
from edgeproof.export.reference.source import as_source, load_source, predict
from edgeproof.runtime.bundle.manifest import ModelOutput
from edgeproof.runtime.bundle.model_metadata import ImageSpec
from edgeproof.runtime.errors import InvalidFileError, SpecMismatchError
from keras import layers

from tests.helpers.interruptions import INTERRUPTIONS, assert_unchanged, raising

NO_DIGEST = "0" * 64


def image_input() -> keras.KerasTensor:
    return keras.Input((8, 8, 1))


def test_a_keras_file_is_loaded_with_its_digest(run_folder: Path) -> None:
    source = load_source(run_folder / "model.keras")
    assert (source.image, source.classes) == (ImageSpec(height=28, width=28, channels=1), 10)
    assert len(source.sha256) == 64


@pytest.mark.parametrize("name", INTERRUPTIONS)
def test_what_interrupts_keras_is_not_blamed_on_the_model(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    interruption = INTERRUPTIONS[name]()
    model = keras.Sequential([image_input(), layers.Flatten(), layers.Dense(2, activation="softmax")])
    model.save(tmp_path / "model.keras")
    source = load_source(tmp_path / "model.keras")
    with raising(interruption) as interrupt:
        monkeypatch.setattr(source.model, "predict_on_batch", interrupt)
        assert_unchanged(interruption, lambda: source.probabilities(np.zeros((1, 8, 8, 1), np.uint8)))
        monkeypatch.setattr(keras.saving, "load_model", interrupt)
        assert_unchanged(interruption, lambda: load_source(tmp_path / "model.keras"))


def test_images_are_answered_as_keras_does_and_a_batch_at_a_time() -> None:
    model = keras.Sequential([keras.Input((32, 32, 1)), layers.Flatten(), layers.Dense(4, activation="softmax")])
    images = np.random.default_rng(1).integers(0, 256, (1030, 32, 32, 1), np.uint8)
    predict(model, images[:100])  # TensorFlow's first trace
    tracemalloc.start()
    try:
        found = predict(model, images, scale=1 / 255, offset=-0.5)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    expected = model.predict(images.astype(np.float32) / 255 - 0.5, verbose=0)
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    assert peak < 2 * images.nbytes  # as floats all of them take four times as much


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidFileError, match=r"no such model: .*model\.keras"):
        load_source(tmp_path / "model.keras")


@pytest.mark.parametrize("content", [b"", b"HDF5 or something", b"PK\x03\x04"])
def test_another_kind_of_file_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "model.keras").write_bytes(content)
    with pytest.raises(InvalidFileError, match=r"is not a \.keras file"):
        load_source(tmp_path / "model.keras")


def test_another_zip_archive_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "model.keras", "w") as archive:
        archive.writestr("config.json", "{}")
    with pytest.raises(InvalidFileError, match=r"it has no metadata\.json, model\.weights\.h5"):
        load_source(tmp_path / "model.keras")


def test_a_damaged_keras_file_is_refused(run_folder: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(run_folder / "model.keras") as old, zipfile.ZipFile(tmp_path / "model.keras", "w") as new:
        for name in old.namelist():
            new.writestr(name, b"{" if name == "config.json" else old.read(name))
    with pytest.raises(InvalidFileError, match=r"Keras cannot load .*model\.keras"):
        load_source(tmp_path / "model.keras")


def test_code_inside_a_model_is_not_run(tmp_path: Path) -> None:
    pixels = image_input()
    model = keras.Model(pixels, layers.Dense(2, "softmax")(layers.Flatten()(layers.Lambda(lambda x: x * 2)(pixels))))
    model.save(tmp_path / "model.keras")
    with pytest.raises(
        InvalidFileError, match=r"Keras cannot load .*layer 'lambda.*' holds a Python function.*--custom"
    ):
        load_source(tmp_path / "model.keras")


def test_a_lambda_in_an_activation_is_code_as_well(tmp_path: Path) -> None:
    pixels = image_input()
    doubled = layers.Activation(lambda x: x * 2, name="twice")(pixels)
    with pytest.warns(UserWarning, match="includes a `lambda`"):
        keras.Model(pixels, layers.Dense(2, "softmax")(layers.Flatten()(doubled))).save(tmp_path / "model.keras")
    with pytest.raises(InvalidFileError, match="layer 'twice' holds a Python function"):
        load_source(tmp_path / "model.keras")


CUSTOM = """
import keras

@keras.saving.register_keras_serializable()
class Halve(keras.layers.Layer):
    def call(self, x):
        return x / 2

@keras.saving.register_keras_serializable()
class Subclassed(keras.Model):
    def __init__(self, **options):
        super().__init__(**options)
        self.halve, self.flatten = Halve(), keras.layers.Flatten()
        self.dense = keras.layers.Dense(3, activation="softmax")

    def call(self, x, training=False):
        return self.dense(self.flatten(self.halve(x)))
"""


@pytest.fixture
def subclassed(tmp_path: Path) -> Path:
    """A folder with a subclassed model in model.keras and its classes in custom.py; they are not registered here."""
    (tmp_path / "custom.py").write_text(CUSTOM)
    code = f"{CUSTOM}\nimport numpy\nmodel = Subclassed()\nmodel(numpy.ones((1, 8, 8, 1)))\nmodel.save('model.keras')"
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True, capture_output=True)
    return tmp_path


def test_a_class_of_the_users_is_named_with_the_way_out_and_loads_with_its_file(subclassed: Path) -> None:
    with pytest.raises(InvalidFileError, match=r"it needs the class 'Subclassed' .*register it.*--custom"):
        load_source(subclassed / "model.keras")
    registered = keras.saving.get_custom_objects()
    before = dict(registered)
    try:
        source = load_source(subclassed / "model.keras", custom=subclassed / "custom.py")
    finally:  # other tests have registered layers, too
        registered.clear()
        registered.update(before)
    assert source.image == ImageSpec(height=8, width=8, channels=1)
    assert source.probabilities(np.ones((2, 8, 8, 1), np.uint8)).shape == (2, 3)


@pytest.mark.parametrize(
    ("name", "text", "complaint"),
    [
        ("custom.py", "1 / 0", "cannot be run: ZeroDivisionError"),
        ("custom.txt", "", "is not a Python file"),
        ("missing.py", None, r"no such Python file \(--custom\)"),
    ],
)
def test_a_bad_custom_file_is_one_line(
    run_folder: Path, tmp_path: Path, name: str, text: str | None, complaint: str
) -> None:
    if text is not None:
        (tmp_path / name).write_text(text)
    with pytest.raises(InvalidFileError, match=complaint):
        load_source(run_folder / "model.keras", custom=tmp_path / name)


def repacked(old: Path, new: Path, **extra: bytes) -> Path:
    with zipfile.ZipFile(old) as source, zipfile.ZipFile(new, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in source.namelist():
            archive.writestr(name, source.read(name))
        for name, content in extra.items():
            archive.writestr(name, content)
    return new


@pytest.mark.parametrize("name", ["../evil", "/etc/evil", "a/../../evil", "C:evil", "..\\evil"])
def test_an_archive_that_leaves_its_folder_is_refused(run_folder: Path, tmp_path: Path, name: str) -> None:
    path = repacked(run_folder / "model.keras", tmp_path / "model.keras", **{name: b"x"})
    with pytest.raises(InvalidFileError, match=r"not a safe archive: its entry .*evil' leaves the folder"):
        load_source(path)


def test_a_zip_bomb_is_refused_before_it_is_unpacked(run_folder: Path, tmp_path: Path) -> None:
    path = repacked(run_folder / "model.keras", tmp_path / "model.keras", bomb=bytes(2**27))
    with pytest.raises(InvalidFileError, match=r"not a safe archive: [\d,]+ bytes unpack to 134,"):
        load_source(path)


def test_several_outputs_are_refused() -> None:
    pixels = image_input()
    flat = layers.Flatten()(pixels)
    with pytest.raises(SpecMismatchError, match=r"has 2 outputs \(.* of shape \(None, 2\), .*\); one is needed"):
        as_source(keras.Model(pixels, [layers.Dense(2)(flat), layers.Dense(3)(flat)]), sha256=NO_DIGEST)


@pytest.mark.parametrize("shape", [(8, 8, 2), (None, None, 1), (64,)])
def test_other_inputs_are_refused(shape: tuple[int, ...]) -> None:
    pixels = keras.Input(shape)
    pooled = layers.GlobalAveragePooling2D()(pixels) if len(shape) == 3 else pixels
    with pytest.raises(SpecMismatchError, match=r"needed is \(batch, height, width, 1 or 3\)"):
        as_source(keras.Model(pixels, layers.Dense(3)(pooled)), sha256=NO_DIGEST)


def test_several_inputs_are_refused_by_name() -> None:
    pixels, mask = keras.Input((8, 8, 1), name="pixels"), keras.Input((8, 8, 1), name="mask")
    both = layers.Flatten()(layers.Concatenate()([pixels, mask]))
    with pytest.raises(SpecMismatchError, match=r"2 inputs \('pixels', 'mask'\); one is needed"):
        as_source(keras.Model([pixels, mask], layers.Dense(3)(both)), sha256=NO_DIGEST)


def test_other_outputs_are_refused_with_the_last_layers_name() -> None:
    pixels = image_input()
    last = layers.Conv2D(3, 1, name="last")(pixels)
    with pytest.raises(SpecMismatchError, match=r"its last layer is 'last'.*one unit per class"):
        as_source(keras.Model(pixels, last), sha256=NO_DIGEST)


def test_open_sizes_are_taken_from_the_data() -> None:
    pixels = keras.Input((None, None, 3))
    model = keras.Model(pixels, layers.Dense(4)(layers.GlobalAveragePooling2D()(layers.Conv2D(2, 3)(pixels))))
    assert as_source(model, sha256=NO_DIGEST, size=(12, 9, 3)).image == ImageSpec(height=12, width=9, channels=3)


def test_a_model_without_weights_is_refused() -> None:
    pixels = image_input()
    model = keras.Model(pixels, layers.Softmax()(layers.Flatten()(pixels)), name="empty")
    with pytest.raises(SpecMismatchError, match="model 'empty' holds no weights"):
        as_source(model, sha256=NO_DIGEST)


def test_a_model_without_a_shape_is_refused() -> None:
    with pytest.raises(SpecMismatchError, match="no input shape yet; build it before it is saved"):
        as_source(keras.Sequential([layers.Flatten(), layers.Dense(3)]), sha256=NO_DIGEST)


def test_scores_are_not_taken_for_probabilities() -> None:
    pixels = image_input()
    model = keras.Model(pixels, layers.Dense(3, bias_initializer="ones")(layers.Flatten()(pixels)))
    with pytest.raises(SpecMismatchError, match=r"not probabilities.*say --softmax"):
        as_source(model, sha256=NO_DIGEST).probabilities(np.zeros((2, 8, 8, 1), np.uint8))


def linear(input_range: tuple[float, float], reach: float = 3.0) -> keras.Model:
    """Logits that tell the scale of what goes in: -reach for black to reach for white, and 0."""
    low, high = input_range
    pixels = image_input()
    mean = layers.GlobalAveragePooling2D()(pixels)
    logits = layers.Dense(2, name="logits")
    model = keras.Model(pixels, logits(mean))
    slope = 2 * reach / (high - low)
    logits.set_weights([np.array([[slope, 0.0]]), np.array([-slope * (low + high) / 2, 0.0])])
    return model


@pytest.mark.parametrize("input_range", [(0.0, 1.0), (-1.0, 1.0), (0.0, 255.0)])
def test_pixels_are_scaled_to_what_the_model_takes_and_logits_become_probabilities(
    input_range: tuple[float, float],
) -> None:
    source = as_source(linear(input_range), sha256=NO_DIGEST, input_range=input_range, output=ModelOutput.LOGITS)
    assert source.output == "logits"
    pixels = np.array([0, 51, 255], np.uint8)
    found = source.probabilities(np.broadcast_to(pixels[:, None, None, None], (3, 8, 8, 1)))
    np.testing.assert_allclose(found[:, 0], 1 / (1 + np.exp(3 - 6 * (pixels / 255))), rtol=1e-4)


def test_a_softmax_on_top_of_one_is_refused() -> None:
    pixels = image_input()
    model = keras.Model(pixels, layers.Softmax()(linear((0.0, 255.0), reach=9.0)(pixels)))
    source = as_source(model, sha256=NO_DIGEST, output=ModelOutput.LOGITS)
    with pytest.raises(SpecMismatchError, match="gives probabilities already; leave out --softmax"):
        source.probabilities(np.array([0, 255], np.uint8).repeat(64).reshape(2, 8, 8, 1))


def test_small_logits_are_not_taken_for_probabilities() -> None:
    source = as_source(linear((0.0, 1.0)), sha256=NO_DIGEST, output=ModelOutput.LOGITS, input_range=(0.0, 1e-3))
    assert source.probabilities(np.array([0, 255], np.uint8).repeat(64).reshape(2, 8, 8, 1)).shape == (2, 2)


@pytest.mark.parametrize("bad", [(1.0, 0.0), (0.0, 0.0), (0.0, float("nan")), (float("-inf"), 0.0)])
def test_an_input_range_goes_upwards(bad: tuple[float, float]) -> None:
    with pytest.raises(SpecMismatchError, match="from a smaller to a larger number"):
        as_source(linear((0.0, 1.0)), sha256=NO_DIGEST, input_range=bad)


def test_layers_are_at_inference() -> None:
    """Dropout and augmentation do nothing, and batch normalization uses what it has learnt."""
    pixels = image_input()
    noisy = layers.RandomRotation(0.5)(layers.GaussianNoise(1.0)(pixels))
    model = keras.Model(pixels, layers.Dense(2, "softmax")(layers.Dropout(0.9)(layers.Flatten()(noisy))))
    image = np.arange(64, dtype=np.uint8).reshape(1, 8, 8, 1)
    kernel, bias = model.layers[-1].get_weights()
    scores = image.reshape(1, 64) @ kernel + bias
    expected = np.exp(scores - scores.max()) / np.exp(scores - scores.max()).sum()
    np.testing.assert_allclose(as_source(model, sha256=NO_DIGEST).probabilities(image), expected, atol=1e-5)
