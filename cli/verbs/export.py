"""`edgeproof export`."""

import argparse
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from ...runtime.bundle.manifest import MANIFEST_NAME, Manifest, ModelOutput
from ...runtime.bundle.recipes import RECIPES, choose_recipes
from ...runtime.errors import CheckFailedError, InvalidFileError, SpecMismatchError
from ...runtime.text import count, visible
from ..arguments import (
    CACHE,
    CUSTOM,
    OptionTable,
    add_data,
    add_data_options,
    add_table,
    data_options_from,
    given,
    number,
    positive,
    seed,
)
from ..export_progress import event_printer
from ..json_output import lines_aside, versioned_json
from ..labels import read_labels
from ..time_ratios import measure_time_ratios

if TYPE_CHECKING:
    from ...export.accuracy_budget import AccuracyBudget

SCHEMA_VERSION = 1


def _bound(text: str) -> float:
    """Read one of the numbers of --input-range."""
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"two numbers are needed, LOW and HIGH, got {text!r}") from None


# Of ExportOptions.
_MODEL_OPTIONS: OptionTable = {
    "input_range": {
        "nargs": 2,
        "type": _bound,
        "metavar": ("LOW", "HIGH"),
        "help": "the model's values of black and white; every exported file takes raw pixels (default: 0 255)",
    },
    "softmax": {"action": "store_true", "help": "the model gives logits: append a softmax"},
    "normalize_outputs": {
        "action": "store_true",
        "help": "the model gives a sigmoid per class, and each image has one class: divide them by their sum",
    },
    "labels": {
        "metavar": "FILE|A,B,…",
        "help": "names of the classes in the model's order, one per line of a file or with commas between them; those "
        "of the data in another order say which class each output stands for",
    },
    **CUSTOM,
}
_EXPORT_OPTIONS: OptionTable = {
    "seed": {"type": seed, "help": "seed of the draw of calibration images (default: 1)"},
    "calibration_images": {"type": positive, "metavar": "N", "help": "how many to draw from --data (default: 500)"},
    "onnx_int8_for": {
        "choices": ("any", "vnni"),
        "help": "any: 7-bit weights, right on every CPU; vnni: 8 bits, for ARM and x86 with VNNI (default: any)",
    },
    "prove_in": {
        "type": Path,
        "metavar": "PYTHON",
        "help": "a Python with an older TFLite runtime: every .tflite file is run in it, and the manifest says so",
    },
}


_BUDGET_OPTIONS: OptionTable = {
    "max_drop_points": {
        "type": number,
        "metavar": "POINTS",
        "help": "leave layers of the mixed files in float until the images rule out a larger drop of accuracy",
    },
    "min_snr": {
        "type": number,
        "metavar": "DB",
        "help": "... and until the probabilities have this signal-to-noise ratio",
    },
}


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the verb's options."""
    parser.add_argument("model", type=Path, metavar="MODEL", help="a .keras or .h5 file: an image classifier")
    add_data(parser, default=None, means="what the model has learned from, if that is built in; mnist if unknown")
    parser.add_argument(
        "--recipes",
        default="all",
        help=f"comma-separated: {', '.join(RECIPES)}, an alias such as int8, or a variant such as "
        "int8.tflite (default: all)",
    )
    parser.add_argument(
        "--out", type=Path, help="the bundle's folder; a bundle there is replaced (default: bundle beside MODEL)"
    )
    parser.add_argument("--json", action="store_true", help="print the manifest as JSON; all else on standard error")
    add_table(parser.add_argument_group("the model"), _MODEL_OPTIONS)
    add_data_options(parser, otherwise=" (defaults: as in the training, or as the model takes them)")
    add_table(parser, CACHE)
    add_table(parser.add_argument_group("the export"), _EXPORT_OPTIONS)
    add_table(parser.add_argument_group("a budget for mixed_wi8_ai8"), _BUDGET_OPTIONS)


def run(options: argparse.Namespace) -> int:
    """Export and write the bundle."""
    out = options.out or options.model.parent / "bundle"
    with lines_aside(as_json=options.json):
        manifest = _export(options, out)
    if options.json:
        print(versioned_json(SCHEMA_VERSION, {"bundle": str(out), "manifest": manifest.document()}), flush=True)
    if manifest.left_out:
        names = ", ".join(one.name for one in manifest.left_out)
        raise CheckFailedError(f"left out of {out}: {names}; the reasons stand above and in its {MANIFEST_NAME}")
    return 0


