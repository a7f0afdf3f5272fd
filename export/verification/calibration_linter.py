"""Lints calibration images before they are used: most accuracy that int8 loses is lost here."""

from collections.abc import Callable, Iterator, Sequence
from math import isfinite

import numpy as np
from numpy.typing import NDArray

from ...datasets.rows import Images, batches
from ..reference.source import Source
from ..samples import PIXELS
from ..tflite.activations import Activations

# Ranges settle within some hundreds of images; LiteRT's guide says 100 to 500.
FEW_IMAGES = 100
# Where one half has ranges this much wider, one image more could widen them again.
UNSTABLE_RATIO = 1.5
# A calibration on less of the pixels' range than this clips the rest.
COVERED_SHARE = 0.8
# Accuracy is compared on some hundreds of images: chance alone moves it by a few points.
CLEARLY_BETTER = 0.2
# Probabilities of one class that differ by less between all images: an untrained network's; a trained one's reach 1.
CONSTANT = 1e-4
_LIKELY_RANGES = (PIXELS, (0.0, 1.0), (-1.0, 1.0))


def lint_images(
    images: NDArray[np.uint8], labels: NDArray[np.int64], classes: Sequence[str], training: Images
) -> Iterator[str]:
    """Yield warnings about the images alone, each with its remedy.

    Args:
        images: The calibration images, uint8 of shape (N, H, W, C).
        labels: Their classes, shape (N,).
        classes: The names of the classes.
        training: The images that the model was trained on, uint8 of shape (M, H, W, C).
    """
    if len(images) < FEW_IMAGES:
        few = f"only {len(images)} calibration images"
        yield f"{few}: ranges settle with {FEW_IMAGES} to 500; bring more training images"
    missing = [name for index, name in enumerate(classes) if index not in set(labels.tolist())]
    if missing:
        listed = ", ".join(missing[:5]) + (", ..." if len(missing) > 5 else "")
        yield (
            f"no calibration image of {len(missing)} of {len(classes)} classes ({listed}): what only they activate "
            "will be clipped; bring images of them"
        )
    flat = images.reshape(len(images), -1)
    constant = int((flat.min(axis=1) == flat.max(axis=1)).sum())
    if constant:
        yield (
            f"{constant} of {len(images)} calibration images are of one colour: they say nothing of the ranges; "
            "look for broken files in the training images"
        )
    extremes = np.array([(batch.min(), batch.max()) for batch in batches(training)])
    low, high = int(extremes[:, 0].min()), int(extremes[:, 1].max())
    if high <= 1:
        yield (
            f"the training images go from {low} to {high}: they were scaled before they were saved as bytes; save raw "
            "pixels, 0-255"
        )
    elif int(images.max()) - int(images.min()) < COVERED_SHARE * (high - low):
        yield (
            f"calibration images go from {images.min()} to {images.max()}, training images from {low} to {high}: "
            "values beyond will be clipped; calibrate on more images, or choose another --seed"
        )


def lint_input_range(source: Source, images: NDArray[np.uint8], labels: NDArray[np.int64]) -> list[str]:
    """Return a warning if the model answers better with pixels scaled to another common range.

    Args:
        source: The model, with the input range that it is believed to have.
        images: Labelled training images, uint8 of shape (N, H, W, C).
        labels: Their classes, shape (N,).
    """
    accuracy = {}
    own_low, own_high = source.input_range
    for low, high in dict.fromkeys((source.input_range, *_LIKELY_RANGES)):
        # With this the wrapped model gives the reference inside it pixels scaled to (low, high).
        scaled = (low + images * ((high - low) / 255) - own_low) * (255 / (own_high - own_low))
        answers = source.model.predict(scaled.astype(np.float32), batch_size=100, verbose=0)
        accuracy[low, high] = float(np.mean(answers.argmax(axis=1) == labels))
    given = accuracy[source.input_range]
    best = max(accuracy, key=lambda value_range: accuracy[value_range])
    if accuracy[best] < given + CLEARLY_BETTER:
        return []
    return [
        f"the model gets {given * 100:.0f} % of {len(images)} training images right with pixels from {own_low:g} to "
        f"{own_high:g}, and {accuracy[best] * 100:.0f} % with pixels from {best[0]:g} to {best[1]:g}: "
        f"say --input-range {best[0]:g} {best[1]:g}"
    ]


def lint_answers(answers: NDArray[np.float32]) -> list[str]:
    """Return a warning if a model answers all images alike, so that comparing its files with it says nothing.

    Args:
        answers: The model's probabilities, float32 of shape (N, classes).
    """
    if not are_alike(answers):
        return []
    return [
        f"the model gives all {len(answers)} training images the same probabilities, up to {CONSTANT:g}: it is not "
        "trained, or takes other values than pixels from 0 to 255 (see --input-range); how close its files come to it "
        "says nothing"
    ]


def are_alike(answers: NDArray[np.float32]) -> bool:
    """Tell whether a model gives all images the same probabilities, float32 of shape (N, classes)."""
    return len(answers) > 0 and float(np.ptp(answers, axis=0).max()) <= CONSTANT


def lint_stability(activations: Activations, layer_of: Callable[[str], str | None]) -> list[str]:
    """Return a warning if tensors spread differently wide in two disjoint halves of the calibration images.

    Args:
        activations: What the tensors hold on these images, which are in random order.
        layer_of: Returns the Keras layer that a tensor's name tells; None if it tells none.
    """
    even, odd = activations.spreads
    ratios = {index: _ratio(even[index], odd[index]) for index in activations.names}
    worst = max(ratios, key=lambda index: ratios[index], default=None)
    if worst is None or ratios[worst] <= UNSTABLE_RATIO:
        return []
    unstable = sum(ratio > UNSTABLE_RATIO for ratio in ratios.values())
    layer = layer_of(activations.names[worst])
    place = f"in {activations.names[worst][-80:]!r}" if layer is None else f"in layer {layer!r}"
    how = f"most, {ratios[worst]:.1f} times" if isfinite(ratios[worst]) else "one has a single value in one of them"
    return [
        f"the ranges of {unstable} of {len(ratios)} tensors differ by more than {UNSTABLE_RATIO:g} times between two "
        f"halves of the calibration images ({how}, {place}): calibrate on more images with --calibration-images"
    ]


def _ratio(first: float, second: float) -> float:
    narrow, wide = sorted((first, second))
    if narrow < 0:  # there are no images in one half
        return 1.0
    return wide / narrow if narrow else float("inf") if wide else 1.0
