"""Property: whatever users build out of usual layers, every recipe gives the answers of the original.

Architectures are drawn from a seed, fitted to digits, saved, and exported like any user's file.
`pytest --architectures 50` draws more of them.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import pytest
from edgeproof.export.bundle_writer import write_bundle
from edgeproof.export.options import ExportOptions
from edgeproof.runtime.bundle.recipes import ALL_VARIANTS, STANDARD_VARIANTS
from keras import layers

if TYPE_CHECKING:
    from edgeproof.datasets.dataset import Dataset

ACTIVATIONS = ("relu", "relu6", "swish", "hard_swish", "gelu", "leaky_relu", "sigmoid")
BLOCKS = ("conv, norm, activation", "conv, activation, norm", "separable", "depthwise", "residual", "concat")
KINDS = ("sequential", "functional", "nested", "subclassed")
SCALINGS = {  # how the model is given 0-255, or what else it wants
    "rescaling": (0.0, 255.0),
    "normalization": (0.0, 255.0),
    "batch norm": (0.0, 255.0),
    "0 to 1": (0.0, 1.0),
    "-1 to 1": (-1.0, 1.0),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Architecture:
    kind: str
    channels: int
    scaling: str
    augmented: bool
    blocks: tuple[tuple[str, str], ...]  # with their activations
    pooling: str
    flatten: bool
    logits: bool

    @classmethod
    def draw(cls, seed: int) -> "Architecture":
        rng = np.random.default_rng(seed)
        kind = str(rng.choice(KINDS))
        # A Sequential model is a chain.
        blocks = BLOCKS[:4] if kind == "sequential" else BLOCKS
        return cls(
            kind=kind,
            channels=int(rng.choice([1, 3])),
            scaling=str(rng.choice(list(SCALINGS))),
            augmented=bool(rng.integers(2)),
            blocks=tuple((str(rng.choice(blocks)), str(rng.choice(ACTIVATIONS))) for _ in range(rng.integers(2, 4))),
            pooling=str(rng.choice(["max", "average", "stride"])),
            flatten=bool(rng.integers(2)),
            logits=bool(rng.integers(2)),
        )

    def build(self) -> keras.Model:
        shape = (28, 28, self.channels)
        if self.kind == "subclassed":
            model = Subclassed(self)
            model(np.zeros((1, *shape), np.float32))
            return model
        if self.kind == "sequential":
            return keras.Sequential([keras.Input(shape), *self.front(), *self.chained(), *self.head()])
        pixels = keras.Input(shape)
        x = chain(self.front())(pixels)
        if self.kind == "nested":
            inner = keras.Input(x.shape[1:])
            body = keras.Model(inner, self.body()(inner), name="backbone")
            return keras.Model(pixels, chain([body, *self.head()])(x))
        return keras.Model(pixels, chain(self.head())(self.body()(x)))

    def front(self) -> list[layers.Layer]:
        scaling = {
            "rescaling": [layers.Rescaling(1 / 255)],
            "normalization": [layers.Normalization(mean=[33.0] * self.channels, variance=[6200.0] * self.channels)],
            "batch norm": [layers.BatchNormalization()],
        }.get(self.scaling, [])
        augmentation = [layers.RandomTranslation(0.05, 0.05), layers.RandomRotation(0.02)] if self.augmented else []
        return [*augmentation, *scaling]

    def chained(self) -> list[layers.Layer]:
        return [layer for block, activation in self.blocks for layer in [*simple(block, activation), *self.pool()]]

    def body(self) -> Callable[[Any], Any]:
        return chain(
            [step for block, activation in self.blocks for step in [branched(block, activation), *self.pool()]]
        )

    def pool(self) -> list[layers.Layer]:
        pools = {"max": layers.MaxPooling2D, "average": layers.AveragePooling2D}
        return [pools[self.pooling](2) if self.pooling in pools else layers.Conv2D(WIDTH, 3, strides=2, padding="same")]

    def head(self) -> list[layers.Layer]:
        flat = layers.Flatten() if self.flatten else layers.GlobalAveragePooling2D()
        return [flat, layers.Dropout(0.1), layers.Dense(10, activation=None if self.logits else "softmax")]


WIDTH = 24


def simple(block: str, activation: str) -> list[layers.Layer]:
    act, norm = layers.Activation(activation), layers.BatchNormalization()
    match block:
        case "conv, norm, activation":
            return [layers.Conv2D(WIDTH, 3, padding="same", use_bias=False), norm, act]
        case "conv, activation, norm":
            return [layers.Conv2D(WIDTH, 3, padding="same"), act, norm]
        case "separable":
            return [layers.SeparableConv2D(WIDTH, 3, padding="same"), norm, act]
        case "depthwise":
            return [layers.Conv2D(WIDTH, 1), layers.DepthwiseConv2D(3, padding="same", use_bias=False), norm, act]
    raise AssertionError(block)


def branched(block: str, activation: str) -> Callable[[Any], Any]:
    if block not in ("residual", "concat"):
        return chain(simple(block, activation))
    stem = layers.Conv2D(WIDTH, 1)
    branch = chain(simple("conv, norm, activation", activation))
    joined = layers.Add() if block == "residual" else layers.Concatenate()
    return Joined(stem, branch, joined)


class Joined:
    def __init__(self, stem: layers.Layer, branch: Callable[[Any], Any], joined: layers.Layer) -> None:
        self.stem, self.branch, self.joined = stem, branch, joined

    def __call__(self, x: Any) -> Any:  # noqa: ANN401
        start = self.stem(x)
        return self.joined([start, self.branch(start)])


def chain(steps: list[Callable[[Any], Any]]) -> Callable[[Any], Any]:
    def call(x: Any) -> Any:  # noqa: ANN401
        for step in steps:
            x = step(x)
        return x

    return call


@keras.saving.register_keras_serializable("edgeproof_tests")
class Subclassed(keras.Model):
    """The same as a nested model, as a class of the user's."""

    def __init__(self, architecture: Architecture | dict[str, Any], **options: Any) -> None:  # noqa: ANN401
        super().__init__(**options)
        if isinstance(architecture, dict):
            blocks = tuple((block, activation) for block, activation in architecture.pop("blocks"))
            architecture = Architecture(**architecture, blocks=blocks)
        self.architecture = architecture
        self.inner = replace(architecture, kind="functional").build()

    def call(self, x: Any, training: bool = False) -> Any:  # noqa: ANN401
        return self.inner(x, training=training)

    def get_config(self) -> dict[str, Any]:
        fields = {name: getattr(self.architecture, name) for name in Architecture.__slots__}
        return {**super().get_config(), "architecture": fields}


