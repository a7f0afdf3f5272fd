"""A bundle's golden vectors: images with the answers of the reference and of every file."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InvalidFileError
from ..io.npz import outlines_in_npz, read_npz
from ..io.shortage import memory_needed_to
from .manifest import Manifest, Variant
from .reader import read_vouched_file

# Suffixes of names in the golden file: LiteRT's other kernels round ties otherwise than XNNPACK, and differ in softmax.
BUILTIN_KERNELS = "/builtin_kernels"
REFERENCE_KERNELS = "/reference_kernels"
_KERNELS = ("", BUILTIN_KERNELS, REFERENCE_KERNELS)

_MAX_BYTES = 2**29  # unpacked; a hundred times the size of 32 images of 224 x 224 with their answers


@dataclass(frozen=True, kw_only=True, slots=True)
class GoldenVectors:
    """Images with their right answers.

    Attributes:
        inputs: uint8 images of shape (N, height, width, channels), N at least 1.
        reference: The reference's probabilities, float32 of shape (N, classes).
        outputs: Raw outputs of the files, by their names in `golden.npz`; unchecked, so use `answers`.
    """

    inputs: NDArray[np.uint8]
    reference: NDArray[np.float32]
    outputs: Mapping[str, NDArray[Any]]

    def answers(self, variant: Variant) -> dict[str, NDArray[Any]]:
        """Return a variant's right answers by their names in `golden.npz`, those of other kernels included.

        They are raw outputs of shape (N, classes) in the dtype of the file's output.

        Raises:
            InvalidFileError: They are missing, or do not fit the file.
        """
        if variant.name not in self.outputs:
            raise InvalidFileError(f"the golden vectors hold no answers of {variant.name}")
        names = (variant.name + kernels for kernels in _KERNELS)
        found = {name: self.outputs[name] for name in names if name in self.outputs}
        for name, output in found.items():
            _check_layout(output, name, variant.output.dtype, self.reference.shape)
            _check_finite(output, name)
        return found


def read_golden(folder: Path, manifest: Manifest) -> GoldenVectors:
    """Read and check the golden vectors of the bundle in a folder.

    Raises:
        InvalidFileError: They are missing, or do not fit the manifest.
    """
    named = manifest.golden
    if named.images < 1:
        raise InvalidFileError(f"{named.file} holds no images")
    content = read_vouched_file(folder, named)
    answers = {variant.name + kernels for variant in manifest.variants for kernels in _KERNELS}
    needed = {
        "inputs": ("uint8", (named.images, *manifest.image.shape)),
        "reference": ("float32", (named.images, len(manifest.classes))),
    }
    outlines = outlines_in_npz(content, only={*needed, *answers})
    for name, (dtype, shape) in needed.items():
        if name not in outlines:
            raise InvalidFileError(f"{named.file} holds no {name!r}")
        _check_layout(outlines[name], name, dtype, shape)
    # Answers of another shape are not unpacked: `answers` refuses them by their outline, with the file that gave them.
    fitting = needed.keys() | {name for name in outlines if outlines[name].shape == needed["reference"][1]}
    with memory_needed_to(f"read {folder / named.file}"):
        arrays = {**outlines, **read_npz(content, max_bytes=_MAX_BYTES, only=fitting)}
    _check_finite(arrays["reference"], "reference")
    return GoldenVectors(inputs=arrays.pop("inputs"), reference=arrays.pop("reference"), outputs=arrays)


def _check_layout(array: NDArray[Any], name: str, dtype: str, shape: tuple[int, ...]) -> None:
    if (array.dtype.name, array.shape) != (dtype, shape):
        raise InvalidFileError(
            f"golden {name!r} is {array.dtype.name} of shape {array.shape}; {dtype} of shape {shape} is needed"
        )


def _check_finite(array: NDArray[Any], name: str) -> None:
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise InvalidFileError(f"golden {name!r} holds numbers that are not finite")
