"""Accuracy on made photographs: MNIST's digits on lit, noisy, compressed paper.

python -m studies.scenes
"""

import argparse
import io
import os
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from edgeproof.cli.arguments import positive
from edgeproof.cli.arguments import seed as seed_type
from edgeproof.device.environment import describe_environment
from edgeproof.metrics.paired import share
from edgeproof.metrics.types import Share
from edgeproof.runtime import Classifier, SpecMismatchError
from edgeproof.runtime.prediction import NO_DIGIT
from numpy.typing import NDArray

from .commands import one_line_errors
from .data import MNIST, load_named
from .results_store import write_json

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
    """Figures of a model on scenes.

    Attributes:
        accuracy: Scenes that are classified correctly.
        no_digit: Scenes in which no digit is found; they count as wrong.
        clean_accuracy: MNIST's own images that are classified correctly.
        wrong: Positions of the scenes that are not classified correctly.
    """

    accuracy: Share
    no_digit: Share
    clean_accuracy: Share
    wrong: tuple[int, ...]


def classify_scenes(
    model: str | Path, images: NDArray[np.uint8], labels: NDArray[np.int64], *, seed: int, processes: int
) -> ScenesResult:
    """Make a scene of each image and classify it.

    Args:
        model: As for `Classifier.load`; its preprocessing must be "digit" and its classes the ten digits.
        images: MNIST's images, uint8 of shape (N, 28, 28), light ink on black.
        labels: Their digits, shape (N,).
        seed: Of the scenes.
        processes: Number of processes that share the work; the result does not depend on it.

    Raises:
        EdgeproofError: The model cannot be loaded, or does not look for digits.
    """
    classifier = Classifier.load(model)
    digits = tuple(str(digit) for digit in range(10))
    if classifier.preprocessing.method != "digit" or classifier.classes != digits:
        raise SpecMismatchError(f"{model} does not look for digits in images; possible: mnist, or a bundle that does")
    clean = np.array([answer.label for answer in classifier.predict(images)])
    with ProcessPoolExecutor(processes, initializer=_initialize, initargs=(classifier, images, seed)) as pool:
        found = np.array(list(pool.map(_classify, range(len(images)), chunksize=20)))
    truth = labels.astype(str)
    return ScenesResult(
        accuracy=share(int(np.sum(found == truth)), len(truth)),
        no_digit=share(int(np.sum(found == NO_DIGIT)), len(truth)),
        clean_accuracy=share(int(np.sum(clean == truth)), len(truth)),
        wrong=tuple(int(index) for index in np.flatnonzero(found != truth)),
    )


def _initialize(classifier: Classifier, images: NDArray[np.uint8], seed: int) -> None:
    """Hold the inputs of all scenes in a process."""
    global _work
    _work = classifier, images, seed


def _classify(index: int) -> str:
    classifier, images, seed = _work
    return classifier.predict_one(scene(images[index], seed, index)).label


def scenes(images: NDArray[np.uint8], labels: NDArray[np.int64], seed: int) -> Iterator[tuple[NDArray[np.uint8], int]]:
    """Yield one scene with its label for each image; see `scene`.

    Args:
        images: MNIST's images, uint8 of shape (N, 28, 28), light ink on black.
        labels: Their classes, shape (N,).
        seed: Of the scenes.
    """
    for index, (image, label) in enumerate(zip(images, labels, strict=True)):
        yield scene(image, seed, index), int(label)


def scene(image: NDArray[np.uint8], seed: int, index: int) -> NDArray[np.uint8]:
    """Paste an image somewhere onto a canvas of paper, light it, add noise and compress it.

    Both sides of the canvas are drawn from `SIDES`, the enlargement from `SCALES`, the rotation from up to `DEGREES`
    either way, the place from all where the whole image fits. Even indices are dark ink on light paper, odd ones light
    ink on dark. The light falls off in a straight line, by up to `SHADE` from one end of the canvas to the other.
    Gaussian noise has a standard deviation of `NOISE` grey levels; the JPEG is really encoded and decoded.

    Args:
        image: uint8 of shape (28, 28), light ink on black.
        seed: Of the random numbers, together with `index`: a scene does not depend on those made before it.
        index: The image's position in its data set.

    Returns:
        Grey image, uint8 of shape (H, W), values 0-255.
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


def _compressed(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(image).save(file, "JPEG", quality=JPEG_QUALITY)
    return np.asarray(Image.open(file))


@one_line_errors
def main(arguments: Sequence[str] | None = None) -> int:
    """Print a model's accuracy on scenes of MNIST's test images."""
    parser = argparse.ArgumentParser(
        prog="python -m studies.scenes",
        description=__doc__,
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    cores = os.cpu_count() or 1
    parser.add_argument("--model", default="mnist", help="a bundle, a model file or a built-in model")
    parser.add_argument("--data", default=MNIST, help="mnist, or digits laid out as MNIST in an .npz file")
    parser.add_argument("--images", type=positive, default=10_000, help="test images, from the first")
    parser.add_argument("--seed", type=seed_type, default=SEED, help="of the scenes")
    parser.add_argument("--processes", type=positive, default=cores, help="processes that share the work")
    parser.add_argument("--json", type=Path, help="write the figures to this file as well")
    options = parser.parse_args(arguments)
    data = load_named(options.data)
    images, labels = data.x_test[: options.images][:, :, :, 0], data.y_test[: options.images]
    found = classify_scenes(options.model, images, labels, seed=options.seed, processes=options.processes)
    sys.stdout.write(
        f"accuracy          {_text(found.accuracy)}\n"
        f"no digit found    {_text(found.no_digit)}\n"
        f"clean images      {_text(found.clean_accuracy)}\n"
    )
    if options.json is not None:
        source = {"name": data.name, "test_images": len(images), "seed": options.seed}
        environment = describe_environment()
        write_json({"environment": environment, "data": source, "model": options.model, **asdict(found)}, options.json)
    return 0


def _text(part: Share) -> str:
    return f"{part.value:.2%} ({part.low:.2%}–{part.high:.2%}), {part.count:,} of {part.images:,}"


if __name__ == "__main__":
    sys.exit(main())
