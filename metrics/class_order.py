"""Find another order of the classes in which a classifier is right: its outputs are not in the labels' order."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .chance import Hits, count_hits
from .paired import mcnemar
from .scipy_modules import import_scipy

# Below this p-value another order is better than the labels' own: a false alarm would be far from the truth.
_LEVEL = 1e-3


@dataclass(frozen=True, kw_only=True, slots=True)
class ClassOrder:
    """An order of the classes that fits a classifier better than the labels' own.

    Attributes:
        classes: The class that each output stands for.
        own: Right answers in the labels' own order, on images that the order was not found on.
        reordered: Right answers on the same images in this order.
    """

    classes: tuple[int, ...]
    own: Hits
    reordered: Hits


def find_class_order(
    found_on: tuple[NDArray[np.intp], NDArray[np.int64]],
    confirmed_on: tuple[NDArray[np.intp], NDArray[np.int64]],
    classes: int,
) -> ClassOrder | None:
    """Return the order in which most answers are right; None if it is the labels' own, or not shown to be better.

    Of all orders some one is right by chance, the more so the fewer images: it counts if on other images it is better
    (exact McNemar test, p < 0.001), and agrees with the labels more than slightly (see `Hits.is_fair`).

    Args:
        found_on: Answers and true classes, each of shape (N,), of the images that the order is found on.
        confirmed_on: The same of other images.
        classes: Number of classes.
    """
    if min(len(found_on[1]), len(confirmed_on[1])) == 0:
        return None
    order = best_order(*found_on, classes)
    answers, labels = confirmed_on
    reordered = order[answers]
    before, after = answers == labels, reordered == labels
    fixed, broken = int(np.sum(after & ~before)), int(np.sum(before & ~after))
    hits = count_hits(reordered, labels)
    if fixed <= broken or mcnemar(fixed, broken) >= _LEVEL or not hits.is_fair:
        return None
    return ClassOrder(classes=tuple(order.tolist()), own=count_hits(answers, labels), reordered=hits)


def best_order(answers: NDArray[np.intp], labels: NDArray[np.int64], classes: int) -> NDArray[np.intp]:
    """Return the class that each output stands for, shape (classes,), such that most answers are right.

    It is the assignment of outputs to classes with the most hits (Kuhn, The Hungarian Method for the Assignment
    Problem, Naval Research Logistics Quarterly 2, 1955, 83-97); of several such, one that keeps most outputs in place.

    Args:
        answers: Numbers of outputs, shape (N,).
        labels: The true classes, shape (N,).
        classes: Number of both.
    """
    hits = np.zeros((classes, classes), np.int64)
    np.add.at(hits, (answers, labels), 1)
    # A hit outweighs all places that are kept.
    _, order = import_scipy("optimize").linear_sum_assignment(
        hits * (classes + 1) + np.eye(classes, dtype=np.int64), maximize=True
    )
    return np.asarray(order, np.intp)
