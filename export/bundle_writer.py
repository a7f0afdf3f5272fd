"""The files of a bundle: every variant converted and verified, then all written."""

import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..datasets.dataset import Dataset
from ..datasets.held_out.split_record import SPLIT_NAME
from ..datasets.training_record import record_split
from ..runtime.bundle.manifest import MANIFEST_NAME, Calibration, Golden, LeftOut, Manifest, Reference, SplitFile
from ..runtime.bundle.model_metadata import LABELS_NAME, Description
from ..runtime.bundle.reader import read_manifest
from ..runtime.bundle.recipes import RECIPES, Format, Recipe
from ..runtime.errors import CheckFailedError, InvalidFileError, SpecMismatchError, one_line
from ..runtime.io.digest import sha256_of
from .converters import Converters
from .evaluation import Evaluator
from .matching import match_data
from .options import DEFAULTS, DataNote, DataWarning, Event, ExportOptions, NotNeeded, Started, Verified
from .reference.source import Source, load_source
from .samples import MOST_SELECTION_IMAGES, SELECTION_IMAGES, Samples, draw_samples, most_per_sample
from .verification.calibration_linter import lint_images, lint_input_range, lint_stability
from .verification.diagnosis import diagnosed
from .verification.other_runtimes import find_micro, find_runtime
from .verification.reference_linter import lint_answers, lint_class_order
from .verification.temperature_fit import HeldOut, held_out_images
from .verification.verifier import VerifiedFile, Verifier

GOLDEN_NAME = "golden.npz"

Outcome = VerifiedFile | LeftOut | NotNeeded


def write_bundle(
    model: Path,
    data: Dataset,
    folder: Path,
    options: ExportOptions = DEFAULTS,
    *,
    known_failures: Sequence[LeftOut] = (),
    on_event: Callable[[Event], None] = lambda _: None,
) -> Manifest:
    """Write a bundle's files into an empty folder, in this process; otherwise as `export_bundle`.

    `known_failures` are left out without being tried, because they ended the converter before.
    """
    runtimes = [runtime for runtime in (find_micro(), find_runtime(options.prove_in)) if runtime]
    source = load_source(
        model, size=data.image_shape, input_range=options.input_range, output=options.output, custom=options.custom
    )
    own_classes = data.classes
    data = match_data(source, data, options.labels, lambda text: on_event(DataNote(text=text)))
    classes = options.labels or data.classes
    samples = _samples(data, options)
    description = Description(
        image=source.image,
        preprocessing=options.preprocessing or data.preprocessing,
        classes=classes,
        recipe="float32",
        source_sha256=source.sha256,
    )
    expected = source.probabilities(samples.verification)
    verifier = Verifier(
        samples=samples,
        expected=expected,
        runtimes=runtimes,
        reduce_range=options.reduce_range,
        held_out=_held_out(data, samples, options),
    )
    selected = source.probabilities(samples.selection)
    evaluator = Evaluator(samples.selection, samples.selection_labels, selected)
    with Converters(
        source.model,
        samples.calibration,
        evaluator,
        description,
        reduce_range=options.reduce_range,
        budget=options.budget,
        on_trial=on_event,
    ) as converters:
        found = _lint_reference(source, samples, (expected, selected), data.classes, own_classes)
        if any(recipe.calibrated for recipe in options.recipes):
            found += _lint_calibration(samples, data, converters)
        for text in found:
            on_event(DataWarning(text=text))
        attempt = partial(_attempt, converters, verifier, known_failures, on_event)
        verified, missing = _tell_apart(_variants(options.recipes, attempt), on_event)
    golden = _golden_file(samples.golden, expected, verified)
    split, held_out = _split_file(data, classes, options)
    manifest = Manifest(
        image=source.image,
        preprocessing=description.preprocessing,
        classes=classes,
        reference=Reference(
            sha256=source.sha256,
            parameters=source.parameters,
            input_range=source.input_range,
            output=source.output,
            accuracy=float(np.mean(source.probabilities(data.x_test).argmax(axis=1) == data.y_test)),
            test_images=len(data.x_test),
        ),
        calibration=Calibration(images=len(samples.calibration), seed=options.seed, warnings=tuple(found)),
        variants=tuple(file.variant for file in verified),
        left_out=tuple(one for one in missing if isinstance(one, LeftOut)),
        golden=Golden(file=GOLDEN_NAME, sha256=sha256_of(golden), images=len(samples.golden)),
        data=options.data,
        split=None if split is None else SplitFile(file=SPLIT_NAME, sha256=sha256_of(split), images=held_out),
    )
    if split is not None:
        (folder / SPLIT_NAME).write_bytes(split)
    for file in verified:
        (folder / file.variant.file).write_bytes(file.content)
    (folder / GOLDEN_NAME).write_bytes(golden)
    (folder / LABELS_NAME).write_text("".join(f"{label}\n" for label in classes), encoding="utf-8")
    (folder / MANIFEST_NAME).write_text(manifest.to_json(), encoding="utf-8")
    return read_manifest(folder)  # what cannot be read back must not be written


def _split_file(data: Dataset, classes: Sequence[str], options: ExportOptions) -> tuple[bytes | None, int]:
    """Return what the bundle says of its test images, and how many they are; nothing where that is not known.

    Data with a test split of its own says so itself.
    """
    if options.data is None or not data.test_drawn:
        return None, 0
    names = dict(zip(data.classes, classes, strict=True))
    record = record_split(data, rename=lambda label: names.get(label, label))
    return replace(record, train=frozenset(), validation=frozenset()).to_bytes(), len(record.test)


