"""Lints calibration images before they are used: most accuracy that int8 loses is lost here."""

from collections.abc import Callable, Iterator, Sequence
from math import isfinite

import numpy as np
from numpy.typing import NDArray

from ...datasets.rows import Images, batches
from ...metrics.chance import as_many_of_each, count_hits
from ..reference.source import Source, predict
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
_MORE, _BRING = "calibrate on more images with --calibration-images", "bring more training images"
_LIKELY_RANGES = (PIXELS, (0.0, 1.0), (-1.0, 1.0))


def lint_images(
    images: NDArray[np.uint8],
    labels: NDArray[np.int64],
    classes: Sequence[str],
    training: Images,
    *,
    has_more: bool,
) -> Iterator[str]:
    """Yield warnings about the images alone, each with its remedy.

    Args:
        images: The calibration images, uint8 of shape (N, H, W, C).
        labels: Their classes, shape (N,).
        classes: The names of the classes.
        training: The images that the model was trained on, uint8 of shape (M, H, W, C).
        has_more: Whether there are more of them to calibrate on.
    """
    if len(images) < FEW_IMAGES:
        few = f"only {len(images)} calibration images"
        yield f"{few}: ranges settle with {FEW_IMAGES} to 500; {_MORE if has_more else _BRING}"
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
            f"values beyond will be clipped; {_MORE if has_more else _BRING}, or choose another --seed"
        )


def lint_input_range(source: Source, images: NDArray[np.uint8], labels: NDArray[np.int64]) -> list[str]:
    """Return a warning if the model answers better with pixels scaled to another common range.

    Args:
        source: The model, with the input range that it is believed to have.
        images: Labelled training images, uint8 of shape (N, H, W, C).
        labels: Their classes, shape (N,).
    """
    answers, accuracy = {}, {}
    own_low, own_high = source.input_range
    for low, high in dict.fromkeys((source.input_range, *_LIKELY_RANGES)):
        # With these the wrapped model gives the reference inside it pixels scaled to (low, high).
        scale, offset = (high - low) / (own_high - own_low), (low - own_low) * (255 / (own_high - own_low))
        answers[low, high] = predict(source.model, images, scale=scale, offset=offset).argmax(axis=1)
        accuracy[low, high] = float(np.mean(answers[low, high] == labels))
    given = accuracy[source.input_range]
    clearly = [value_range for value_range in accuracy if accuracy[value_range] >= given + CLEARLY_BETTER]
    better = [value_range for value_range in clearly if _is_above_chance(answers[value_range], labels)]
    if not better:
        return []
    best = max(better, key=lambda value_range: accuracy[value_range])
    return [
        f"the model gets {given * 100:.0f} % of {len(images)} training images right with pixels from {own_low:g} to "
        f"{own_high:g}, and {accuracy[best] * 100:.0f} % with pixels from {best[0]:g} to {best[1]:g}: "
        f"say --input-range {best[0]:g} {best[1]:g}"
    ]


def _is_above_chance(answers: NDArray[np.intp], labels: NDArray[np.int64]) -> bool:
    """Tell whether answers are shown to be: where one class is large, to give it to all images is often right."""
    chosen = as_many_of_each(labels)
    return len(chosen) > 0 and count_hits(answers[chosen], labels[chosen]).is_above_chance


def lint_stability(activations: Activations, layer_of: Callable[[str], str | None], *, has_more: bool) -> list[str]:
    """Return a warning if tensors spread differently wide in two disjoint halves of the calibration images.

    Args:
        activations: What the tensors hold on these images, which are in random order.
        layer_of: Returns the Keras layer that a tensor's name tells; None if it tells none.
        has_more: Whether there are more training images to calibrate on.
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
        f"halves of the calibration images ({how}, {place}): {_MORE if has_more else _BRING}"
    ]


def _ratio(first: float, second: float) -> float:
    narrow, wide = sorted((first, second))
    if narrow < 0:  # there are no images in one half
        return 1.0
    return wide / narrow if narrow else float("inf") if wide else 1.0
