from pathlib import Path

import keras
import numpy as np
import pytest
from edgeproof.runtime.errors import InvalidFileError, SpecMismatchError
from edgeproof.train.options import APPLICATIONS
from edgeproof.train.transfer.applications import backbone_layers, build_application
from keras.src.applications import mobilenet_v3

SMALL = "mobilenetv3-small"
SHAPE = (32, 40, 3)


@pytest.mark.parametrize("preset", APPLICATIONS)
def test_each_takes_raw_pixels_and_gives_probabilities_as_its_original_does(preset: str) -> None:
    keras.utils.set_random_seed(1)
    model = build_application(preset, SHAPE, 3, weights="random", dropout=0.2)
    pixels = np.random.default_rng(0).integers(0, 256, (2, *SHAPE)).astype(np.float32)
    probabilities = model.predict(pixels, verbose=0)
    assert probabilities.shape == (2, 3)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)
    original = getattr(keras.applications, APPLICATIONS[preset])(
        include_top=False, weights=None, input_shape=SHAPE, pooling="avg"
    )
    weights = [weight for layer in backbone_layers(model) for weight in layer.get_weights()]
    original.set_weights(weights)  # the same layers, in the same order
    features = keras.Model(model.inputs, backbone_layers(model)[-1].output)
    np.testing.assert_allclose(features.predict(pixels, verbose=0), original.predict(pixels, verbose=0), rtol=1e-5)


def test_statistics_that_begin_anew_follow_within_an_epoch() -> None:
    """With the 0.999 of keras.applications they stay where they begin, and answers at chance."""
    model = build_application(SMALL, SHAPE, 3, weights="random")
    momenta = {one.momentum for one in model.layers if isinstance(one, keras.layers.BatchNormalization)}
    assert momenta == {0.9}


@pytest.mark.parametrize(
    ("image_shape", "complaint"),
    [
        ((64, 64, 1), "takes images of three channels, and these have 1; --rgb reads gray image files as colour"),
        ((64, 28, 3), "from 32 x 32 pixels on, and these have 64 x 28; --image-size 96 96 enlarges image files"),
    ],
)
def test_images_that_it_cannot_take_are_refused_with_what_to_type(
    image_shape: tuple[int, int, int], complaint: str
) -> None:
    with pytest.raises(SpecMismatchError, match=complaint):
        build_application(SMALL, image_shape, 3, weights="random")


def test_imagenet_weights_are_those_of_keras_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keras.utils.set_random_seed(1)
    source = keras.applications.MobileNetV3Small(include_top=False, weights=None, input_shape=(224, 224, 3))
    source.save(tmp_path / "cached.h5")
    asked = []
    monkeypatch.setattr(
        mobilenet_v3.file_utils, "get_file", lambda name, *_, **__: asked.append(name) or str(tmp_path / "cached.h5")
    )
    model = build_application(SMALL, SHAPE, 3, weights="imagenet")
    assert asked == ["weights_mobilenet_v3_small_224_1.0_float_no_top_v2.h5"]
    found = [weight for layer in backbone_layers(model) for weight in layer.get_weights()]
    for one, other in zip(found, source.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_where_there_are_no_imagenet_weights_it_is_said_what_to_type(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def get_file(*_: object, **__: object) -> str:
        print("Downloading")
        raise Exception("URL fetch failure:\nno network")

    monkeypatch.setattr(mobilenet_v3.file_utils, "get_file", get_file)
    monkeypatch.setenv("KERAS_HOME", "/elsewhere")
    with pytest.raises(InvalidFileError) as refused:
        build_application(SMALL, SHAPE, 3, weights="imagenet")
    assert str(refused.value) == (
        "the ImageNet weights of MobileNetV3Small are not in /elsewhere/models and cannot be downloaded (URL fetch "
        "failure: no network); give a file of them with --weights FILE, or begin without any with --weights random"
    )
    assert capsys.readouterr().out == ""
