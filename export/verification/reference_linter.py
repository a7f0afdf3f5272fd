"""Lints the reference's own answers: files that agree with a model at chance are as wrong as it is."""

import shlex
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ...metrics.chance import CONSTANT, are_alike, as_many_of_each, count_hits, dominant_answer
from ...metrics.class_order import ClassOrder, find_class_order
from ...runtime.text import visible

Answered = tuple[NDArray[np.float32], NDArray[np.int64]]

_CAUSES = (
    "likely causes: pixels in another range than the model takes (export --input-range), classes in another order "
    "(export --labels), images read otherwise than in its training (export --reading keras-dataset, "
    "--no-antialias), preprocessing that was left out of the model, or too little training"
)
# Longer lists of labels do not fit on a command line, nor in a message.
_MOST_LETTERS = 2000


def lint_answers(probabilities: NDArray[np.float32], labels: NDArray[np.int64], classes: Sequence[str]) -> list[str]:
    """Return a warning if the reference answers training images by chance, or nearly all of them alike.

    Args:
        probabilities: The reference's, float32 of shape (N, classes).
        labels: The true classes, shape (N,).
        classes: Their names.
    """
    warning = describe_chance(probabilities, labels, classes, "training images")
    return [] if warning is None else [warning]


def describe_chance(
    probabilities: NDArray[np.float32], labels: NDArray[np.int64] | None, classes: Sequence[str], images: str
) -> str | None:
    """Return why comparing files with the reference says nothing, and likely causes; None where nothing shows that.

    Args:
        probabilities: The reference's, float32 of shape (N, classes).
        labels: The true classes, shape (N,); None where they are not known.
        classes: Their names.
        images: What the images are, in the plural.
    """
    if are_alike(probabilities):
        return (
            f"the model gives all {len(probabilities)} {images} the same probabilities, up to {CONSTANT:g}: it is not "
            "trained, or takes other values than pixels from 0 to 255 (see --input-range); how close its files come to "
            "it says nothing"
        )
    if labels is None or len(labels) == 0:
        return None
    answers = probabilities.argmax(axis=1)
    problem = _dominance(answers, labels, classes, images) or _chance(answers, labels, images)
    return problem and f"{problem}; {_CAUSES}; how close its files come to it says nothing"


def lint_class_order(
    found_on: Answered, confirmed_on: Answered, classes: Sequence[str], own_classes: Sequence[str]
) -> list[str]:
    """Return a warning with the `--labels` to type if the model's classes are in another order than these.

    Args:
        found_on: The reference's probabilities, float32 of shape (N, classes), and the true classes, shape (N,).
        confirmed_on: The same of other training images.
        classes: The names of the classes, as the data has them.
        own_classes: The same in the data's own order.
    """
    found, confirmed = ((probabilities.argmax(axis=1), labels) for probabilities, labels in (found_on, confirmed_on))
    order = find_class_order(found, confirmed, len(classes))
    if order is None:
        return []
    labels = [classes[position] for position in order.classes]
    remedy = "leave out --labels" if labels == list(own_classes) else labels_option(labels)
    return [f"class order: {_described(order)}: {remedy}"]


def labels_option(labels: Sequence[str]) -> str:
    """Return what to type for these labels.

    >>> labels_option(["tabby cat", "dog"]), labels_option(["-1", "1"])
    ("say --labels 'tabby cat,dog'", 'say --labels=-1,1')
    """
    listed = ",".join(labels)
    if len(listed) > _MOST_LETTERS:
        return f"give --labels a file with a class on each line: {visible(', '.join(labels[:5]))}, ..."
    if any("," in label for label in labels):
        return f"printf '%s\\n' {shlex.join(labels)} > labels.txt, and say --labels labels.txt"
    return f"say --labels{'=' if listed.startswith('-') else ' '}{shlex.quote(listed)}"


def _described(order: ClassOrder) -> str:
    own, other, images = order.own, order.reordered, f"{order.own.images:,}"
    return (
        f"the model gets {own.right:,} of {images} training images right ({own.right / own.images * 100:.1f} %), and "
        f"{other.right:,} ({other.right / other.images * 100:.1f} %) if its outputs stand for the classes in another "
        "order, which was found on other images"
    )


def _dominance(answers: NDArray[np.intp], labels: NDArray[np.int64], classes: Sequence[str], images: str) -> str | None:
    dominant = dominant_answer(answers, labels)
    if dominant is None:
        return None
    count, there = int(np.sum(answers == dominant)), int(np.sum(labels == dominant))
    return (
        f"the model takes {count:,} of {len(labels):,} {images} for {visible(classes[dominant])!r}, which {there:,} are"
    )


def _chance(answers: NDArray[np.intp], labels: NDArray[np.int64], images: str) -> str | None:
    chosen = as_many_of_each(labels)
    if len(chosen) == 0:
        return None
    hits = count_hits(answers[chosen], labels[chosen])
    if not hits.is_near_chance:
        return None
    each = "" if len(chosen) == len(labels) else ", as many of each class,"
    return (
        f"the model gets {hits.right:,} of {hits.images:,} {images}{each} right, {hits.right / hits.images * 100:.1f} "
        f"%, which is not shown to be more than chance, {hits.by_chance * 100:.1f} %"
    )
