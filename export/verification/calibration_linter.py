"""Looks at calibration images before they are used: most accuracy that int8 loses is lost here."""

import warnings
from collections.abc import Sequence
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..reference.source import Source
from ..samples import PIXELS

# Ranges settle within some hundreds of images; LiteRT's guide says 100 to 500.
FEW_IMAGES = 100
# A half whose ranges are this much wider says that one image more could widen them again.
UNSTABLE_RATIO = 1.5
# A calibration that sees less of the pixels' range than this clips what it has not seen.
COVERED_SHARE = 0.8
# Accuracy is compared on some hundreds of images: chance alone moves it by a few points.
CLEARLY_BETTER = 0.2
_LIKELY_RANGES = (PIXELS, (0.0, 1.0), (-1.0, 1.0))


def lint_images(
    images: NDArray[np.uint8],
    labels: NDArray[np.int64],
    classes: Sequence[str],
    training: NDArray[np.uint8],
) -> list[str]:
    """Look at the images alone.

    Args:
        images: The calibration images, uint8 of shape (N, H, W, C).
        labels: Their classes, shape (N,).
        classes: What the classes are called.
        training: The images that the model was trained on, uint8 of shape (M, H, W, C).

    Returns:
        Warnings, each with what to do about it; empty when there is nothing to say.
    """
    found = []
    if len(images) < FEW_IMAGES:
        found.append(
            f"only {len(images)} calibration images: ranges settle with {FEW_IMAGES} to 500; bring more training images"
        )
    missing = [name for index, name in enumerate(classes) if index not in set(labels.tolist())]
    if missing:
        found.append(
            f"no calibration image of {len(missing)} of {len(classes)} classes ({_listed(missing)}): what only they "
            "activate will be clipped; bring images of them"
        )
    flat = images.reshape(len(images), -1)
    constant = np.flatnonzero(flat.min(axis=1) == flat.max(axis=1))
    if len(constant):
        found.append(
            f"{len(constant)} of {len(images)} calibration images are of one colour: they say nothing of the ranges; "
            "look for broken files in the training images"
        )
    low, high = int(training.min()), int(training.max())
    if high <= 1:
        found.append(
            f"the training images go from {low} to {high}: they were scaled before they were saved as bytes; save raw "
            "pixels, 0-255"
        )
    elif int(images.max()) - int(images.min()) < COVERED_SHARE * (high - low):
        found.append(
            f"calibration images go from {images.min()} to {images.max()}, training images from {low} to {high}: "
            "values beyond will be clipped; calibrate on more images, or choose another --seed"
        )
    return found


def lint_input_range(source: Source, images: NDArray[np.uint8], labels: NDArray[np.int64]) -> list[str]:
    """See whether the model answers better when pixels are scaled as another common range.

    Args:
        source: The model, with the range that it is believed to take.
        images: Labelled training images, uint8 of shape (N, H, W, C).
        labels: Their classes, shape (N,).
    """
    accuracy = {}
    for low, high in dict.fromkeys((source.input_range, *_LIKELY_RANGES)):
        own_low, own_high = source.input_range
        # What the wrapped model must be given so that the original inside it gets pixels scaled to (low, high).
        scaled = (low + images * ((high - low) / 255) - own_low) * (255 / (own_high - own_low))
        answers = source.model.predict(scaled.astype(np.float32), batch_size=100, verbose=0)
        accuracy[low, high] = float(np.mean(answers.argmax(axis=1) == labels))
    given = accuracy[source.input_range]
    best = max(accuracy, key=lambda value_range: accuracy[value_range])
    if accuracy[best] < given + CLEARLY_BETTER:
        return []
    return [
        f"the model gets {given * 100:.0f} % of {len(images)} training images right with pixels from "
        f"{source.input_range[0]:g} to {source.input_range[1]:g}, and {accuracy[best] * 100:.0f} % with pixels from "
        f"{best[0]:g} to {best[1]:g}: say --input-range {best[0]:g} {best[1]:g}"
    ]


def lint_stability(model: bytes, images: NDArray[np.uint8]) -> list[str]:
    """Compare the ranges of all tensors between two disjoint halves of the images.

    Args:
        model: The float32 TFLite file, which has a tensor for every one that will be quantized.
        images: The calibration images, uint8 of shape (N, H, W, C), in random order.
    """
    if len(images) < 2:
        return []
    halves = [tensor_ranges(model, images[start::2]) for start in (0, 1)]
    ratios = {name: _ratio(halves[0][name], halves[1][name]) for name in halves[0]}
    worst = max(ratios, key=lambda name: ratios[name], default=None)
    if worst is None or ratios[worst] <= UNSTABLE_RATIO:
        return []
    unstable = sum(ratio > UNSTABLE_RATIO for ratio in ratios.values())
    return [
        f"the ranges of {unstable} of {len(ratios)} tensors differ by more than {UNSTABLE_RATIO:g} times between two "
        f"halves of the calibration images (most, {ratios[worst]:.1f} times, in {worst[-80:]!r}): calibrate on more "
        "images with --calibration-images"
    ]


def tensor_ranges(model: bytes, images: NDArray[np.uint8]) -> dict[str, float]:
    """Return how far the values of every tensor that depends on the image reach, largest minus smallest, by name."""
    litert: Any = import_module("ai_edge_litert.interpreter")
    with warnings.catch_warnings():
        # It warns that keeping all tensors takes memory; that is what is wanted here.
        warnings.simplefilter("ignore", UserWarning)
        interpreter = litert.Interpreter(model_content=model, num_threads=1, experimental_preserve_all_tensors=True)
        interpreter.allocate_tensors()
    computed = {index for node in interpreter._get_ops_details() for index in node["outputs"]}
    tensors = {
        tensor["index"]: tensor["name"]
        for tensor in interpreter.get_tensor_details()
        # Only these get a range; others are positions, sizes and decisions.
        if tensor["index"] in computed and tensor["name"] and tensor["dtype"] is np.float32
    }
    given = interpreter.get_input_details()[0]["index"]
    low = dict.fromkeys(tensors, np.inf)
    high = dict.fromkeys(tensors, -np.inf)
    for image in images:
        interpreter.set_tensor(given, image[np.newaxis].astype(np.float32))
        interpreter.invoke()
        for index in tensors:
            values = interpreter.get_tensor(index)
            low[index], high[index] = min(low[index], values.min()), max(high[index], values.max())
    return {name: float(high[index] - low[index]) for index, name in tensors.items()}


def _ratio(first: float, second: float) -> float:
    narrow, wide = sorted((first, second))
    if narrow == 0:  # no range at all in one half
        return 1.0 if wide == 0 else float("inf")
    return wide / narrow


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")
