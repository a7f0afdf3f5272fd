"""`edgeproof explain`."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from ..progress import show_reading, show_step

if TYPE_CHECKING:
    from ...inspection.explain.run import ExplainOptions


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the verb's options."""
    parser.add_argument("bundle", type=Path, metavar="BUNDLE", help="a bundle's folder")
    parser.add_argument(
        "--variant",
        action="append",
        metavar="NAME",
        help="a file of the bundle, such as static_wi8_ai8.tflite or int8.onnx, or a recipe in both formats; may be "
        "given several times (default: all but the float32 ones, which the others are compared with)",
    )
    parser.add_argument(
        "--data",
        help="images to run, as for edgeproof benchmark, of which up to 64 are taken (default: the bundle's golden "
        "images, which are training images)",
    )
    parser.add_argument(
        "--reference",
        metavar="MODEL",
        help="the .keras or .h5 file in the commands that it advises (default: model.keras or model.h5 beside BUNDLE)",
    )
    parser.add_argument("--json", action="store_true", help="print explain.json instead of the tables")
    parser.add_argument(
        "--out",
        type=Path,
        metavar="FOLDER",
        help="write explain.json there; if edgeproof benchmark has written its report there, the page shows it",
    )


def run(options: argparse.Namespace) -> int:
    """Explain the files, and print a table of layers and what to do for each."""
    from ...inspection.explain.run import explain_bundle
    from ...inspection.explain.text import as_text
    from ...metrics.explanation_json import to_json

    if options.out is not None:
        from ...benchmarks.writer import check_report_folder

        check_report_folder(options.out)
    try:
        explanation = explain_bundle(options.bundle, _chosen(options), progress=show_step)
    finally:
        show_step("")
    if options.out is not None:
        from ...benchmarks.writer import write_explanation

        write_explanation(explanation, options.out)
        options.written = f"the explanation is in {options.out}"
    print(to_json(explanation) if options.json else f"{as_text(explanation)}\n", end="", flush=True)
    return 0


def _chosen(options: argparse.Namespace) -> "ExplainOptions":
    from ...inspection.explain.run import GOLDEN_IMAGES, ExplainOptions, spacing

    data = options.data
    images = None
    if data is not None:
        from ...datasets.evaluation import evaluation_images

        images = evaluation_images(data, options.bundle, progress=show_reading)
    return ExplainOptions(
        variants=tuple(options.variant or ()),
        images=None if images is None else images.images[:: spacing(len(images.images))],
        images_from=GOLDEN_IMAGES if images is None else f"images of {images.name}",
        model=_model(options),
        data=data,
    )


def _model(options: argparse.Namespace) -> str:
    """Return the `.keras` file in the commands; without a folder where none lies beside the bundle."""
    from ...benchmarks.reference.location import reference_of
    from ...runtime.io.files import check_file, is_file

    found = reference_of(options.bundle, options.reference)
    if options.reference is not None:
        check_file(found, "model")
    return str(found) if is_file(found) else found.name
