"""`edgeproof predict`."""

import argparse
import io
import json
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from ...runtime.bundle.manifest import MANIFEST_NAME
from ...runtime.bundle.recipes import ALL_VARIANTS
from ...runtime.errors import EdgeproofError, InvalidFileError, SpecMismatchError
from ...runtime.io.shortage import memory_needed_to
from ...runtime.pretrained import PRETRAINED
from ...runtime.text import visible
from ..arguments import READING_OPTIONS, add_table, given, positive, preprocessing_from

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ...runtime.classifier import Classifier
    from ...runtime.images.draft import JpegDecoding
    from ...runtime.images.reading import ImageLike
    from ...runtime.prediction import Prediction
    from ..bad_images import BadImage

    # A file, `_STANDARD_INPUT`, or why there is no image to read.
    _Source = Path | str | InvalidFileError

SCHEMA_VERSION = 2

_STANDARD_INPUT = "-"
_MAX_IMAGE_BYTES = 2**29
_MODEL_SUFFIXES = (".tflite", ".onnx", ".keras", ".h5", ".hdf5")


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
    parser.add_argument(
        "--skip-bad",
        action="store_true",
        help="exit with 0 where some images cannot be read; they are named all the same",
    )
    parser.add_argument("--json", action="store_true", help="print JSON, with the probability of every class")
    add_table(parser.add_argument_group("how images are read for a model file that does not say it"), READING_OPTIONS)


def run(options: argparse.Namespace) -> int:
    """Predict the images one after the other, print a line for each, and name those that cannot be read at the end."""
    from ...runtime.classifier import Classifier

    warnings.simplefilter("ignore")  # image decoders' warnings about damaged metadata
    sources = _sources(options.images)
    classifier = Classifier.load(
        options.model,
        preprocessing=preprocessing_from(given(options, READING_OPTIONS)),
        **given(options, ("engine", "variant", "threads", "trusted")),
    )
    # Wrong options are refused here: later, each image would be blamed for them.
    classifier.stream((), min_confidence=options.min_confidence, workers=options.workers)
    if options.show is not None:
        from ..sheet import check_sheet

        check_sheet(options.show, [source for _, source in sources if isinstance(source, Path)])
    answered: list[tuple[str, ImageLike, Prediction]] = []
    bad: list[BadImage] = []
    for name, image, answer in _answers(classifier, sources, options):
        if isinstance(answer, EdgeproofError):
            bad.append((name, str(answer)))
            continue
        answered.append((name, image, answer))
        if not options.json:
            certainty = f" ({answer.probability * 100:.1f} %)" if answer.probabilities.any() else ""
            print(f"{visible(name)}: {answer.label}{certainty}", flush=True)
    if options.json:
        print(_json(classifier, answered, bad), flush=True)
    if answered and options.show is not None:
        _show(options, classifier, answered)
    if bad:
        from ..bad_images import name_bad_images

        name_bad_images(bad, len(sources), accepted=options.skip_bad)
    return 0


def _show(
    options: argparse.Namespace, classifier: "Classifier", answered: "Sequence[tuple[str, ImageLike, Prediction]]"
) -> None:
    """Draw the sheet."""
    from ..sheet import write_sheet

    names, images, predictions = map(list, zip(*answered, strict=True))
    write_sheet(options.show, classifier, names, images, predictions)
    options.written = f"the drawing is in {options.show}"


def _answers(
    classifier: "Classifier", sources: "Sequence[tuple[str, _Source]]", options: argparse.Namespace
) -> "Iterator[tuple[str, ImageLike, Prediction | EdgeproofError]]":
    """Yield for each image its name, the image, and the answer or why there is none."""
    from ...runtime.images.draft import jpeg_decoding
    from ...runtime.images.reading import read_as_stored
    from ...runtime.parallel import map_in_order

    jpeg = jpeg_decoding(classifier.image, classifier.preprocessing)

    def answer(item: "tuple[str, _Source]") -> "tuple[str, ImageLike, Prediction | EdgeproofError]":
        name, source = item
        try:
            if isinstance(source, InvalidFileError):
                raise source
            image = read_as_stored(source, jpeg) if isinstance(source, Path) else _from_standard_input(jpeg)
        except InvalidFileError as error:
            return name, name, error
        # An InvalidFileError is the model's from here on, and ends the command.
        try:
            with memory_needed_to(f"predict {name}"):
                prediction = classifier.predict_one(image, min_confidence=options.min_confidence)
        except SpecMismatchError as error:
            return name, name, error
        return name, source if isinstance(source, Path) else image, prediction

    return map(answer, sources) if options.workers == 1 else map_in_order(answer, sources, options.workers)


def _json(
    classifier: "Classifier", answered: "Sequence[tuple[str, ImageLike, Prediction]]", bad: "Sequence[BadImage]"
) -> str:
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
            for name, _, prediction in answered
        ],
        "errors": [{"file": name, "error": visible(text)} for name, text in bad],
    }
    return json.dumps(document, indent=2, allow_nan=False)


def _sources(arguments: list[str]) -> "list[tuple[str, _Source]]":
    """Return the name of each image, and where it comes from; what holds no image has its error instead."""
    found: list[tuple[str, _Source]] = []
    for argument in arguments:
        if argument == _STANDARD_INPUT:
            if ("standard input", _STANDARD_INPUT) not in found:  # it can be read once
                found.append(("standard input", _STANDARD_INPUT))
        elif not argument:
            found.append(("''", InvalidFileError("the name of an image is empty")))
        else:
            found += _files(Path(argument), [other for other in arguments if other != argument])
    return found


def _from_standard_input(jpeg: "JpegDecoding | None") -> "ImageLike":
    from ...runtime.images.reading import decode_image

    if sys.stdin is None:  # pyright: ignore[reportUnnecessaryComparison]  (None where it is closed)
        raise InvalidFileError("standard input is closed")
    content = sys.stdin.buffer.read(_MAX_IMAGE_BYTES + 1)
    if len(content) > _MAX_IMAGE_BYTES:
        raise InvalidFileError(f"standard input has more than {_MAX_IMAGE_BYTES:,} bytes")
    if not content:
        raise InvalidFileError("standard input is empty")
    return decode_image(io.BytesIO(content), "standard input", jpeg)


def _files(path: Path, others: list[str]) -> "list[tuple[str, _Source]]":
    """Return the images of a folder, or a file; `others` are the command's other arguments."""
    from ...runtime.images.reading import IMAGE_SUFFIXES
    from ...runtime.io.files import is_folder

    if not is_folder(path):
        if path.suffix in _MODEL_SUFFIXES:
            raise _wrong_order(path, others)
        return [(str(path), path)]
    try:
        files = sorted(file for file in path.iterdir() if file.suffix.lower() in IMAGE_SUFFIXES)
    except OSError as error:
        return [(str(path), InvalidFileError(f"cannot read the folder {path}: {error.strerror}"))]
    if not files and (path / MANIFEST_NAME).exists():
        raise _wrong_order(path, others)
    empty = InvalidFileError(f"{path} holds no image files ({', '.join(IMAGE_SUFFIXES)})")
    return [(str(file), file) for file in files] or [(str(path), empty)]


def _wrong_order(model: Path, others: list[str]) -> InvalidFileError:
    from shlex import join

    command = join(["edgeproof", "predict", *(others or ["IMAGE"]), "--model", str(model)])
    return InvalidFileError(f"{model} is a model, not an image: {command}")
