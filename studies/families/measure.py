"""Export of a trained network with every recipe, and its files beside Keras on test images."""

import json
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from edgeproof.benchmarks.reference.worker import ReferenceFile, ReferenceWorker
from edgeproof.benchmarks.targets import BenchmarkTarget, benchmark_targets
from edgeproof.datasets.dataset import Dataset
from edgeproof.datasets.training_record import MODEL_NAME, RECORD_NAME
from edgeproof.export.bundle import export_bundle
from edgeproof.export.options import ExportOptions, NotNeeded, Verified
from edgeproof.inspection.reader import read_graph
from edgeproof.metrics.comparison import compare_answers
from edgeproof.metrics.distance import measure_difference
from edgeproof.metrics.latency import ratio
from edgeproof.metrics.types import Ratio
from edgeproof.runtime.bundle.manifest import Manifest
from edgeproof.runtime.bundle.recipes import RECIPES, Format, choose_recipes
from numpy.typing import NDArray

from ..time_ratios import measure_rounds
from .figures import EIGHT_BITS, Cell, FamilyFigures

TEST_IMAGES = 2_000
_INT8_ONNX = "static_wi8_ai8.onnx"
# LiteRT has plain kernels only for int16 activations: a large model answers as many images as cost this many
# multiply-accumulates, about a minute, and no fewer than this.
_PLAIN_MACS, _FEWEST_IMAGES = 2 * 10**10, 200


@dataclass(frozen=True, kw_only=True, slots=True)
class _Exported:
    """A bundle with what its export said.

    Attributes:
        folder: Of the bundle.
        manifest: Of the bundle.
        notes: Of each variant.
        not_needed: Why variants were not written though nothing failed.
    """

    folder: Path
    manifest: Manifest
    notes: Mapping[str, tuple[str, ...]]
    not_needed: Mapping[str, str]


def measure_family(folder: Path, data: Dataset) -> FamilyFigures:
    """Export a network and measure its files on the first 2,000 test images.

    Args:
        folder: Of the training: the `.keras` file and its record.
        data: The images that it was trained on.

    Raises:
        EdgeproofError: The export fails, or its files cannot be run.
    """
    record = json.loads((folder / RECORD_NAME).read_text(encoding="utf-8"))
    tested = replace(data, test=data.test[np.arange(min(TEST_IMAGES, len(data.x_test)))])
    with tempfile.TemporaryDirectory() as temporary:
        whole = _export(folder / MODEL_NAME, tested, Path(temporary, "bundle"), ExportOptions())
        # A bundle holds one int8 file for each format.
        only = ExportOptions(recipes=choose_recipes(["float32.onnx", _INT8_ONNX]), reduce_range=False)
        eight = _export(folder / MODEL_NAME, tested, Path(temporary, "eight-bits"), only)
        cells, failed = _cells(folder / MODEL_NAME, tested, whole, eight)
    return FamilyFigures(
        parameters=whole.manifest.reference.parameters,
        epochs=record["options"]["epochs"],
        learned_from=record["images"]["learned_from"],
        accuracy=record["test_accuracy"],
        test_images=record["images"]["tested_on"],
        warnings=whole.manifest.calibration.warnings,
        cells=cells,
        left_out=_left_out(whole, eight) | failed,
        not_needed=whole.not_needed,
    )


def _export(model: Path, data: Dataset, folder: Path, options: ExportOptions) -> _Exported:
    notes: dict[str, tuple[str, ...]] = {}
    not_needed: dict[str, str] = {}

    def collect(event: object) -> None:
        if isinstance(event, Verified):
            notes[event.variant.name] = event.notes
        elif isinstance(event, NotNeeded):
            not_needed[event.name] = event.reason

    manifest = export_bundle(model, data, folder, options, on_event=collect)
    return _Exported(folder=folder, manifest=manifest, notes=notes, not_needed=not_needed)


def _left_out(whole: _Exported, eight: _Exported) -> dict[str, str]:
    found = {one.name: one.reason for one in whole.manifest.left_out}
    for one in eight.manifest.left_out:
        if one.name == _INT8_ONNX:
            found[EIGHT_BITS] = one.reason
    return found


def _cells(model: Path, data: Dataset, whole: _Exported, eight: _Exported) -> tuple[dict[str, Cell], dict[str, str]]:
    """Return the figures of every file by its column, and why files could not be run."""
    targets, _, failed = benchmark_targets(whole.folder, whole.manifest)
    columns = {target.variant.name: target for target in targets}
    notes = dict(whole.notes)
    for target in benchmark_targets(eight.folder, eight.manifest)[0]:
        if target.variant.name == _INT8_ONNX:
            columns[EIGHT_BITS], notes[EIGHT_BITS] = target, eight.notes[target.variant.name]
    with ReferenceWorker(ReferenceFile(path=model, manifest=whole.manifest), threads=1) as keras:
        expected = keras.probabilities(data.x_test)
    times = _time_ratios(columns, data, whole.manifest)
    cells = {
        name: _cell(target, data, expected, times.get(name), notes.get(name, ())) for name, target in columns.items()
    }
    return cells, failed


def _cell(
    target: BenchmarkTarget, data: Dataset, expected: NDArray[np.float32], time: Ratio | None, notes: tuple[str, ...]
) -> Cell:
    variant = target.variant
    macs = read_graph(target.content, variant.format).macs
    count = answered_images(variant.recipe, macs, len(data.x_test))
    engine = target.load(1)
    found = engine.output.decode(target.answer(engine, data.x_test[:count]))
    comparison = compare_answers(found, expected[:count], data.y_test[:count])
    assert comparison.outcome is not None, "the test images have labels"
    snr = measure_difference(found, expected[:count]).snr_db
    return Cell(
        size_bytes=variant.size_bytes,
        images=count,
        snr_db=round(snr, 1) if np.isfinite(snr) else None,
        agreement=comparison.agreement.value,
        difference=comparison.outcome.difference,
        time=time,
        float_layers=variant.float_layers,
        float_islands=variant.float_islands,
        notes=notes,
    )


def answered_images(recipe: str, macs: int | None, images: int) -> int:
    """Return how many of the images a file is asked about; its multiply-accumulates for one may not be known."""
    if RECIPES[recipe].activations != "int16" or not macs:
        return images
    return min(images, max(_PLAIN_MACS // macs, _FEWEST_IMAGES))


def _time_ratios(columns: Mapping[str, BenchmarkTarget], data: Dataset, manifest: Manifest) -> dict[str, Ratio]:
    """Time all files in turns, with one thread, and return each one's time over that of its format's float32."""
    files = {name: partial(target.load, 1) for name, target in columns.items()}
    runs = measure_rounds(files, data.x_test[:], manifest.image, manifest.preprocessing)
    plain = {one: f"float32.{one}" for one in Format}
    return {
        name: ratio(taken, runs[plain[columns[name].variant.format]])
        for name, taken in runs.items()
        if plain[columns[name].variant.format] in runs.keys() - {name}
    }
