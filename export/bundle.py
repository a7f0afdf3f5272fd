"""From a Keras file to a bundle: every variant converted, proven, and written in one step."""

import hashlib
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import keras
import numpy as np
from numpy.typing import NDArray

from ..runtime.engine import load_engine
from ..runtime.errors import CheckFailedError, EdgeproofError, SpecMismatchError, one_line
from ..runtime.manifest import MANIFEST_NAME, Golden, Manifest, Reference, Variant
from ..runtime.output import new_folder
from ..runtime.variants import RECIPES, Format, Recipe
from .onnx import to_onnx
from .operators import count_operators
from .samples import draw_samples
from .source import Source, load_source
from .tflite import to_tflite
from .verification import Difference, run_each, verify

LABELS_NAME, GOLDEN_NAME = "labels.txt", "golden.npz"

_EXPORTERS: Mapping[Format, Callable[[keras.Model, Recipe, NDArray[np.uint8] | None], bytes]] = {
    Format.TFLITE: to_tflite,
    Format.ONNX: to_onnx,
}


class LabelledImages(Protocol):
    """What an export needs of a data set: images uint8 of shape (N, H, W, C), labels of shape (N,).

    Calibration, verification and golden images are drawn from the training images; the test images give the
    reference's accuracy in the manifest and choose nothing.
    """

    @property
    def x_train(self) -> NDArray[np.uint8]: ...  # noqa: D102
    @property
    def y_train(self) -> NDArray[np.int64]: ...  # noqa: D102
    @property
    def x_test(self) -> NDArray[np.uint8]: ...  # noqa: D102
    @property
    def y_test(self) -> NDArray[np.int64]: ...  # noqa: D102
    @property
    def classes(self) -> tuple[str, ...]: ...  # noqa: D102


@dataclass(frozen=True, kw_only=True, slots=True)
class Exported:
    """One variant on its way into the bundle: the file, what the manifest says of it, and the proof."""

    variant: Variant
    content: bytes
    golden: NDArray[np.generic]
    difference: Difference


def export_bundle(
    model: Path,
    data: LabelledImages,
    out: Path,
    *,
    recipes: Sequence[Recipe] = tuple(RECIPES.values()),
    seed: int = 1,
    report: Callable[[Exported], None] = lambda _: None,
) -> Manifest:
    """Export a Keras file with every recipe in every format and write the bundle.

    Args:
        model: A `.keras` file.
        data: What to calibrate on and to verify with.
        out: The bundle's folder; an older bundle there is replaced, in one step, once all variants are proven.
        recipes: Which recipes to export.
        seed: Chooses the calibration and verification images.
        report: Called with each variant when it is proven.

    Raises:
        CheckFailedError: A file does not give the original's answers; nothing is written.
        InvalidFileError: The model cannot be loaded.
        SpecMismatchError: Model and data do not fit each other.
        OutputError: `out` cannot be written.
    """
    with new_folder(out, marker=MANIFEST_NAME) as staging:
        source = load_source(model)
        _check_fit(source, data)
        samples = draw_samples(data.x_train, data.y_train, seed=seed)
        expected = source.probabilities(samples.verification)
        exported = []
        for model_format in Format:
            for recipe in recipes:
                if model_format in recipe.formats:
                    one = _export(source, recipe, model_format, samples.calibration, samples.verification, expected)
                    report(one)
                    exported.append(one)
        golden = _golden_file(samples.golden, expected, exported)
        manifest = Manifest(
            image=source.image,
            preprocessing="resize",
            classes=data.classes,
            reference=Reference(
                sha256=source.sha256,
                parameters=source.model.count_params(),
                accuracy=_accuracy(source, data),
                test_images=len(data.x_test),
            ),
            variants=tuple(one.variant for one in exported),
            golden=Golden(file=GOLDEN_NAME, sha256=_sha256(golden), images=len(samples.golden)),
        )
        for one in exported:
            (staging / one.variant.file).write_bytes(one.content)
        (staging / GOLDEN_NAME).write_bytes(golden)
        (staging / LABELS_NAME).write_text("".join(f"{label}\n" for label in data.classes), encoding="utf-8")
        (staging / MANIFEST_NAME).write_text(manifest.to_json(), encoding="utf-8")
    return manifest


def _check_fit(source: Source, data: LabelledImages) -> None:
    image = source.image
    taken, given = (image.height, image.width, image.channels), data.x_train.shape[1:]
    if taken != given:
        raise SpecMismatchError(f"the model takes images of shape {taken}, the data has {given}")
    if source.classes != len(data.classes):
        raise SpecMismatchError(f"the model has {source.classes} classes, the data has {len(data.classes)}")


def _export(
    source: Source,
    recipe: Recipe,
    model_format: Format,
    calibration: NDArray[np.uint8],
    verification: NDArray[np.uint8],
    expected: NDArray[np.float32],
) -> Exported:
    name = f"{recipe.name}.{model_format}"
    try:
        content = _EXPORTERS[model_format](source.model, recipe, calibration)
    except (EdgeproofError, OSError, MemoryError):
        raise
    # The converters raise whatever their parts do, with pages of graph in the message.
    except Exception as error:
        raise SpecMismatchError(f"this model cannot be converted to {name}: {one_line(error)[:300]}") from error
    engine = load_engine(content, model_format)
    if engine.input.quantization is not None and not engine.input.is_identity:
        raise CheckFailedError(f"{name} does not take bytes as they are: {engine.input.quantization}")
    try:
        difference = verify(engine, recipe.name, verification, expected)
    except CheckFailedError as error:
        raise CheckFailedError(f"{name} does not give the original's answers: {error}") from error
    return Exported(
        variant=Variant(
            name=name,
            file=name,
            format=model_format,
            recipe=recipe.name,
            sha256=_sha256(content),
            size_bytes=len(content),
            input=engine.input,
            output=engine.output,
            operators=count_operators(content, model_format),
        ),
        content=content,
        golden=run_each(engine, verification),
        difference=difference,
    )


def _golden_file(images: NDArray[np.uint8], expected: NDArray[np.float32], exported: Sequence[Exported]) -> bytes:
    """Pack inputs and outputs: `inputs`, `reference`, and each variant's raw outputs under its name."""
    count = len(images)
    buffer = io.BytesIO()
    outputs = {one.variant.name: one.golden[:count] for one in exported}
    np.savez_compressed(buffer, allow_pickle=False, inputs=images, reference=expected[:count], **outputs)
    return buffer.getvalue()


def _accuracy(source: Source, data: LabelledImages) -> float:
    return float(np.mean(source.probabilities(data.x_test).argmax(axis=1) == data.y_test))


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
