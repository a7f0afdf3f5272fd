"""Write docs/families.md: what becomes of known architectures in every recipe.

    python docs/make_families.py [FAMILY ...]

Every network gets a little training on MNIST (the default preset its usual one), so that its answers are spread
and can be counted, and is exported with `export_bundle` like any user's file. `docs/families.json` keeps the figures;
given names, only those families are made anew.
"""

import json
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
from edgeproof.datasets.dataset import Dataset
from edgeproof.datasets.loading import load_mnist
from edgeproof.device.environment import describe_environment
from edgeproof.export.bundle import export_bundle
from edgeproof.export.options import ExportOptions, Verified
from edgeproof.runtime.bundle.manifest import LeftOut
from edgeproof.runtime.bundle.recipes import ALL_VARIANTS
from edgeproof.train.fit import fit
from edgeproof.train.options import settings
from edgeproof.train.presets import PRESETS
from keras import applications, layers

HERE = Path(__file__).parent
FIGURES = HERE / "families.json"
BATCH, SEED = 64, 1
# 200 steps for the large networks; one epoch for the small ones, which are fast and learn slowly.
IMAGES_FOR_LARGE, IMAGES_FOR_SMALL = 12_800, 60_000
VNNI = "static_wi8_ai8.onnx, 8 bits"


def scaled(low: float, high: float) -> layers.Layer:
    return layers.Rescaling((high - low) / 255, offset=low)


def residual(pixels: Any) -> Any:  # noqa: ANN401
    x = layers.Conv2D(24, 3, strides=2, padding="same", use_bias=False)(scaled(-1, 1)(pixels))
    x = layers.ReLU()(layers.BatchNormalization(momentum=0.9)(x))
    for activation in ("relu", "swish", "hard_swish", "gelu", "leaky_relu"):
        branch = layers.SeparableConv2D(24, 3, padding="same", use_bias=False)(x)
        branch = layers.BatchNormalization(momentum=0.9)(branch)
        x = layers.Activation(activation)(layers.Add()([x, branch]))
    x = layers.GlobalAveragePooling2D()(x)
    return layers.Dense(10, activation="softmax")(x)


def pre_activation(pixels: Any) -> Any:  # noqa: ANN401
    x = layers.Conv2D(16, 3, padding="same")(scaled(0, 1)(pixels))
    for _ in range(3):
        normalized = layers.ReLU(6.0)(layers.BatchNormalization(momentum=0.9)(x))
        x = layers.Concatenate()([x, layers.Conv2D(8, 3, padding="same")(normalized)])
        x = layers.AveragePooling2D(2)(x)
    return layers.Dense(10, activation="softmax")(layers.Dropout(0.2)(layers.Flatten()(x)))


def application(make: Callable[..., keras.Model], **options: Any) -> Callable[[Any], Any]:  # noqa: ANN401
    """A network of keras.applications with random weights, on pixels from -1 to 1 unless it scales them itself."""

    def whole(pixels: Any) -> Any:  # noqa: ANN401
        model = make(input_shape=(32, 32, 3), weights=None, classes=10, **options)
        for layer in model._flatten_layers():
            if isinstance(layer, layers.BatchNormalization):
                layer.momentum = 0.9  # 200 steps are too few for 0.99
        return model(pixels if any(isinstance(x, layers.Rescaling) for x in model.layers) else scaled(-1, 1)(pixels))

    return whole


FAMILIES: dict[str, Callable[[Any], Any]] = {
    "residual, separable, five activations": residual,
    "pre-activation, concatenations, ReLU6": pre_activation,
    "MobileNetV2": application(applications.MobileNetV2),
    "MobileNetV3Small": application(applications.MobileNetV3Small),
    "EfficientNetB0": application(applications.EfficientNetB0),
    "ResNet50": application(applications.ResNet50),
    "DenseNet121": application(applications.DenseNet121),
}
DEFAULT = "default preset"
# What explains a figure, from the field.
KNOWN = {
    "EfficientNetB0": [
        "swish and squeeze-and-excitation blocks give activations of very different sizes, which 8 bits cannot hold; "
        "EfficientNet-Lite was made without them for this reason. 16-bit activations and dynamic quantization keep "
        "the answers"
    ]
}

INTRODUCTION = """# Families and recipes

What becomes of known architectures in every recipe. Each starts from random weights, is trained for 200 steps (the two
small ones for an epoch) on MNIST digits in 32 x 32 pixels and three colours, the default preset as usual, and exported
like any file of a user's. A cell says the signal-to-noise ratio of the probabilities against Keras, the share of 500
training images that were not calibrated on with the same most probable class, and the size of the file. The accuracy of
Keras is that on 2,000 test images, for the default preset on 10,000. Written by `docs/make_families.py` from
[families.json](families.json).

"""


def main(names: list[str]) -> None:
    figures = json.loads(FIGURES.read_text()) if FIGURES.exists() else {"families": {}}
    for name in names or [DEFAULT, *FAMILIES]:
        start = time.perf_counter()
        figures["families"][name] = measured(name)
        FIGURES.write_text(json.dumps(figures, indent=1, ensure_ascii=False) + "\n")
        print(f"{name}: {time.perf_counter() - start:.0f} s", flush=True)
    figures["environment"] = describe_environment()
    order = [DEFAULT, *FAMILIES]
    figures["families"] = {name: figures["families"][name] for name in order if name in figures["families"]}
    FIGURES.write_text(json.dumps(figures, indent=1, ensure_ascii=False) + "\n")
    (HERE / "families.md").write_text(page(figures))


