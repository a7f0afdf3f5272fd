"""`edgeproof predict`."""

import argparse
import json
from pathlib import Path

from ..runtime.variants import ALL_VARIANTS
from .options import positive

SCHEMA_VERSION = 1


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the verb's options."""
    parser.add_argument("images", nargs="+", type=Path, metavar="IMAGE", help="image files, or folders of them")
    parser.add_argument("--model", type=Path, required=True, help="a bundle, or a .tflite or .onnx file")
    parser.add_argument(
        "--variant", help=f"which variant of the bundle: {', '.join(ALL_VARIANTS)}, or an alias such as int8"
    )
    parser.add_argument("--engine", default="auto", help="auto, litert or onnxruntime (default: auto)")
    parser.add_argument("--threads", type=positive, default=1, help="threads of the engine (default: 1)")
    parser.add_argument("--json", action="store_true", help="print JSON, with the probability of every class")


def run(options: argparse.Namespace) -> int:
    """Predict and print one line per image, once all images have been read."""
    from ..runtime.classifier import Classifier

    classifier = Classifier.load(options.model, engine=options.engine, variant=options.variant, threads=options.threads)
    files = list(_image_files(options.images))
    predictions = classifier.predict(files)
    if options.json:
        rows = [
            {
                "image": str(file),
                "label": prediction.label,
                "probability": round(prediction.probability, 6),
                "probabilities": {
                    label: round(float(p), 6)
                    for label, p in zip(classifier.classes, prediction.probabilities, strict=True)
                },
            }
            for file, prediction in zip(files, predictions, strict=True)
        ]
        document = {"schema_version": SCHEMA_VERSION, "variant": classifier.variant, "predictions": rows}
        print(json.dumps(document, indent=2, ensure_ascii=False))
        return 0
    for file, prediction in zip(files, predictions, strict=True):
        print(f"{file}: {prediction.label} ({prediction.probability * 100:.1f} %)")
    return 0


def _image_files(paths: list[Path]) -> list[Path]:
    from ..runtime.errors import InvalidFileError
    from ..runtime.preprocess import IMAGE_SUFFIXES

    files: list[Path] = []
    for path in paths:
        if not path.is_dir():
            files.append(path)
            continue
        found = sorted(file for file in path.iterdir() if file.suffix.lower() in IMAGE_SUFFIXES)
        if not found:
            raise InvalidFileError(f"{path} holds no image files ({', '.join(IMAGE_SUFFIXES)})")
        files += found
    return files
