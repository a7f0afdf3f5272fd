"""A network through every quantizer, and the files beside Keras on test images."""

import json
import tempfile
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import numpy as np
from edgeproof.benchmarks.reference.worker import ReferenceFile, ReferenceWorker
from edgeproof.datasets.dataset import Dataset
from edgeproof.datasets.training_record import MODEL_NAME, RECORD_NAME
from edgeproof.export.bundle import export_bundle
from edgeproof.export.options import ExportOptions, NotNeeded
from edgeproof.export.samples import draw_samples
from edgeproof.inspection.xnnpack import find_delegation
from edgeproof.metrics.distance import measure_difference
from edgeproof.metrics.latency import Rounds, ratio
from edgeproof.runtime.bundle.manifest import Manifest
from edgeproof.runtime.bundle.reader import read_vouched_file
from edgeproof.runtime.bundle.recipes import RECIPES, Format, Recipe, choose_recipes
from edgeproof.runtime.engines.engine import load_engine, run_each
from edgeproof.runtime.engines.probe import probe_bundled
from edgeproof.runtime.errors import EdgeproofError
from numpy.typing import NDArray

from ..time_ratios import measure_rounds
from . import litert_quantizer, plain_converter
from .figures import NetworkFigures, QuantizedFile

TEST_IMAGES = 2_000
FLOAT = "float32"


def measure_network(folder: Path, data: Dataset, python: Path) -> NetworkFigures:
    """Quantize a network with the same calibration images everywhere, and measure the files on the first test images.

    Args:
        folder: Of the training: the `.keras` file and its record.
        data: The images that it was trained on.
        python: That has litert-quantizer.

    Raises:
        EdgeproofError: The export fails, or a file cannot be run.
    """
    model, options = folder / MODEL_NAME, ExportOptions(recipes=compared_recipes())
    calibration = draw_samples(
        data.x_train, data.y_train, seed=options.seed, count=options.calibration_images
    ).calibration
    images = data.x_test[:TEST_IMAGES]
    with tempfile.TemporaryDirectory() as temporary:
        files, missing, manifest = _exported(model, data, Path(temporary, "bundle"), options)
    others: dict[str, Callable[[], bytes]] = {
        plain_converter.TITLE: partial(plain_converter.convert_plainly, model, calibration),
        litert_quantizer.TITLE: partial(litert_quantizer.quantize, python, files[FLOAT], calibration),
    }
    for title, make in others.items():
        try:
            files[title] = make()
            probe_bundled(files[title], Format.TFLITE, threads=1)
        except EdgeproofError as error:
            files.pop(title, None)
            missing[title] = str(error)
    with ReferenceWorker(ReferenceFile(path=model, manifest=manifest), threads=1) as keras:
        expected = keras.probabilities(images)
    loaders = {title: partial(load_engine, content, Format.TFLITE) for title, content in files.items()}
    rounds = measure_rounds(loaders, images, manifest.image, manifest.preprocessing)
    record = json.loads((folder / RECORD_NAME).read_text(encoding="utf-8"))
    return NetworkFigures(
        accuracy=record["test_accuracy"],
        images=len(images),
        calibration_images=len(calibration),
        files={title: _measured(title, files, images, expected, rounds) for title in files},
        missing=missing,
    )


def compared_recipes() -> tuple[Recipe, ...]:
    """Return float32 and the TFLite recipes with weights of 8 bits, but for 16-bit activations: XNNPACK has none."""
    names = [
        name
        for name, recipe in RECIPES.items()
        if Format.TFLITE in recipe.formats
        and (name == FLOAT or (recipe.weights == "int8" and recipe.activations != "int16"))
    ]
    return tuple(choose_recipes([f"{name}.tflite" for name in names]))


def _exported(
    model: Path, data: Dataset, folder: Path, options: ExportOptions
) -> tuple[dict[str, bytes], dict[str, str], Manifest]:
    """Return a bundle's files by recipe, why others are not there, and its manifest."""
    missing: dict[str, str] = {}

    def collect(event: object) -> None:
        if isinstance(event, NotNeeded):
            missing[event.name.partition(".")[0]] = f"not needed: {event.reason}"

    manifest = export_bundle(model, data, folder, options, on_event=collect)
    files = {variant.recipe: read_vouched_file(folder, variant) for variant in manifest.variants}
    missing |= {one.name.partition(".")[0]: one.reason for one in manifest.left_out}
    return files, missing, manifest


def _measured(
    title: str,
    files: Mapping[str, bytes],
    images: NDArray[np.uint8],
    expected: NDArray[np.float32],
    rounds: Mapping[str, Rounds],
) -> QuantizedFile:
    engine = load_engine(files[title], Format.TFLITE)
    difference = measure_difference(engine.output.decode(run_each(engine, images)), expected)
    return QuantizedFile(
        size_bytes=len(files[title]),
        snr_db=round(difference.snr_db, 1) if np.isfinite(difference.snr_db) else None,
        agreement=difference.agreement,
        partitions=find_delegation(files[title]).partitions,
        time=None if title == FLOAT else ratio(rounds[title], rounds[FLOAT]),
    )
