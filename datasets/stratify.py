"""Split labelled images in two, class by class, reproducibly."""

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..runtime.errors import SpecMismatchError
from .dataset import Dataset


def stratified_split(
    labels: NDArray[np.int64],
    share: float,
    seed: int,
    digests: Sequence[bytes],
    sides: Sequence[bool | None] | None = None,
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the positions of the images that are held out, and of those that are used.

    Each class gives its share, rounded so that the total is as near to the share as possible. A class with two
    different images or more is on both sides, unless `sides` has it otherwise; a single image is used.

    Args:
        labels: The class of each image, shape (N,).
        share: Share of the images to hold out, between 0 and 1.
        seed: Seed of the draw.
        digests: Of each image's pixels. They alone decide what is held out, not names or order; a few images more or
            fewer hardly change the rest. Identical images stay on one side.
        sides: True for an image that is to be held out, False for one that is to be used, None for one to draw from;
            equal for identical images. None to draw from all.

    Returns:
        Two arrays of positions in ascending order, disjoint and together complete; neither is empty.

    Raises:
        SpecMismatchError: The share is out of range, or no class has two different images.
    """
    if not 0 < share < 1:
        raise SpecMismatchError(f"the share of a split is between 0 and 1, got {share:g}")
    classes = _groups(labels, seed, digests)
    sizes = {label: sum(map(len, groups)) for label, groups in classes.items()}
    divisible = {label: size for label, size in sizes.items() if len(classes[label]) > 1}
    if not divisible:
        raise SpecMismatchError(
            f"a split needs a class with two different images; the largest of {len(sizes)} class(es) has one"
        )
    quotas = _quotas(divisible, share, round(len(labels) * share))
    given = sides or [None] * len(labels)
    chosen = [position for label, groups in classes.items() for position in _taken(groups, quotas.get(label, 0), given)]
    held_out = np.isin(np.arange(len(labels)), chosen)
    return np.flatnonzero(held_out), np.flatnonzero(~held_out)


def validation_split(data: Dataset, share: float, seed: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the positions of the training images to validate on, and of those to learn from."""
    return stratified_split(data.y_train, share, seed, digests=data.train.digests)


def _groups(labels: NDArray[np.int64], seed: int, digests: Sequence[bytes]) -> dict[int, list[list[int]]]:
    """Return the groups of each class, the positions of images with the same pixels, in the order of holding out."""
    members: dict[bytes, list[int]] = {}
    for position, digest in enumerate(digests):
        members.setdefault(digest, []).append(position)

    def rank(digest: bytes) -> bytes:
        return hashlib.sha256(f"edgeproof split {seed}".encode() + digest).digest()

    classes: dict[int, list[list[int]]] = {int(label): [] for label in np.unique(labels)}
    for digest in sorted(members, key=rank):
        # Identical images with different labels count for the lowest class, whatever their order.
        classes[min(int(labels[position]) for position in members[digest])].append(members[digest])
    return classes


def _quotas(sizes: dict[int, int], share: float, total: int) -> dict[int, int]:
    """Divide the images to hold out among the classes, by largest remainders; each gives at least one and keeps one."""
    quotas = {label: min(max(int(size * share), 1), size - 1) for label, size in sizes.items()}
    step = 1 if sum(quotas.values()) < total else -1
    while sum(quotas.values()) != total:
        possible = [label for label in sizes if 1 <= quotas[label] + step < sizes[label]]
        if not possible:
            break
        quotas[max(possible, key=lambda label: step * (sizes[label] * share - quotas[label]))] += step
    return quotas


def _taken(groups: Sequence[list[int]], quota: int, sides: Sequence[bool | None]) -> list[int]:
    """Return the members of the groups that are to be held out, and of the first others that fit into the quota.

    These are of at least one group where the quota is above 0, and not of all.
    """
    taken = [position for group in groups for position in group if sides[group[0]]]
    free = [group for group in groups if sides[group[0]] is None]
    for group in free:
        if len(taken) + len(group) <= quota:
            taken += group
    return taken or (min(free, key=len) if free and quota else [])
