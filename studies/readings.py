"""Agreement of an exported model with Keras on files that Keras's own loader reads.

    python -m studies.readings --images 10000 --seed 0

Fashion-MNIST becomes files as people have them: colours, sizes from 40 to 120 pixels, JPEG of several qualities, PNG
with and without transparency, BMP, GIF, EXIF's orientations. A small network learns from them through
`image_dataset_from_directory`, is exported with each reading, and is asked about the test files.
"""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import keras
import numpy as np
from edgeproof.cli.arguments import positive, seed
from edgeproof.datasets.dataset import Dataset
from edgeproof.datasets.loading import load_data
from edgeproof.export.bundle import export_bundle
from edgeproof.export.options import ExportOptions
from edgeproof.runtime import Classifier
from edgeproof.runtime.bundle.model_metadata import READINGS
from edgeproof.runtime.bundle.recipes import choose_recipes
from numpy.typing import NDArray
from PIL import Image

from .commands import one_line_errors
from .results_store import write_json

SIZE = (32, 32)
_SIDES = (40, 121)  # of the files
_ORIENTATIONS = (1, 1, 1, 3, 6, 8)
_QUALITIES = (60, 75, 90, 95, 100)


@dataclass(frozen=True, kw_only=True, slots=True)
class Agreement:
    """Answers of an exported file and Keras's own to the same test files.

    Attributes:
        images: How many.
        agreeing: How many have the same top-1.
        largest: Largest difference of a probability.
        accuracy: Of the exported file.
        keras_accuracy: Of Keras with its own loader.
    """

    images: int
    agreeing: int
    largest: float
    accuracy: float
    keras_accuracy: float


def write_files(data: Dataset, folder: Path, count: int, seed: int) -> None:
    """Write test images and three times as many training images, at most, into a folder for each class."""
    rng = np.random.default_rng(seed)
    parts = {"train": (data.x_train[: 3 * count], data.y_train), "test": (data.x_test[:count], data.y_test)}
    for name, (images, labels) in parts.items():
        for label in range(len(data.classes)):  # names may have strokes in them
            (folder / name / str(label)).mkdir(parents=True, exist_ok=True)
        for position in range(len(images)):
            _write(folder / name / str(labels[position]) / f"{position:05}", images[position][:, :, 0], rng)


def _write(stem: Path, gray: NDArray[np.uint8], rng: np.random.Generator) -> None:
    width, height = rng.integers(*_SIDES, 2).tolist()
    ink, paper = rng.integers(0, 256, (2, 3))
    share = gray[..., np.newaxis] / 255.0
    clean = Image.fromarray((paper + (ink - paper) * share).astype(np.uint8)).resize((width, height))
    colour = Image.fromarray((np.asarray(clean) + rng.normal(0, 8, (height, width, 3))).clip(0, 255).astype(np.uint8))
    kind = rng.choice(["jpg", "jpg", "png", "rgba", "bmp", "gif"])
    exif = Image.Exif()
    exif[0x0112] = int(rng.choice(_ORIENTATIONS))
    if kind == "jpg":
        options = {"quality": int(rng.choice(_QUALITIES)), "subsampling": int(rng.integers(3)), "exif": exif}
        colour.save(stem.with_suffix(".jpg"), **options)
    elif kind == "rgba":
        colour.putalpha(Image.fromarray(np.maximum(gray, 40)).resize((width, height)))
        colour.save(stem.with_suffix(".png"))
    else:
        colour.save(stem.with_suffix(f".{kind}"))


def train(folder: Path, seed: int) -> keras.Model:
    """Train a small network on what Keras reads from a folder."""
    keras.utils.set_random_seed(seed)
    images = keras.utils.image_dataset_from_directory(folder, image_size=SIZE, batch_size=64, seed=seed, verbose=False)
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((*SIZE, 3)),
            layers.Rescaling(1 / 127.5, offset=-1.0),
            layers.Conv2D(16, 3, strides=2, activation="relu"),
            layers.Conv2D(32, 3, strides=2, activation="relu"),
            layers.Conv2D(32, 3, activation="relu"),
            layers.Flatten(),
            layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile(keras.optimizers.Adam(1e-3), "sparse_categorical_crossentropy")
    model.fit(images, epochs=6, shuffle=False, verbose=0)
    return model


def compare(photos: Path, model: keras.Model, seed: int) -> dict[str, Agreement]:
    """Export a model with each reading, and compare its answers with Keras's own to the files in `test`."""
    test = keras.utils.image_dataset_from_directory(
        photos / "test", image_size=SIZE, batch_size=64, shuffle=False, verbose=False
    )
    labels = np.concatenate([batch for _, batch in test])
    expected = model.predict(test, verbose=0)
    file = photos.parent / "model.keras"
    model.save(file)
    found: dict[str, Agreement] = {}
    for name, preprocessing in READINGS.items():
        bundle = photos.parent / name
        options = ExportOptions(recipes=choose_recipes(["float32"]), preprocessing=preprocessing, seed=seed)
        overrides = {"image_size": SIZE, "preprocessing": preprocessing}
        export_bundle(file, photos, bundle, options, data_options=overrides)
        answers = Classifier.load(bundle, variant="float32.tflite").probabilities(test.file_paths)
        found[name] = agreement(answers, expected, labels)
    return found


def agreement(answers: NDArray[np.float32], expected: NDArray[np.float32], labels: NDArray[np.int32]) -> Agreement:
    """Compare probabilities of shape (N, classes) with Keras's own, and both with the labels of shape (N,)."""
    return Agreement(
        images=len(labels),
        agreeing=int((answers.argmax(1) == expected.argmax(1)).sum()),
        largest=round(float(np.abs(answers - expected).max()), 4),
        accuracy=round(float((answers.argmax(1) == labels).mean()), 4),
        keras_accuracy=round(float((expected.argmax(1) == labels).mean()), 4),
    )


def measure(data: Dataset, count: int, seed: int) -> dict[str, Agreement]:
    """Return the agreement of each reading on `count` test files."""
    with tempfile.TemporaryDirectory() as folder:
        photos = Path(folder) / "photos"
        write_files(data, photos, count, seed)
        return compare(photos, train(photos / "train", seed), seed)


@one_line_errors
def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, and print a line for each reading."""
    parser = argparse.ArgumentParser(prog="python -m studies.readings", description=__doc__)
    parser.add_argument("--data", default="fashion-mnist", help="gray images (default: fashion-mnist)")
    parser.add_argument("--images", type=positive, default=10_000, help="test files (default: 10000)")
    parser.add_argument("--seed", type=seed, default=0, help="of files, weights and batches (default: 0)")
    parser.add_argument("--json", type=Path, help="write the figures to this file as well")
    options = parser.parse_args(arguments)
    found = measure(load_data(options.data), options.images, options.seed)
    for name, each in found.items():
        right, keras_right = each.accuracy * 100, each.keras_accuracy * 100
        sys.stdout.write(
            f"{name}: {each.agreeing:,} of {each.images:,} top-1 as Keras, largest difference {each.largest:.4f}; "
            f"right {right:.2f} %, Keras {keras_right:.2f} %\n"
        )
    if options.json is not None:
        write_json({name: asdict(each) for name, each in found.items()}, options.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
