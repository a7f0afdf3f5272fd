"""A bundle's golden vectors: images, with what the original and every file answer for them."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InvalidFileError
from ..io.npz import read_npz
from .manifest import Manifest, Variant
from .reader import read_vouched_file

# In the golden file, after a variant's name: its answers from LiteRT's other kernels, which round ties of integers
# differently from XNNPACK's, and have another softmax.
BUILTIN_KERNELS = "/builtin_kernels"
REFERENCE_KERNELS = "/reference_kernels"

# Some 32 images and their answers, unpacked: a hundred times what images of 224 x 224 take.
_MAX_BYTES = 2**29


@dataclass(frozen=True, kw_only=True, slots=True)
class GoldenVectors:
    """What a right machine answers.

    Attributes:
        inputs: uint8 images of shape (N, height, width, channels), N at least 1.
        reference: The original's probabilities for these, float32 of shape (N, classes).
        outputs: The raw outputs of the files, by their names in `golden.npz`; unchecked, so use `answers`.
    """

    inputs: NDArray[np.uint8]
    reference: NDArray[np.float32]
    outputs: Mapping[str, NDArray[Any]]

    def answers(self, variant: Variant) -> dict[str, NDArray[Any]]:
        """Return the right answers of a variant's file.

        Returns:
            Raw outputs of shape (N, classes) in the dtype of the file's output, by their names in `golden.npz`: one
            array, or more where other kernels' answers are known as well.

        Raises:
            InvalidFileError: There are none, or they do not fit the file.
        """
        if variant.name not in self.outputs:
            raise InvalidFileError(f"the golden vectors hold no answers of {variant.name}")
        names = [variant.name + kernels for kernels in ("", BUILTIN_KERNELS, REFERENCE_KERNELS)]
        names = [name for name in names if name in self.outputs]
        for name in names:
            _check(self.outputs[name], name, variant.output.dtype, self.reference.shape)
        return {name: self.outputs[name] for name in names}


def read_golden(folder: Path, manifest: Manifest) -> GoldenVectors:
    """Read and check the golden vectors of a bundle.

    Args:
        folder: The bundle.
        manifest: What `read_manifest` found there.

    Raises:
        InvalidFileError: They are missing, not those that the manifest vouches for, or do not fit it.
    """
    named = manifest.golden
    arrays = read_npz(read_vouched_file(folder, named.file, named.sha256), max_bytes=_MAX_BYTES)
    for name in ("inputs", "reference"):
        if name not in arrays:
            raise InvalidFileError(f"{named.file} holds no {name!r}")
    if named.images < 1:
        raise InvalidFileError(f"{named.file} holds no images")
    inputs, reference = arrays.pop("inputs"), arrays.pop("reference")
    _check(inputs, "inputs", "uint8", (named.images, *manifest.image.shape))
    _check(reference, "reference", "float32", (named.images, len(manifest.classes)))
    return GoldenVectors(inputs=inputs, reference=reference, outputs=arrays)


def _check(array: NDArray[Any], name: str, dtype: str, shape: tuple[int, ...]) -> None:
    if (array.dtype.name, array.shape) != (dtype, shape):
        raise InvalidFileError(
            f"golden {name!r} is {array.dtype.name} of shape {array.shape}; {dtype} of shape {shape} is needed"
        )
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise InvalidFileError(f"golden {name!r} holds numbers that are not finite")
