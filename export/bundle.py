"""From a Keras file to a bundle: every variant converted, proven, and written in one step."""

import hashlib
import io
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ..runtime.bundle.manifest import MANIFEST_NAME, Calibration, Golden, LeftOut, Manifest, Reference
from ..runtime.bundle.model_metadata import LABELS_NAME, Preprocessing, check_fit
from ..runtime.bundle.reader import check_is_bundle, read_manifest
from ..runtime.bundle.recipes import RECIPES, Format, Recipe
from ..runtime.errors import CheckFailedError, InvalidFileError, SpecMismatchError, one_line
from ..runtime.io.atomic import atomic_folder
from .converters import Converters
from .options import DEFAULTS, DataWarning, Event, ExportOptions, Started, Verified
from .reference.source import Source, load_source
from .samples import Samples, draw_samples
from .verification.calibration_linter import lint_images, lint_input_range, lint_stability
from .verification.other_runtimes import find_micro, find_runtime
from .verification.temperature_fit import HeldOut, held_out_images
from .verification.verifier import VerifiedFile, Verifier

GOLDEN_NAME = "golden.npz"


class LabelledImages(Protocol):
    """What an export needs of a data set: images uint8 of shape (N, H, W, C), labels of shape (N,).

    Calibration, verification and golden images, and those that temperatures are fitted on, are drawn from the training
    images; the test images give the reference's accuracy in the manifest and choose nothing.
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
    @property
    def preprocessing(self) -> Preprocessing: ...  # noqa: D102


def export_bundle(
    model: Path,
    data: LabelledImages,
    out: Path,
    options: ExportOptions = DEFAULTS,
    *,
    on_event: Callable[[Event], None] = lambda _: None,
) -> Manifest:
    """Export a Keras file with every recipe in every format and write the bundle.

    Args:
        model: A `.keras` file.
        data: What to calibrate on and to verify with.
        out: The bundle's folder; an older bundle there is replaced, in one step, once all variants are proven.
        options: What to export, and how.
        on_event: Called with what happens, as it happens.

    Returns:
        The manifest. Variants that could not be converted, or are too far from the original, are in `left_out`.

    Raises:
        CheckFailedError: No variant is close enough to the original; nothing is written.
        InvalidFileError: The model cannot be loaded.
        SpecMismatchError: Model, labels and data do not fit each other.
        OutputError: `out` cannot be written.
    """
    with atomic_folder(out, check_replaceable=check_is_bundle) as staging:
        return write_bundle(model, data, staging, options, on_event=on_event)


def write_bundle(
    model: Path, data: LabelledImages, folder: Path, options: ExportOptions, *, on_event: Callable[[Event], None]
) -> Manifest:
    """Write the bundle's files into an empty folder; the rest is as in `export_bundle`."""
    runtimes = [runtime for runtime in (find_micro(), find_runtime(options.prove_in)) if runtime]
    size = data.x_train.shape[1:]
    source = load_source(
        model,
        size=(size[0], size[1], size[2]),
        input_range=options.input_range,
        softmax=options.softmax,
        custom=options.custom,
    )
    classes = _classes(source, data, options.labels)
    samples = draw_samples(data.x_train, data.y_train, seed=options.seed, count=options.calibration_images)
    preprocessing = options.preprocessing or data.preprocessing
    check_fit(source.image, preprocessing)
    held_out = _held_out(data, samples, options)
    expected = source.probabilities(samples.verification)
    with Converters(
        source,
        samples.calibration,
        classes,
        preprocessing=preprocessing,
        reduce_range=options.reduce_range,
    ) as converters:
        found = _warnings(source, samples, classes, data, converters, options.recipes)
        for text in found:
            on_event(DataWarning(text=text))
        prover = Verifier(
            samples=samples,
            expected=expected,
            runtimes=runtimes,
            reduce_range=options.reduce_range,
            held_out=held_out,
        )
        proofs, left_out = _prove_all(converters, prover, options, on_event)
    if not proofs:
        reasons = dict.fromkeys(one.reason for one in left_out)
        raise CheckFailedError(f"no variant could be exported: {'; '.join(reasons)}")
    golden = _golden_file(samples.golden, expected, proofs)
    manifest = Manifest(
        image=source.image,
        preprocessing=preprocessing,
        classes=classes,
        reference=Reference(
            sha256=source.sha256,
            parameters=source.parameters,
            input_range=source.input_range,
            output=source.output,
            accuracy=_accuracy(source, data),
            test_images=len(data.x_test),
        ),
        calibration=Calibration(images=len(samples.calibration), seed=options.seed, warnings=tuple(found)),
        variants=tuple(proof.variant for proof in proofs),
        left_out=tuple(left_out),
        golden=Golden(file=GOLDEN_NAME, sha256=hashlib.sha256(golden).hexdigest(), images=len(samples.golden)),
        data=options.data,
    )
    for proof in proofs:
        (folder / proof.variant.file).write_bytes(proof.content)
    (folder / GOLDEN_NAME).write_bytes(golden)
    (folder / LABELS_NAME).write_text("".join(f"{label}\n" for label in classes), encoding="utf-8")
    (folder / MANIFEST_NAME).write_text(manifest.to_json(), encoding="utf-8")
    return read_manifest(folder)  # what cannot be read back must not be written


