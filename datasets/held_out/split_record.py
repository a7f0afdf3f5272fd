"""The split file of a training: digests of the images that were held out from it and of those that it learned from.

It is beside the model, and in its bundle for the test images alone. Images are known by their pixels as the model takes
them, so that files may be renamed, added and removed; their names are not in it.
"""

import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...runtime.bundle.model_metadata import Preprocessing
from ...runtime.errors import InvalidFileError, foreign_errors
from ...runtime.io.checked_json import parse
from ...runtime.io.decode import encode
from ...runtime.io.npz import read_npz
from ..split import Split

SPLIT_NAME = "split.npz"
SCHEMA_VERSION = 1

# Of a SHA-256: no two of a million images have the same by chance, and half as much to carry.
_BYTES = 16
_MAX_BYTES = 2**30
_ABOUT = "about"


@dataclass(frozen=True, kw_only=True, slots=True)
class SplitRecord:
    """The split of a training.

    Attributes:
        reading: Shape and preprocessing of the images, JSON-serializable; digests of another reading do not compare.
        test_share: Share of the images that was drawn as test images.
        split_seed: Of the draw.
        test: The test images' digests, each with the names of its labels: several where copies contradict each other.
        validation: Digests of the images that the training validated on.
        train: Digests of those that it learned from.
    """

    reading: Mapping[str, object]
    test_share: float
    split_seed: int
    test: Mapping[bytes, tuple[str, ...]]
    validation: frozenset[bytes] = frozenset()
    train: frozenset[bytes] = frozenset()

    def sides(self, digests: Sequence[bytes]) -> list[bool | None]:
        """Return for the SHA-256 of each image's pixels whether it is a test image; None for images not known."""
        used = self.train | self.validation
        return [True if one in self.test else False if one in used else None for one in map(short, digests)]

    def relabelled(self, split: Split, classes: Sequence[str]) -> list[int]:
        """Return the positions of test images that have another label in `split` than they had in the training."""
        return [
            position
            for position, (digest, label) in enumerate(zip(split.digests, split.labels.tolist(), strict=True))
            if classes[label] not in self.test.get(short(digest), (classes[label],))
        ]

    def to_bytes(self) -> bytes:
        """Return the content of the file; equal records give equal bytes."""
        names = sorted({name for labels in self.test.values() for name in labels})
        places = {name: place for place, name in enumerate(names)}
        rows = sorted((digest, places[name]) for digest, labels in self.test.items() for name in labels)
        about = {
            "schema_version": SCHEMA_VERSION,
            "reading": self.reading,
            "test_share": self.test_share,
            "split_seed": self.split_seed,
            "labels": names,
        }
        text = json.dumps(about, sort_keys=True).encode()
        buffer = io.BytesIO()
        np.savez_compressed(
            buffer,
            allow_pickle=False,
            about=np.frombuffer(text, np.uint8),
            test=_packed(digest for digest, _ in rows),
            test_labels=np.array([place for _, place in rows], np.int32),
            validation=_packed(sorted(self.validation)),
            train=_packed(sorted(self.train)),
        )
        return buffer.getvalue()


def short(digest: bytes) -> bytes:
    """Return the part of an image's SHA-256 that a split file has."""
    return digest[:_BYTES]


def describe_reading(shape: tuple[int, int, int], preprocessing: Preprocessing) -> dict[str, object]:
    """Return how images were read, as JSON gives it back."""
    return {"image": list(shape), "preprocessing": json.loads(json.dumps(encode(preprocessing)))}


def parse_split(content: bytes, called: str) -> SplitRecord:
    """Read the content of a split file without trust; messages name it as `called`.

    Raises:
        InvalidFileError: It is damaged, or from another schema version.
    """
    with foreign_errors(InvalidFileError, f"{called} is not a split file", caught=(InvalidFileError, KeyError)):
        arrays = read_npz(content, max_bytes=_MAX_BYTES)
        about = parse(_bytes_of(arrays[_ABOUT]), _ABOUT)
        version = about.get("schema_version").integer(1)
        if version != SCHEMA_VERSION:
            raise InvalidFileError(f"schema_version is {version}; this edgeproof reads {SCHEMA_VERSION}")
        names = [node.text() for node in about.get("labels").items()]
        test, places = _unpacked(arrays, "test"), arrays["test_labels"]
        if places.shape != (len(test),) or places.dtype.kind != "i" or not _are_within(places, len(names)):
            raise InvalidFileError("test_labels are not the places of labels, one for each test image")
        labels: dict[bytes, tuple[str, ...]] = {}
        for digest, place in zip(test, places.tolist(), strict=True):
            labels[digest] = (*labels.get(digest, ()), names[place])
        return SplitRecord(
            reading=about.get("reading").mapping(),
            test_share=about.get("test_share").open_share(),
            split_seed=about.get("split_seed").integer(0, 2**31 - 1),
            test=labels,
            validation=frozenset(_unpacked(arrays, "validation")),
            train=frozenset(_unpacked(arrays, "train")),
        )


def _packed(digests: Iterable[bytes]) -> NDArray[np.uint8]:
    return np.frombuffer(b"".join(digests), np.uint8).reshape(-1, _BYTES)


def _unpacked(arrays: Mapping[str, NDArray[Any]], name: str) -> list[bytes]:
    array = arrays[name]
    if array.ndim != 2 or array.shape[1] != _BYTES:
        raise InvalidFileError(f"{name} has the shape {array.shape!s:.60}; needed is (N, {_BYTES})")
    content = _bytes_of(array.reshape(-1))
    return [content[start : start + _BYTES] for start in range(0, len(content), _BYTES)]


def _bytes_of(array: NDArray[Any]) -> bytes:
    if array.dtype != np.uint8 or array.ndim != 1:
        raise InvalidFileError(f"{array.dtype} of shape {array.shape!s:.60} is not bytes")
    return array.tobytes()


def _are_within(places: NDArray[Any], count: int) -> bool:
    return not len(places) or bool(places.min() >= 0 and places.max() < count)
