"""Digits as a camera would show them: MNIST's images on lit, noisy, compressed paper, and how many are read rightly.

python -m studies.scenes [--model BUNDLE] [--images N] [--seed N] [--processes N] [--json FILE]
"""

import argparse
import io
import json
import os
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from edgeproof.device.environment import describe_environment
from edgeproof.metrics.paired import share
from edgeproof.metrics.types import Share
from edgeproof.runtime import Classifier, EdgeproofError, SpecMismatchError
from edgeproof.runtime.io.files import check_file
from edgeproof.runtime.prediction import NO_DIGIT
from numpy.typing import NDArray

DATA = Path(__file__).parents[1] / "data" / "mnist.npz"
SEED = 7

SIDES = (300, 800)
SCALES = (2.0, 8.0)
DEGREES = 5.0
SHADE = 0.4
NOISE = 8.0
JPEG_QUALITY = 70
_DARK, _LIGHT = (15.0, 90.0), (170.0, 250.0)

_work: tuple[Classifier, NDArray[np.uint8], int]


@dataclass(frozen=True, kw_only=True, slots=True)
class ScenesResult:
    """How a model did on scenes.

    Attributes:
        accuracy: Scenes whose digit was read rightly.
        no_digit: Scenes in which no digit was found; they count as wrong.
        clean_accuracy: The same images as MNIST has them.
        wrong: Positions of the scenes that were not read rightly.
    """

    accuracy: Share
    no_digit: Share
    clean_accuracy: Share
    wrong: tuple[int, ...]


def read_scenes(
    model: str | Path, images: NDArray[np.uint8], labels: NDArray[np.int64], *, seed: int, processes: int
) -> ScenesResult:
    """Make a scene of each image and let a model read it.

    Args:
        model: What `Classifier.load` takes; its preprocessing must be "digit" and its classes the ten digits.
        images: MNIST's images, uint8 of shape (N, 28, 28), light ink on black.
        labels: Their digits, shape (N,).
        seed: Draws the scenes.
        processes: How many processes share the work; the outcome does not depend on it.

    Raises:
        EdgeproofError: The model cannot be loaded, or is none that reads digits.
    """
    classifier = Classifier.load(model)
    digits = tuple(str(digit) for digit in range(10))
    if classifier.preprocessing.method != "digit" or classifier.classes != digits:
        raise SpecMismatchError(f"{model} does not look for digits in pictures; possible: mnist, or a bundle that does")
    clean = np.array([answer.label for answer in classifier.predict(images)])
    with ProcessPoolExecutor(processes, initializer=_start, initargs=(classifier, images, seed)) as pool:
        found = np.array(list(pool.map(_read, range(len(images)), chunksize=20)))
    truth = labels.astype(str)
    return ScenesResult(
        accuracy=share(int(np.sum(found == truth)), len(truth)),
        no_digit=share(int(np.sum(found == NO_DIGIT)), len(truth)),
        clean_accuracy=share(int(np.sum(clean == truth)), len(truth)),
        wrong=tuple(int(index) for index in np.flatnonzero(found != truth)),
    )


def _start(classifier: Classifier, images: NDArray[np.uint8], seed: int) -> None:
    """Keep in each process what all of its scenes need."""
    global _work
    _work = classifier, images, seed


def _read(index: int) -> str:
    classifier, images, seed = _work
    return classifier.predict_one(scene(images[index], seed, index)).label


def scenes(images: NDArray[np.uint8], labels: NDArray[np.int64], seed: int) -> Iterator[tuple[NDArray[np.uint8], int]]:
    """Yield one scene with its label for each image; see `scene`.

    Args:
        images: MNIST's images, uint8 of shape (N, 28, 28), light ink on black.
        labels: Their classes, shape (N,).
        seed: Draws everything.
    """
    for index, (image, label) in enumerate(zip(images, labels, strict=True)):
        yield scene(image, seed, index), int(label)


