"""`edgeproof predict`."""

import argparse
import io
import json
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from ...runtime.bundle.recipes import ALL_VARIANTS
from ...runtime.errors import InvalidFileError, one_line
from ...runtime.pretrained import PRETRAINED
from ..arguments import given, positive

if TYPE_CHECKING:
    from ...runtime.classifier import Classifier
    from ...runtime.images.reading import ImageLike
    from ...runtime.prediction import Prediction

SCHEMA_VERSION = 2

_STANDARD_INPUT = "-"
_MAX_IMAGE_BYTES = 2**29


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the verb's options."""
    parser.add_argument(
        "images", nargs="+", metavar="IMAGE", help="image files, folders of them, or - for an image on standard input"
    )
    parser.add_argument(
        "--model",
        default=PRETRAINED[0],
        help=f"a bundle, a .tflite or .onnx file, or built in: {', '.join(PRETRAINED)} (default: {PRETRAINED[0]})",
    )
    parser.add_argument(
        "--variant", help=f"which variant of the bundle: {', '.join(ALL_VARIANTS)}, or an alias such as int8"
    )
    parser.add_argument("--engine", default="auto", help="auto, litert or onnxruntime (default: auto)")
    parser.add_argument("--threads", type=positive, default=1, help="threads of the engine (default: 1)")
    parser.add_argument("--workers", type=positive, default=1, help="images that are predicted at once (default: 1)")
    parser.add_argument(
        "--trusted", action="store_true", help="load a lone model file without trying it in a child process first"
    )
    parser.add_argument(
        "--min-confidence",
        type=float,
        default=0.0,
        metavar="P",
        help="answer uncertain where the best label is less probable than this, 0 to 1 (default: 0)",
    )
    parser.add_argument(
        "--show",
        type=Path,
        metavar="FILE.png",
        help="draw each image, the pixels that the model saw, and its best answers",
    )
    parser.add_argument("--json", action="store_true", help="print JSON, with the probability of every class")


def run(options: argparse.Namespace) -> int:
    """Predict all images, and print one line for each."""
    from ...runtime.classifier import Classifier

    warnings.simplefilter("ignore")  # image decoders' warnings about damaged metadata
    classifier = Classifier.load(options.model, **given(options, ("engine", "variant", "threads", "trusted")))
    names, images = _images(options.images)
    if options.show is not None:
        from ..sheet import check_sheet

        check_sheet(options.show, images)
    predictions = classifier.predict(images, min_confidence=options.min_confidence, workers=options.workers)
    if options.show is not None:
        from ..sheet import write_sheet

        write_sheet(options.show, classifier, names, images, predictions)
        options.written = f"the drawing is in {options.show}"
    if options.json:
        print(_json(classifier, names, predictions))
        return 0
    for name, prediction in zip(names, predictions, strict=True):
        certainty = f" ({prediction.probability * 100:.1f} %)" if prediction.probabilities.any() else ""
        print(f"{one_line(name)}: {prediction.label}{certainty}")
    return 0


def _json(classifier: "Classifier", names: list[str], predictions: "list[Prediction]") -> str:
    document = {
        "schema_version": SCHEMA_VERSION,
        "variant": classifier.variant,
        "engine": classifier.engine,
        "predictions": [
            {
                "image": name,
                "label": prediction.label,
                "index": prediction.index,
                "probability": round(prediction.probability, 6),
                "probabilities": {
                    label: round(float(share), 6)
                    for label, share in zip(classifier.classes, prediction.probabilities, strict=True)
                },
            }
            for name, prediction in zip(names, predictions, strict=True)
        ],
    }
    return json.dumps(document, indent=2, allow_nan=False)


def _images(arguments: list[str]) -> "tuple[list[str], list[ImageLike]]":
    """Return the names of the images, and the images."""
    names: list[str] = []
    images: list[ImageLike] = []
    for argument in arguments:
        if argument == _STANDARD_INPUT:
            if "standard input" not in names:  # it can be read once
                names.append("standard input")
                images.append(_from_standard_input())
        elif not argument:
            raise InvalidFileError("the name of an image is empty")
        else:
            files = _files(Path(argument))
            names += map(str, files)
            images += files
    return names, images


def _from_standard_input() -> "ImageLike":
    from ...runtime.images.reading import decode_image

    if sys.stdin is None:  # pyright: ignore[reportUnnecessaryComparison]  (None where it is closed)
        raise InvalidFileError("standard input is closed")
    content = sys.stdin.buffer.read(_MAX_IMAGE_BYTES + 1)
    if len(content) > _MAX_IMAGE_BYTES:
        raise InvalidFileError(f"standard input has more than {_MAX_IMAGE_BYTES:,} bytes")
    if not content:
        raise InvalidFileError("standard input is empty")
    return decode_image(io.BytesIO(content), "standard input")


def _files(path: Path) -> list[Path]:
    from ...runtime.images.reading import IMAGE_SUFFIXES
    from ...runtime.io.files import is_folder

    if not is_folder(path):
        return [path]
    found = sorted(file for file in path.iterdir() if file.suffix.lower() in IMAGE_SUFFIXES)
    if not found:
        raise InvalidFileError(f"{path} holds no image files ({', '.join(IMAGE_SUFFIXES)})")
    return found
