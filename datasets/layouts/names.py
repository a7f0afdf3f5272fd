"""Names of arrays in `.npz` files: which of other names are those of images and labels."""

import math
import re
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

_PARTS = {"train": "_train", "training": "_train", "tr": "_train", "test": "_test", "testing": "_test", "te": "_test"}
_LEFT_OUT = {"val", "valid", "validation"}
_X = {"x", "xs", "img", "imgs", "image", "images", "data", "pixels", "features", "inputs"}
_Y = {"y", "ys", "label", "labels", "target", "targets", "class", "classes"}
_KNOWN = _PARTS.keys() | _LEFT_OUT | _X | _Y
_GLUED = re.compile("(train|test|val|valid)(?=x|y|img|image|data|label|target)|(?<=[xy])(train|test|val|valid)")


def rename_line(path: Path, outlines: Mapping[str, NDArray[Any]]) -> str | None:
    """Return the line of NumPy that saves a file's arrays under the names that are read.

    Args:
        path: The file.
        outlines: Arrays of the dtypes and shapes that are in it, by name.

    Returns:
        None where the names, and the shapes, leave open which arrays are images and labels.
    """
    names = _by_words(outlines) if any(_words(name) & _KNOWN for name in outlines) else _by_shapes(outlines)
    if names is None:
        return None
    pickled = ", allow_pickle=True" if any(outlines[name].dtype.kind == "O" for name in names.values()) else ""
    arrays = ", ".join(f"{read}=d[{name!r}]" for read, name in names.items())
    new = path.with_name(f"{path.stem}-renamed.npz")
    return f"d = np.load({str(path)!r}{pickled}); np.savez({str(new)!r}, {arrays})"


def _by_words(outlines: Mapping[str, NDArray[Any]]) -> dict[str, str] | None:
    """Find the arrays by the words in their names, such as `train_images` or `Xtest`."""
    found: dict[str, str] = {}
    for name in outlines:
        words = _words(name)
        kinds = [kind for kind, known in (("x", _X), ("y", _Y)) if words & known]
        parts = {_PARTS[word] for word in words & _PARTS.keys()}
        if len(kinds) != 1 or words & _LEFT_OUT:
            continue
        read = kinds[0] + "".join(parts)
        if len(parts) > 1 or read in found:
            return None
        found[read] = name
    if "x_train" in found:
        return _in_order(found, "x_train", "y_train", "x_test", "y_test")
    return _in_order(found, "x", "y") if "x" in found else None


def _words(name: str) -> set[str]:
    return set(re.split("[^a-z]+", _GLUED.sub(r"_\1\2_", name.lower())))


def _in_order(found: Mapping[str, str], *needed: str) -> dict[str, str] | None:
    """Return the arrays of these names; without a test part where it is not whole, None if the others are not there."""
    there = [name for name in needed if name in found]
    if there != list(needed):
        there = there[:2] if there[:2] == ["x_train", "y_train"] else []
    return {name: found[name] for name in there} or None


def _by_shapes(outlines: Mapping[str, NDArray[Any]]) -> dict[str, str] | None:
    """Find one or two pairs of arrays of the same length; the longer pair is for the training."""
    pairs: dict[int, list[str]] = defaultdict(list)
    for name, outline in outlines.items():
        pairs[len(outline) if outline.ndim else 0].append(name)
    if not 1 <= len(pairs) <= 2 or any(len(pair) != 2 for pair in pairs.values()):
        return None
    names = [("x", "y")] if len(pairs) == 1 else [("x_train", "y_train"), ("x_test", "y_test")]
    found: dict[str, str] = {}
    for (x, y), length in zip(names, sorted(pairs, reverse=True), strict=True):
        labels, images = sorted(pairs[length], key=lambda name: math.prod(outlines[name].shape[1:]))
        if math.prod(outlines[images].shape[1:]) == math.prod(outlines[labels].shape[1:]):
            return None
        found |= {x: images, y: labels}
    return found