def fitted(architecture: Architecture, data: "Dataset", seed: int) -> keras.Model:
    """Random filters, normalized by the data, with a last layer that solves the task by ridge regression.

    That takes a second, and the answers are as spread and as certain as a trained network's.
    """
    keras.utils.set_random_seed(seed)
    model = architecture.build()
    inner = model.inner if isinstance(model, Subclassed) else model
    low, high = SCALINGS[architecture.scaling]
    images = low + data.x_train.astype(np.float32) * ((high - low) / 255)
    for layer in inner._flatten_layers():
        if isinstance(layer, layers.BatchNormalization):
            layer.momentum = 0.0
    inner(images, training=True)
    head = inner.layers[-1]
    features = keras.Model(inner.inputs, head.input).predict(images, verbose=0)
    mean = features.mean(axis=0)
    centred = features - mean
    gram = centred.T @ centred
    ridge = 1.0 * np.trace(gram) / len(gram) * np.eye(len(gram))
    kernel = np.linalg.solve(gram + ridge, centred.T @ (np.eye(10)[data.y_train] * 10 - 1))
    head.set_weights([kernel, -mean @ kernel])
    return model


@pytest.mark.filterwarnings("ignore:You are saving a model that has not yet been built")
def test_every_recipe_gives_the_answers_of_a_random_architecture(
    architecture_seed: int, small_data: "Dataset", tmp_path: Path
) -> None:
    architecture = Architecture.draw(architecture_seed)
    data = replace(
        small_data,
        **{
            name: replace(split, images=split.images[:].repeat(architecture.channels, axis=3), digests=())
            for name, split in (("train", small_data.train), ("test", small_data.test))
        },
    )
    fitted(architecture, data, architecture_seed).save(tmp_path / "model.keras")
    options = ExportOptions(
        input_range=SCALINGS[architecture.scaling], softmax=architecture.logits, calibration_images=100
    )
    (tmp_path / "bundle").mkdir()
    manifest = write_bundle(tmp_path / "model.keras", data, tmp_path / "bundle", options)
    assert [f"{one.name}: {one.reason}" for one in manifest.left_out] == [], architecture
    names = [variant.name for variant in manifest.variants]
    assert names == [name for name in ALL_VARIANTS if name in names or name in STANDARD_VARIANTS]


def test_all_that_can_be_drawn_is_drawn() -> None:
    drawn = [Architecture.draw(seed) for seed in range(60)]
    assert {one.kind for one in drawn} == set(KINDS)
    assert {(one.scaling, one.channels) for one in drawn} == set(product(SCALINGS, (1, 3)))
    assert {block for one in drawn for block, _ in one.blocks} == set(BLOCKS)
    assert {activation for one in drawn for _, activation in one.blocks} == set(ACTIVATIONS)
    assert {(one.flatten, one.logits, one.augmented) for one in drawn} == set(product((False, True), repeat=3))
