"""Known architectures in every recipe: train each a little on MNIST and export it like any user's file.

    python -m studies.families.run [FAMILY ...]

The training is just long enough that the answers are spread and can be counted; the default preset gets its usual one.
The figures are kept in studies/results/families.json, and docs/families.md is written from them; given names, only
those families are trained again.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
from edgeproof.datasets.dataset import Dataset
from edgeproof.device.environment import describe_environment
from edgeproof.export.bundle import export_bundle
from edgeproof.export.options import ExportOptions, Verified
from edgeproof.runtime.bundle.manifest import LeftOut, Manifest
from edgeproof.train.fit import fit
from edgeproof.train.options import settings
from edgeproof.train.presets import PRESETS
from numpy.typing import NDArray

from ..data import load_named
from ..results_store import RESULTS, write_json
from .networks import FAMILIES, Network, pre_activation, residual
from .page import EIGHT_BITS, families_page

FIGURES = RESULTS / "families.json"
PAGE = Path(__file__).parents[2] / "docs" / "families.md"
DEFAULT = "default preset"
NAMES = (DEFAULT, *FAMILIES)
_BATCH, _SEED = 64, 1
# 200 steps for the large networks; one epoch for the small ones, which are fast and learn slowly.
_IMAGES_FOR_LARGE, _IMAGES_FOR_SMALL = 12_800, 60_000
_TEST_IMAGES = 2_000


def measure_family(name: str) -> dict[str, Any]:
    """Train a network of a family, export it with every recipe, and return its figures."""
    keras.utils.set_random_seed(_SEED)
    data = load_named("mnist")
    if name == DEFAULT:
        model = PRESETS["default"]((28, 28, 1), 10)
        fit(model, data, replace(settings("default"), seed=_SEED))
    else:
        small = FAMILIES[name] in (residual, pre_activation)
        data = _as_photos(data, _IMAGES_FOR_SMALL if small else _IMAGES_FOR_LARGE)
        model = _trained(FAMILIES[name], data)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "model.keras")
        model.save(file)
        manifest, cells = _export(file, data, ExportOptions())
        recipes = tuple(recipe for recipe in ExportOptions().recipes if recipe.name in ("float32", "static_wi8_ai8"))
        _, unreduced = _export(file, data, ExportOptions(recipes=recipes, reduce_range=False))
    return {
        "parameters": manifest.reference.parameters,
        "accuracy": manifest.reference.accuracy,
        "warnings": list(manifest.calibration.warnings),
        "cells": {**cells, EIGHT_BITS: unreduced["static_wi8_ai8.onnx"]},
    }


def _as_photos(data: Dataset, count: int) -> Dataset:
    """Return the digits in a frame of 32x32 and in three colours; fewer of them, for time."""

    def framed(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
        return np.pad(images, ((0, 0), (2, 2), (2, 2), (0, 0))).repeat(3, axis=3)

    return replace(
        data,
        x_train=framed(data.x_train[:count]),
        y_train=data.y_train[:count],
        x_test=framed(data.x_test[:_TEST_IMAGES]),
        y_test=data.y_test[:_TEST_IMAGES],
    )


def _trained(network: Network, data: Dataset) -> keras.Model:
    pixels = keras.Input((32, 32, 3))
    model = keras.Model(pixels, network(pixels))
    rate = keras.optimizers.schedules.CosineDecay(2e-3, len(data.x_train) // _BATCH)
    model.compile(keras.optimizers.Adam(rate), "sparse_categorical_crossentropy")
    model.fit(data.x_train.astype(np.float32), data.y_train, batch_size=_BATCH, verbose=0)
    return model


def _export(file: Path, data: Dataset, options: ExportOptions) -> tuple[Manifest, dict[str, Any]]:
    """Export a model and return the manifest and, by variant, what the export found."""
    cells: dict[str, Any] = {}

    def collect(event: object) -> None:
        if isinstance(event, Verified):
            cells[event.variant.name] = _cell(event)
        elif isinstance(event, LeftOut):
            cells[event.name] = {"left_out": event.reason}

    manifest = export_bundle(file, data, file.with_name("bundle"), options, on_event=collect)
    return manifest, cells


def _cell(event: Verified) -> dict[str, Any]:
    return {
        "snr_db": round(event.difference.snr_db, 1),
        "agreement": event.difference.agreement,
        "size_bytes": event.variant.size_bytes,
        "float_islands": event.variant.float_islands,
        "arena_bytes": event.variant.arena_bytes,
        "notes": list(event.notes),
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure the families, keep the figures of each as soon as they are there, and write the page."""
    parser = argparse.ArgumentParser(prog="python -m studies.families.run", description=__doc__)
    parser.add_argument("family", nargs="*", metavar="FAMILY", help=f"{'; '.join(NAMES)} (default: all)")
    options = parser.parse_args(arguments)
    if unknown := [name for name in options.family if name not in NAMES]:
        parser.error(f"unknown family {unknown[0]!r}; possible: {', '.join(map(repr, NAMES))}")
    found = json.loads(FIGURES.read_text(encoding="utf-8"))["families"] if FIGURES.exists() else {}
    for name in options.family or NAMES:
        start = time.perf_counter()
        found[name] = measure_family(name)
        figures = {
            "families": {name: found[name] for name in NAMES if name in found},
            "environment": describe_environment(),
        }
        write_json(figures, FIGURES)
        PAGE.write_text(families_page(figures), encoding="utf-8")
        sys.stdout.write(f"{name}: {time.perf_counter() - start:.0f} s\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