def measured(name: str) -> dict[str, Any]:
    keras.utils.set_random_seed(SEED)
    data = load_mnist()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "model.keras")
        if name == DEFAULT:
            model = PRESETS["default"]((28, 28, 1), 10)
            fit(model, data, replace(settings("default"), seed=SEED))
        else:
            small = FAMILIES[name] in (residual, pre_activation)
            data = as_photos(data, IMAGES_FOR_SMALL if small else IMAGES_FOR_LARGE)
            model = trained(FAMILIES[name], data)
        model.save(file)
        events: list[Any] = []
        manifest = export_bundle(file, data, Path(folder, "any"), on_event=events.append)
        cells = {event_name(event): cell(event) for event in events if isinstance(event, (Verified, LeftOut))}
        events.clear()
        recipes = tuple(recipe for recipe in ExportOptions().recipes if recipe.name in ("float32", "static_wi8_ai8"))
        export_bundle(
            file, data, Path(folder, "vnni"), ExportOptions(recipes=recipes, reduce_range=False), on_event=events.append
        )
        named = {event_name(event): event for event in events if isinstance(event, (Verified, LeftOut))}
        cells[VNNI] = cell(named["static_wi8_ai8.onnx"])
    return {
        "parameters": manifest.reference.parameters,
        "accuracy": manifest.reference.accuracy,
        "warnings": list(manifest.calibration.warnings),
        "cells": cells,
    }


def as_photos(data: Dataset, count: int) -> Dataset:
    """The digits in a frame of 32 x 32 and in three colours; fewer of them, for time."""

    def framed(images: np.ndarray) -> np.ndarray:
        return np.pad(images, ((0, 0), (2, 2), (2, 2), (0, 0))).repeat(3, axis=3)

    return replace(
        data,
        x_train=framed(data.x_train[:count]),
        y_train=data.y_train[:count],
        x_test=framed(data.x_test[:2000]),
        y_test=data.y_test[:2000],
    )


def trained(make: Callable[[Any], Any], data: Dataset) -> keras.Model:
    pixels = keras.Input((32, 32, 3))
    model = keras.Model(pixels, make(pixels))
    rate = keras.optimizers.schedules.CosineDecay(2e-3, len(data.x_train) // BATCH)
    model.compile(keras.optimizers.Adam(rate), "sparse_categorical_crossentropy")
    model.fit(data.x_train.astype(np.float32), data.y_train, batch_size=BATCH, verbose=0)
    return model


def event_name(event: Verified | LeftOut) -> str:
    return event.variant.name if isinstance(event, Verified) else event.name


def cell(event: Verified | LeftOut) -> dict[str, Any]:
    if isinstance(event, LeftOut):
        return {"left_out": event.reason}
    return {
        "snr_db": round(event.difference.snr_db, 1),
        "agreement": event.difference.agreement,
        "size_bytes": event.variant.size_bytes,
        "float_islands": event.variant.float_islands,
        "arena_bytes": event.variant.arena_bytes,
        "notes": list(event.notes),
    }


def page(figures: dict[str, Any]) -> str:
    columns = [*ALL_VARIANTS, VNNI]
    lines = INTRODUCTION.splitlines()
    for kind, chosen in (
        ("TFLite", [c for c in columns if ".tflite" in c]),
        ("ONNX", [c for c in columns if ".onnx" in c]),
    ):
        lines += [
            f"## {kind}",
            "",
            "| family | parameters | Keras accuracy | " + " | ".join(map(heading, chosen)) + " |",
        ]
        lines.append("| --- | ---: | ---: |" + " ---: |" * len(chosen))
        for name, family in figures["families"].items():
            cells = [shown(family["cells"][column]) for column in chosen]
            accuracy = f"{family['accuracy'] * 100:.1f} %"
            lines.append(f"| {name} | {family['parameters']:,} | {accuracy} | " + " | ".join(cells) + " |")
        lines.append("")
    lines += remarks(figures)
    return "\n".join(lines) + "\n"


def heading(column: str) -> str:
    name, _, rest = column.partition(".")
    return f"`{name}`" + (
        ", 8-bit weights" if "8 bits" in rest else ", 7-bit weights" if column == "static_wi8_ai8.onnx" else ""
    )


def shown(one: dict[str, Any]) -> str:
    if "left_out" in one:
        return "left out, see below"
    count = one["float_islands"] or 0
    islands = f"<br>{count} float island{'s' if count > 1 else ''}" if count else ""
    size = one["size_bytes"]
    written = f"{size / 1e6:.2f} MB" if size >= 1e6 else f"{size / 1e3:.1f} kB"
    return f"{one['snr_db']:.0f} dB<br>{one['agreement'] * 100:.1f} %<br>{written}{islands}"


def remarks(figures: dict[str, Any]) -> list[str]:
    """Why something is missing, and what else was said."""
    found = []
    for name, family in figures["families"].items():
        found += [f"- {name}: {warning}" for warning in [*family["warnings"], *KNOWN.get(name, [])]]
        for column, one in family["cells"].items():
            if "left_out" in one:
                found.append(f"- {name}, `{column}`: {one['left_out']}")
            found += [f"- {name}, `{column}`: {note}" for note in one.get("notes", []) if "float island" not in note]
    return ["## Remarks", "", *found] if found else []


if __name__ == "__main__":
    main(sys.argv[1:])