def _samples(data: Dataset, options: ExportOptions) -> Samples:
    return draw_samples(
        data.x_train,
        data.y_train,
        seed=options.seed,
        count=options.calibration_images,
        selection=SELECTION_IMAGES if options.budget is None else MOST_SELECTION_IMAGES,
        held_out=options.held_out or (),
    )


def _held_out(data: Dataset, samples: Samples, options: ExportOptions) -> HeldOut | None:
    if options.held_out is None:
        return None
    return held_out_images(
        data.x_train, data.y_train, options.held_out, seed=options.seed, calibration=len(samples.calibration)
    )


def _tell_apart(
    outcomes: Iterable[Outcome], on_event: Callable[[Event], None]
) -> tuple[list[VerifiedFile], list[LeftOut | NotNeeded]]:
    """Return the files and what is missing, each reported as it is there; raise CheckFailedError without any file."""
    verified: list[VerifiedFile] = []
    missing: list[LeftOut | NotNeeded] = []
    for made in outcomes:
        if isinstance(made, VerifiedFile):
            verified.append(made)
            on_event(Verified(variant=made.variant, difference=made.difference, notes=made.notes))
        else:
            missing.append(made)
            on_event(made)
    if not verified:
        reasons = dict.fromkeys(one.reason for one in missing)
        raise CheckFailedError(f"no variant could be exported: {'; '.join(reasons)}")
    return verified, missing


def _lint_reference(
    source: Source,
    samples: Samples,
    answers: tuple[NDArray[np.float32], NDArray[np.float32]],
    classes: Sequence[str],
    own_classes: Sequence[str],
) -> list[str]:
    """Lint the reference's answers to the images for verification and for selection, the surest cause first."""
    labels = samples.verification_labels, samples.selection_labels
    verified, selected = zip(answers, labels, strict=True)
    return (
        lint_class_order(selected, verified, classes, own_classes)
        or lint_input_range(source, samples.verification, samples.verification_labels)
        or lint_answers(np.concatenate(answers), np.concatenate(labels), classes)
    )


def _lint_calibration(samples: Samples, data: Dataset, converters: Converters) -> list[str]:
    images = samples.calibration
    has_more = len(images) < most_per_sample(len(data.x_train))
    found = [*lint_images(images, samples.calibration_labels, data.classes, data.x_train, has_more=has_more)]
    # A model that the converter cannot express, or LiteRT not run, is left out later with the reason.
    with suppress(SpecMismatchError, InvalidFileError, RuntimeError, ValueError):
        tflite = converters.tflite
        activations = tflite.plain_quantizer.activations
        found += lint_stability(activations, tflite.traced.names.layer_of, has_more=has_more)
    return found


def _variants(recipes: Sequence[Recipe], attempt: Callable[[Recipe, Format], Outcome]) -> Iterator[Outcome]:
    """Yield each variant, verified or not, format by format."""
    for model_format in Format:
        chosen = [recipe for recipe in recipes if model_format in recipe.formats]
        if not chosen:
            continue
        # The graph is verified before it is quantized: the bounds for 8 bits would let a wrong one pass.
        graph = attempt(RECIPES["float32"], model_format)
        for recipe in chosen:
            if recipe.name == "float32":
                yield graph
            elif isinstance(graph, LeftOut):
                name = f"{recipe.name}.{model_format}"
                yield LeftOut(name=name, reason=f"{graph.name}, which it is made from, is not right")
            else:
                yield attempt(recipe, model_format)


def _attempt(
    converters: Converters,
    verifier: Verifier,
    known_failures: Sequence[LeftOut],
    on_event: Callable[[Event], None],
    recipe: Recipe,
    model_format: Format,
) -> Outcome:
    name = f"{recipe.name}.{model_format}"
    for failure in known_failures:
        if failure.name == name:
            return failure
    on_event(Started(name=name))
    try:
        if reason := converters.idle(recipe, model_format):
            return NotNeeded(name=name, reason=reason)
        made = converters.convert(recipe, model_format)
    except (SpecMismatchError, InvalidFileError, CheckFailedError) as error:  # it cannot express the model
        return LeftOut(name=name, reason=one_line(error))
    try:
        return verifier.verify(made, recipe, model_format)
    except (InvalidFileError, CheckFailedError) as error:  # the engine refuses the file, or its answers are others
        original = partial(_float32, converters, model_format)
        reason = diagnosed(error, name, made.content, original, verifier.samples.verification)
        return LeftOut(name=name, reason=reason)


def _float32(converters: Converters, model_format: Format) -> bytes:
    return converters.convert(RECIPES["float32"], model_format).content


def _golden_file(images: NDArray[np.uint8], expected: NDArray[np.float32], files: Sequence[VerifiedFile]) -> bytes:
    """Pack inputs and outputs: `inputs`, `reference`, and each variant's raw outputs under its name."""
    buffer = io.BytesIO()
    outputs = {name: answers for file in files for name, answers in file.golden.items()}
    np.savez_compressed(buffer, allow_pickle=False, inputs=images, reference=expected[: len(images)], **outputs)
    return buffer.getvalue()
