"""Splits labelled images in two, class by class, the same way every time."""

import hashlib
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..runtime.errors import SpecMismatchError
from .dataset import Dataset
from .fingerprints import pixel_digests


class _Group(NamedTuple):
    """Images with the same pixels, which stay together.

    Attributes:
        rank: Groups are held out in its order.
        members: Their positions.
    """

    rank: bytes
    members: list[int]


def stratified_split(
    labels: NDArray[np.int64], share: float, seed: int, digests: Sequence[bytes]
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the positions of the images that are held out, and of those that are used.

    Each class gives its share, rounded so that the whole comes as near to the share as it can. A class of which there
    are two different images or more is on both sides; a single one is used.

    Args:
        labels: The class of each image, shape (N,).
        share: Of the images that are to be held out, between 0 and 1.
        seed: Another one holds out other images.
        digests: Of each image's pixels. Identical images stay on one side, and who is held out is decided by an
            image's own digest: neither names nor order matter, and a few images more or fewer hardly move the others.

    Returns:
        Two arrays of positions in ascending order, disjoint and together complete; neither is empty.

    Raises:
        SpecMismatchError: The share is none, or no class has two different images.
    """
    if not 0 < share < 1:
        raise SpecMismatchError(f"the share of a split is between 0 and 1, got {share:g}")
    classes = _groups(labels, seed, digests)
    sizes = {label: sum(len(group.members) for group in groups) for label, groups in classes.items()}
    divisible = {label: size for label, size in sizes.items() if len(classes[label]) > 1}
    if not divisible:
        raise SpecMismatchError(
            f"a split needs a class with two different images; the largest of {len(sizes)} class(es) has one"
        )
    quotas = _quotas(divisible, share, round(len(labels) * share))
    chosen = [position for label, quota in quotas.items() for position in _taken(classes[label], quota)]
    held_out = np.zeros(len(labels), bool)
    held_out[chosen] = True
    return np.flatnonzero(held_out), np.flatnonzero(~held_out)


def validation_split(data: Dataset, share: float, seed: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the positions of the training images that are validated on, and of those that are learned from."""
    return stratified_split(data.y_train, share, seed, digests=pixel_digests(data.x_train))


def _groups(labels: NDArray[np.int64], seed: int, digests: Sequence[bytes]) -> dict[int, list[_Group]]:
    """Return the groups of each class in the order of their ranks."""
    members: dict[bytes, list[int]] = {}
    for position, key in enumerate(digests):
        members.setdefault(key, []).append(position)
    start = hashlib.sha256(f"edgeproof split {seed}".encode())
    classes: dict[int, list[_Group]] = {int(label): [] for label in np.unique(labels)}
    for key, positions in members.items():
        ranking = start.copy()
        ranking.update(key)
        # Of identical images with different labels the first class decides, in whatever order they come.
        label = min(int(labels[position]) for position in positions)
        classes[label].append(_Group(rank=ranking.digest(), members=positions))
    for groups in classes.values():
        groups.sort()
    return classes


def _quotas(sizes: dict[int, int], share: float, total: int) -> dict[int, int]:
    """Divide the number of images to hold out among the classes, by the method of largest remainders.

    Every class gives one image at least, and keeps one.
    """
    quotas = {label: min(max(int(size * share), 1), size - 1) for label, size in sizes.items()}
    while sum(quotas.values()) < total:
        open_to_more = [label for label in sizes if quotas[label] < sizes[label] - 1]
        if not open_to_more:
            break
        quotas[max(open_to_more, key=lambda label: sizes[label] * share - quotas[label])] += 1
    while sum(quotas.values()) > total:
        open_to_less = [label for label in sizes if quotas[label] > 1]
        if not open_to_less:
            break
        quotas[min(open_to_less, key=lambda label: sizes[label] * share - quotas[label])] -= 1
    return quotas


def _taken(groups: Sequence[_Group], quota: int) -> list[int]:
    """Return the members of the first groups that the quota has room for; of at least one, and not of all."""
    taken: list[int] = []
    for group in groups:
        if len(taken) + len(group.members) <= quota:
            taken += group.members
    return taken or min(groups, key=lambda group: len(group.members)).members
