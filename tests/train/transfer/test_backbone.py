from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest
from edgeproof.runtime.errors import SpecMismatchError
from edgeproof.train.architecture import Architecture
from edgeproof.train.options import FitOptions
from edgeproof.train.transfer.backbone import Backbone, find_backbone
from keras import layers

SMALL = Path(__file__).parents[2] / "data" / "small_model.py"
FROZEN = FitOptions(frozen_epochs=1)
PIXELS = np.random.default_rng(0).integers(0, 256, (16, 28, 28, 1)).astype(np.float32)
TARGETS = np.eye(10, dtype=np.float32)[np.arange(16) % 10]


def own(function: str = "with_backbone") -> tuple[Architecture, keras.Model]:
    architecture = Architecture(preset=None, builder=f"{SMALL}:{function}")
    return architecture, architecture.build((28, 28, 1), 10)


def nested(image_shape: tuple[int, int, int], classes: int) -> keras.Model:
    inner = keras.Sequential(
        [keras.Input(image_shape), layers.Conv2D(4, 3, 2), layers.BatchNormalization(), layers.Dropout(0.5)]
    )
    inner.trainable = False
    return keras.Sequential(
        [keras.Input(image_shape), inner, layers.Flatten(), layers.Dense(classes, activation="softmax")]
    )


def trained(model: keras.Model) -> keras.Model:
    model.compile("sgd", "categorical_crossentropy")
    model.fit(PIXELS, TARGETS, verbose=0)
    return model


@pytest.mark.parametrize("build", [lambda: own()[1], lambda: nested((28, 28, 1), 10)])
def test_a_frozen_backbone_neither_learns_nor_follows_its_images(build: Callable[[], keras.Model]) -> None:
    model = build()
    frozen = [layer for layer in model._flatten_layers(include_self=False) if not layer.trainable]
    student = Backbone(layers=tuple(frozen)).freeze(model)
    np.testing.assert_allclose(student.predict(PIXELS, verbose=0), model.predict(PIXELS, verbose=0), atol=1e-6)
    before = {weight.path: weight.numpy() for weight in model.weights}
    trained(student)
    changed = {
        weight.path.rpartition("/")[2] for weight in model.weights if (weight.numpy() != before[weight.path]).any()
    }
    assert changed == {"kernel", "bias"}
    learned = [weight for weight in model.trainable_weights if (weight.numpy() != before[weight.path]).any()]
    assert len(learned) == 2  # the last layer's


def test_a_frozen_backbone_does_not_drop_anything() -> None:
    _, model = own()
    frozen = tuple(layer for layer in model.layers if not layer.trainable)
    model.layers[-2].rate = 0.0  # the head's own dropout
    student = Backbone(layers=frozen).freeze(model)
    np.testing.assert_array_equal(student(PIXELS, training=True), model(PIXELS, training=False))
    assert not np.array_equal(model(PIXELS, training=True), model(PIXELS, training=False))


@pytest.mark.parametrize("keeps", [True, False])
def test_an_unfrozen_backbone_learns_with_the_normalization_that_it_came_with_or_its_own(keeps: bool) -> None:
    _, model = own()
    backbone = Backbone(layers=tuple(one for one in model.layers if not one.trainable), keeps_normalization=keeps)
    backbone.freeze(model)
    backbone.unfreeze()
    _, convolution, normalization, *_ = (layer for layer in model.layers if not isinstance(layer, layers.InputLayer))
    before = [weight.numpy() for weight in (convolution.kernel, normalization.gamma, normalization.moving_mean)]
    trained(model)
    after = [weight.numpy() for weight in (convolution.kernel, normalization.gamma, normalization.moving_mean)]
    same = [np.array_equal(one, other) for one, other in zip(before, after, strict=True)]
    assert same == [False, keeps, keeps]


def test_the_backbone_of_an_own_model_is_what_its_builder_has_frozen() -> None:
    architecture, model = own()
    found = find_backbone(architecture, model, FROZEN)
    assert [type(layer).__name__ for layer in found.layers] == ["Rescaling", "Conv2D", "BatchNormalization", "Dropout"]
    assert found.keeps_normalization
    # As ever: what is frozen stays so.
    assert find_backbone(architecture, model, FitOptions()).layers == ()


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (
            FROZEN,
            r"for the presets mobilenetv3-small, .* with trainable = False for some layers, not all; .* has 5 weigh",
        ),
        (FitOptions(fine_tuning_rate=1e-4), "is for the epochs after frozen ones, and .* say --learning-rate instead"),
    ],
)
def test_options_for_a_backbone_are_refused_where_there_is_none(options: FitOptions, complaint: str) -> None:
    architecture, model = own("build")
    with pytest.raises(SpecMismatchError, match=complaint):
        find_backbone(architecture, model, options)


def test_a_model_that_is_frozen_as_a_whole_has_no_head() -> None:
    architecture, model = own()
    model.trainable = False
    with pytest.raises(SpecMismatchError, match="has 0 weights that learn"):
        find_backbone(architecture, model, FROZEN)


@pytest.mark.parametrize(("weights", "keeps"), [("random", False), ("imagenet", True)])
def test_a_preset_is_a_backbone_but_for_its_head(weights: str, keeps: bool) -> None:
    architecture = Architecture(preset="mobilenetv3-small", weights="random", dropout=0.2)
    model = architecture.build((32, 32, 3), 10)
    found = find_backbone(Architecture(preset="mobilenetv3-small", weights=weights), model, FROZEN)
    assert {layer.name for layer in model.layers} - {layer.name for layer in found.layers} == {
        "head_dropout",
        "probabilities",
    }
    assert found.keeps_normalization == keeps