def _export(options: argparse.Namespace, out: Path) -> Manifest:
    from ...export.bundle import export_bundle
    from ...export.options import ExportOptions
    from ...export.reference.model_kind import check_model_file

    overrides = data_options_from(options)
    typed = given(options, {**_MODEL_OPTIONS, **_EXPORT_OPTIONS, **CACHE})
    if "input_range" in typed:
        typed["input_range"] = tuple(typed["input_range"])
    if "labels" in typed:
        typed["labels"] = read_labels(typed["labels"])
    chosen = ExportOptions(
        recipes=choose_recipes(name.strip() for name in options.recipes.split(",")),
        reduce_range=typed.pop("onnx_int8_for", "any") == "any",
        preprocessing=overrides.get("preprocessing"),
        budget=_budget(options),
        **typed,
    )
    check_model_file(options.model)
    data = _data(options)
    print(f"Exporting {options.model}; every file is compared with it on up to 500 training images", flush=True)
    manifest = export_bundle(options.model, data, out, chosen, data_options=overrides, on_event=event_printer())
    options.written = f"the bundle is in {out}"
    _summarize(manifest, out)
    _print_times(manifest, out)
    return manifest


def _data(options: argparse.Namespace) -> str:
    """Return the data to export with: what the user says, or the built-in data of the training."""
    from ...datasets.builtin import BUILT_IN
    from ...datasets.training_record import find_data_name

    if options.data is not None:
        return options.data
    name = None
    with suppress(InvalidFileError):  # reported where the record is read
        name = find_data_name(options.model)
    if name is None or name in BUILT_IN:
        return name or "mnist"
    raise SpecMismatchError(f"{options.model} has learned from {visible(name)!r}: say where that is with --data PATH")


def _budget(options: argparse.Namespace) -> "AccuracyBudget | None":
    from ...export.accuracy_budget import AccuracyBudget

    if options.max_drop_points is None:
        if options.min_snr is not None:
            raise SpecMismatchError("--min-snr belongs to a budget: say --max-drop-points POINTS as well")
        return None
    return AccuracyBudget(max_drop_points=options.max_drop_points, min_snr_db=options.min_snr)


def _summarize(manifest: Manifest, out: Path) -> None:
    reference = manifest.reference
    low, high = reference.input_range
    print(f"  {out}: {count(len(manifest.variants), 'file')}, each within its recipe's tolerance of the original")
    print(f"  the Keras original takes {low:g} to {high:g} and gives {_outputs(manifest)}", end="")
    if reference.accuracy is not None:
        print(f"; it gets {reference.accuracy * 100:.2f} % of {reference.test_images:,} test images right", end="")
    print()
    print(f"  probabilities: {_calibration(manifest)}")


def _outputs(manifest: Manifest) -> str:
    """Say what the Keras model gives, and what was made of it."""
    first, second = manifest.classes[0], manifest.classes[-1]
    match manifest.reference.output:
        case ModelOutput.LOGITS:
            return "logits; a softmax was appended"
        case ModelOutput.LOGIT:
            return f"one logit, of {second!r}; a sigmoid was appended, and {first!r} gets the rest to 1"
        case ModelOutput.PROBABILITY:
            return f"one probability, of {second!r}; {first!r} gets the rest to 1"
        case ModelOutput.SIGMOIDS:
            return "a sigmoid per class; they were divided by their sum"
        case other:
            return other


def _print_times(manifest: Manifest, out: Path) -> None:
    """Say what layers in float are for: where there are any, how long the files take."""
    for model_format in dict.fromkeys(one.format for one in manifest.variants if one.float_layers is not None):
        ratios = measure_time_ratios(out, manifest, model_format)
        listed = ", ".join(f"{name.partition('.')[0]} {ratio:.2f}" for name, ratio in ratios.items())
        if not listed:
            print(f"  time not measured: there is no float32.{model_format} to compare with")
            continue
        print(f"  time over float32.{model_format}'s on this machine, 1 thread: {listed}", flush=True)


def _calibration(manifest: Manifest) -> str:
    """Describe the images that temperatures were fitted on."""
    measured = [variant.confidence for variant in manifest.variants if variant.confidence is not None]
    if not measured:
        return "not calibrated, there are too few images that the model has not learned from"
    if not all(confidence.held_out for confidence in measured):
        return (
            "calibrated on training images, since none are known that the model has not learned from: temperatures "
            "are too low, though never below 1"
        )
    least, most = (extreme(confidence.images for confidence in measured) for extreme in (min, max))
    images = f"{most:,}" if least == most else f"{least:,} to {most:,}"
    return (
        f"calibrated on {images} images that the model has not learned from; a file without a temperature has not been "
        "shown to need one"
    )