def _classes(source: Source, data: LabelledImages, labels: tuple[str, ...] | None) -> tuple[str, ...]:
    """Check that model, data and labels fit each other, and return what the classes are called."""
    taken, given = source.image.shape, data.x_train.shape[1:]
    if taken != given:
        raise SpecMismatchError(f"the model takes images of shape {taken}, the data has {given}")
    if source.classes != len(data.classes):
        raise SpecMismatchError(f"the model has {source.classes} classes, the data has {len(data.classes)}")
    if labels is None:
        return data.classes
    if len(labels) != source.classes:
        raise SpecMismatchError(f"{len(labels)} labels are given for {source.classes} classes; needed is one per class")
    return labels


def _held_out(data: LabelledImages, samples: Samples, options: ExportOptions) -> HeldOut | None:
    if options.held_out is None:
        return None
    calibration = len(samples.calibration)
    return held_out_images(data.x_train, data.y_train, options.held_out, seed=options.seed, calibration=calibration)


def _warnings(
    source: Source,
    samples: Samples,
    classes: Sequence[str],
    data: LabelledImages,
    converters: Converters,
    recipes: Sequence[Recipe],
) -> list[str]:
    found = lint_input_range(source, samples.verification, samples.verification_labels)
    if any(recipe.calibrated for recipe in recipes):
        found += lint_images(samples.calibration, samples.calibration_labels, classes, data.x_train)
        # A model that the converter cannot express, or LiteRT not run, is left out later with the reason.
        with suppress(SpecMismatchError, InvalidFileError, RuntimeError, ValueError):
            found += lint_stability(converters.float32_tflite(), samples.calibration)
    return found


def _prove_all(
    converters: Converters, prover: Verifier, options: ExportOptions, on_event: Callable[[Event], None]
) -> tuple[list[VerifiedFile], list[LeftOut]]:
    proofs: list[VerifiedFile] = []
    left_out: list[LeftOut] = []
    for model_format in Format:
        recipes = [recipe for recipe in options.recipes if model_format in recipe.formats]
        # The graph is proven before it is quantized: the bounds for 8 bits would let a wrong one pass.
        graph = _attempt(RECIPES["float32"], model_format, converters, prover, options, on_event) if recipes else None
        for recipe in recipes:
            name = f"{recipe.name}.{model_format}"
            if recipe.name == "float32":
                made = graph
            elif isinstance(graph, LeftOut):
                made = LeftOut(name=name, reason=f"{graph.name}, which it is made from, is not right")
            else:
                made = _attempt(recipe, model_format, converters, prover, options, on_event)
            if isinstance(made, VerifiedFile):
                proofs.append(made)
                on_event(Verified(variant=made.variant, difference=made.difference, notes=made.notes))
            elif made is not None:
                left_out.append(made)
                on_event(made)
    return proofs, left_out


def _attempt(
    recipe: Recipe,
    model_format: Format,
    converters: Converters,
    prover: Verifier,
    options: ExportOptions,
    on_event: Callable[[Event], None],
) -> VerifiedFile | LeftOut:
    name = f"{recipe.name}.{model_format}"
    for known in options.known_failures:
        if known.name == name:
            return known
    on_event(Started(name=name))
    try:
        return prover.verify(converters.convert(recipe, model_format), recipe, model_format)
    # The converter cannot express the model, the engine does not accept the file, or its answers are others.
    except (SpecMismatchError, InvalidFileError, CheckFailedError) as error:
        return LeftOut(name=name, reason=one_line(error))


def _golden_file(images: NDArray[np.uint8], expected: NDArray[np.float32], proofs: Sequence[VerifiedFile]) -> bytes:
    """Pack inputs and outputs: `inputs`, `reference`, and each variant's raw outputs under its name."""
    buffer = io.BytesIO()
    outputs = {name: answers for proof in proofs for name, answers in proof.golden.items()}
    np.savez_compressed(buffer, allow_pickle=False, inputs=images, reference=expected[: len(images)], **outputs)
    return buffer.getvalue()


def _accuracy(source: Source, data: LabelledImages) -> float:
    return float(np.mean(source.probabilities(data.x_test).argmax(axis=1) == data.y_test))
