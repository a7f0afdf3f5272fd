"""Models in HDF5: read as Keras reads them, without running what is in them."""

import base64
import json
import marshal
from collections.abc import Callable
from pathlib import Path
from types import FunctionType
from typing import Any

import h5py
import keras
import numpy as np
import pytest
from edgeproof.export.reference import legacy_file
from edgeproof.export.reference.model_kind import check_model_file
from edgeproof.export.reference.source import load_source
from edgeproof.runtime.errors import InvalidFileError
from edgeproof.runtime.io.digest import sha256_of
from keras import layers

IMAGES = np.random.default_rng(0).integers(0, 256, (3, 8, 8, 1)).astype(np.uint8)


def network() -> keras.Model:
    """Every layer whose configuration Keras 2 wrote in another way, in a model in a model."""
    keras.utils.set_random_seed(1)
    pixels = keras.Input((8, 8, 1))
    x = layers.BatchNormalization(name="bn")(layers.Conv2D(3, 3, name="conv")(pixels))
    x = layers.SeparableConv2D(4, 2, name="separable")(layers.DepthwiseConv2D(2, name="depthwise")(x))
    x = layers.Conv2DTranspose(4, 2, name="transposed")(x)
    body = keras.Model(pixels, layers.GlobalAveragePooling2D(name="pool")(x), name="body")
    return keras.Sequential([keras.Input((8, 8, 1)), body, layers.Dense(3, "softmax", name="answer")])


def saved(folder: Path, model: keras.Model, name: str = "model.h5") -> Path:
    model.save(folder / name)
    return folder / name


def rewritten(path: Path, change: Callable[[Any], object]) -> Path:
    """Change a file's configuration, given as what its JSON holds."""
    with h5py.File(path, "r+") as file:
        config = json.loads(file.attrs["model_config"])
        changed = change(config)
        file.attrs["model_config"] = json.dumps(config if changed is None else changed)
    return path


def layer_in(config: Any, name: str) -> dict[str, Any]:  # noqa: ANN401
    """Return the configuration of a layer, wherever it is."""
    if isinstance(config, dict):
        if isinstance(config.get("config"), dict) and config["config"].get("name") == name:
            return config["config"]
        config = list(config.values())
    found = (layer_in(inner, name) for inner in config) if isinstance(config, list) else ()
    return next((one for one in found if one), {})


@pytest.mark.parametrize("suffix", [".h5", ".hdf5"])
def test_a_model_in_hdf5_is_that_in_a_keras_file(tmp_path: Path, suffix: str) -> None:
    model = network()
    path = saved(tmp_path, model, f"model{suffix}")
    found = load_source(path)
    assert found.sha256 == sha256_of(path.read_bytes())
    np.testing.assert_array_equal(
        found.probabilities(IMAGES), load_source(saved(tmp_path, model, "model.keras")).probabilities(IMAGES)
    )


def test_what_keras_3_wrote_is_read_as_it_is(tmp_path: Path) -> None:
    path = saved(tmp_path, network())
    with legacy_file.readable_file(path) as file:
        assert file == path


def as_keras_2(config: Any) -> object:  # noqa: ANN401
    """As tf_keras 2.21 writes the same model."""
    for name in ("depthwise", "transposed", "separable"):
        layer_in(config, name)["groups"] = 1
    layer_in(config, "separable").update(kernel_initializer={"class_name": "GlorotUniform"}, kernel_constraint=None)
    layer_in(config, "separable")["kernel_regularizer"] = None
    layer_in(config, "bn")["axis"] = [3]
    layer_in(config, "conv")["dtype"] = {"class_name": "Policy", "config": {"name": "float32"}}
    body = layer_in(config, "body")
    for layer in body["layers"]:
        layer.update(module="keras.layers", registered_name=None)
    body["output_layers"], body["input_layers"] = [body["output_layers"]], [body["input_layers"]]
    text = json.dumps(config)
    for name, slashed in (("conv", "block/conv"), ("bn", "block_conv"), ("body", "the/body")):
        text = text.replace(f'"{name}"', f'"{slashed}"')
    return json.loads(text)


def test_a_model_of_keras_2_is_read(tmp_path: Path) -> None:
    model = network()
    expected = load_source(saved(tmp_path, model)).probabilities(IMAGES)
    found = load_source(rewritten(saved(tmp_path, model), as_keras_2))
    np.testing.assert_array_equal(found.probabilities(IMAGES), expected)
    names = {layer.name for layer in found.model._flatten_layers()}
    assert names >= {"block_conv_2", "block_conv", "the_body"}
    assert found.sha256 == sha256_of((tmp_path / "model.h5").read_bytes()), "of the user's file, not of its copy"


def coded(path: Path) -> str:
    """A lambda as Keras stores it, which would leave a file behind."""
    code = compile(f"lambda x: __import__('pathlib').Path({str(path)!r}).touch()", "f", "eval").co_consts[0]
    return base64.b64encode(marshal.dumps(code)).decode()