def scene(image: NDArray[np.uint8], seed: int, index: int) -> NDArray[np.uint8]:
    """Paste an image somewhere onto a canvas of paper, light it, add noise and compress it.

    Both sides of the canvas are drawn from `SIDES`, the enlargement from `SCALES`, the rotation from up to `DEGREES`
    either way, the place from wherever the whole image fits. Even indices are dark ink on light paper, odd ones light
    ink on dark. The light falls off in a straight line, by up to `SHADE` from one end of the canvas to the other.
    Gaussian noise has a standard deviation of `NOISE` grey levels; the JPEG is really encoded and decoded.

    Args:
        image: uint8 of shape (28, 28), light ink on black.
        seed: Draws the scene, together with `index` alone: it does not depend on which scenes were made before.
        index: The image's position in its data set.

    Returns:
        Grey picture, uint8 of shape (H, W), values 0-255.
    """
    draw = np.random.default_rng((seed, index))
    height, width = (int(side) for side in draw.integers(SIDES[0], SIDES[1] + 1, size=2))
    coverage = _pasted(image, height, width, draw)
    dark, light = draw.uniform(*_DARK), draw.uniform(*_LIGHT)
    paper, ink = (light, dark) if index % 2 == 0 else (dark, light)
    lit = (paper + (ink - paper) * coverage) * _light(height, width, draw)
    noisy = lit + NOISE * draw.standard_normal((height, width), dtype=np.float32)
    return _compressed(np.rint(noisy).clip(0, 255).astype(np.uint8))


def _pasted(image: NDArray[np.uint8], height: int, width: int, draw: np.random.Generator) -> NDArray[np.float32]:
    """Return how much ink covers each pixel of the canvas, 0-1."""
    from PIL import Image

    side = round(len(image) * draw.uniform(*SCALES))
    enlarged = Image.fromarray(image).resize((side, side), Image.Resampling.BICUBIC)
    turned = enlarged.rotate(draw.uniform(-DEGREES, DEGREES), Image.Resampling.BICUBIC)
    top, left = draw.integers(height - side + 1), draw.integers(width - side + 1)
    coverage = np.zeros((height, width), np.float32)
    coverage[top : top + side, left : left + side] = np.asarray(turned, np.float32) / 255
    return coverage


def _light(height: int, width: int, draw: np.random.Generator) -> NDArray[np.float32]:
    angle, shade = draw.uniform(0, 2 * np.pi), draw.uniform(0, SHADE)
    rows, columns = np.linspace(-1, 1, height)[:, np.newaxis], np.linspace(-1, 1, width)
    fall = np.sin(angle) * rows + np.cos(angle) * columns
    return (1 - shade * (fall / np.abs(fall).max() + 1) / 2).astype(np.float32)


def _compressed(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(picture).save(file, "JPEG", quality=JPEG_QUALITY)
    return np.asarray(Image.open(file))


def main(arguments: list[str]) -> int:
    """Print a model's accuracy on scenes of MNIST's test images."""
    parser = argparse.ArgumentParser(
        prog="python -m studies.scenes",
        description="Read digits in made photographs.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--model", default="mnist", help="a bundle, a model file or a built-in model")
    parser.add_argument("--data", type=Path, default=DATA, help="MNIST as an .npz file in the Keras layout")
    parser.add_argument("--images", type=_positive, default=10_000, help="how many test images, from the first")
    parser.add_argument("--seed", type=int, default=SEED, help="draws the scenes")
    parser.add_argument("--processes", type=_positive, default=os.cpu_count() or 1, help="processes to share the work")
    parser.add_argument("--json", type=Path, help="file to write the figures to")
    options = parser.parse_args(arguments)
    try:
        check_file(options.data, "data")
        with np.load(options.data) as data:
            images, labels = data["x_test"][: options.images], data["y_test"][: options.images].astype(np.int64)
        outcome = read_scenes(options.model, images, labels, seed=options.seed, processes=options.processes)
    except EdgeproofError as error:
        parser.error(str(error))
    sys.stdout.write(
        f"accuracy          {_text(outcome.accuracy)}\n"
        f"no digit found    {_text(outcome.no_digit)}\n"
        f"clean originals   {_text(outcome.clean_accuracy)}\n"
    )
    if options.json:
        figures = {
            "environment": describe_environment(),
            "data": {"name": options.data.name, "test_images": len(images), "seed": options.seed},
            "model": str(options.model),
            **asdict(outcome),
        }
        options.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    return 0


def _text(part: Share) -> str:
    return f"{part.value:.2%} ({part.low:.2%}–{part.high:.2%}), {part.count:,} of {part.images:,}"


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError
    return number


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