LAMBDAS: dict[str, Callable[[str], object]] = {
    "of Keras 2": lambda code: [code, None, None],
    "of Keras 3": lambda code: {
        "class_name": "__lambda__",
        "config": {"code": code, "defaults": None, "closure": None},
    },
}


@pytest.mark.parametrize("kind", LAMBDAS)
@pytest.mark.parametrize("place", ["layer", "nested", "wrapped"])
def test_code_in_hdf5_is_not_run(tmp_path: Path, kind: str, place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pixels = keras.Input((8, 8, 1))
    named = layers.Activation("relu", name="mine")
    inner = layers.TimeDistributed(named) if place == "wrapped" else named
    x = keras.Sequential([keras.Input((8, 8, 1)), inner])(pixels) if place == "nested" else inner(pixels)
    path = saved(tmp_path, keras.Model(pixels, layers.Dense(2, "softmax")(layers.Flatten()(x))))
    function = LAMBDAS[kind](coded(tmp_path / "was here"))

    def put_code(config: Any) -> object:  # noqa: ANN401
        if isinstance(config, list):
            return [put_code(one) for one in config]
        if not isinstance(config, dict):
            return config
        if config.get("class_name") == "Activation":
            settings = {"name": "mine", "function": function, "function_type": "lambda", "arguments": {}}
            return {**config, "class_name": "Lambda", "config": settings, "registered_name": None}
        return {key: put_code(one) for key, one in config.items()}

    rewritten(path, put_code)
    # Older versions of Keras run it whatever they are told: it must not come so far.
    monkeypatch.setattr(keras.saving, "load_model", lambda *_, **__: pytest.fail("Keras was given the file"))
    with pytest.raises(InvalidFileError, match=r"layer 'mine' holds a Python function, which is code.*--custom"):
        load_source(path)
    assert not (tmp_path / "was here").exists()


def test_the_code_of_these_tests_would_run(tmp_path: Path) -> None:
    code = marshal.loads(base64.b64decode(coded(tmp_path / "was here")))
    FunctionType(code, {})(1)
    assert (tmp_path / "was here").exists()


def test_an_operation_of_keras_2_is_named_with_what_to_do(tmp_path: Path) -> None:
    path = saved(tmp_path, network())

    def operation(config: Any) -> None:  # noqa: ANN401
        config["config"]["layers"][-1]["class_name"] = "TFOpLambda"

    with pytest.raises(
        InvalidFileError, match=r"layer 'answer' is a TensorFlow operation that Keras 2 saved.*Rescaling"
    ):
        load_source(rewritten(path, operation))


def test_weights_without_a_model_are_named_with_what_to_do(tmp_path: Path) -> None:
    network().save_weights(tmp_path / "my.weights.h5")
    with pytest.raises(InvalidFileError) as caught:
        load_source(tmp_path / "my.weights.h5")
    line = str(caught.value)
    assert "holds weights without their model: in Python, build the model" in line
    model = network()
    typed = line.partition("then type ")[2].partition(", and export")[0]
    exec(typed.replace('"model.keras"', repr(str(tmp_path / "model.keras"))), {"model": model})
    assert load_source(tmp_path / "model.keras").classes == 3


def test_another_hdf5_file_is_no_model(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "data.h5", "w") as file:
        file["x_train"] = np.zeros(3)
    with pytest.raises(InvalidFileError, match=r"data\.h5 is an HDF5 file without a Keras model"):
        load_source(tmp_path / "data.h5")


def test_a_file_that_declares_more_than_it_holds_is_refused(tmp_path: Path) -> None:
    path = saved(tmp_path, network())
    with h5py.File(path, "r+") as file:
        file.create_dataset("model_weights/bomb", (2**30,), "f4", chunks=(2**20,))
    with pytest.raises(InvalidFileError, match=r"not a safe file: [\d,]+ bytes declare 4,294,\d+,\d+ bytes of weights"):
        load_source(path)


def test_links_to_other_files_are_refused(tmp_path: Path) -> None:
    path, other = saved(tmp_path, network()), saved(tmp_path, network(), "other.h5")
    with h5py.File(path, "r+") as file:
        del file["model_weights/answer"]
        file["model_weights/answer"] = h5py.ExternalLink(str(other), "model_weights/answer")
    with pytest.raises(InvalidFileError, match=r"Keras cannot load .*Not allowed: H5 file with ExternalLink"):
        load_source(path)


@pytest.mark.parametrize("text", ["{", "[" * 100_000, "3", '{"class_name": "Nothing", "config": {}}'])
def test_a_damaged_configuration_is_one_line(tmp_path: Path, text: str) -> None:
    path = saved(tmp_path, network())
    with h5py.File(path, "r+") as file:
        file.attrs["model_config"] = text
    with pytest.raises(InvalidFileError) as caught:
        load_source(path)
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)


def test_a_file_that_was_cut_off_is_one_line(tmp_path: Path) -> None:
    path = saved(tmp_path, network())
    path.write_bytes(path.read_bytes()[:-1000])
    check_model_file(path)  # which opens nothing: a library in C may end the process
    with pytest.raises(InvalidFileError, match=r"the HDF5 file .*model\.h5 cannot be read: .*truncated"):
        load_source(path)
