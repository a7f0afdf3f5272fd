"""The images that a bundle is tested on: a user's `.npz` file, IDX files or pictures, with labels or without."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..runtime.bundle.manifest import Manifest
from ..runtime.errors import InvalidFileError, SpecMismatchError, one_line
from ..runtime.images.preprocess import prepare
from ..runtime.images.reading import IMAGE_SUFFIXES
from ..runtime.io.files import is_folder, read_file
from ..runtime.io.npz import names_in_npz, read_npz
from .idx import holds_idx, read_idx_folder
from .image_listing import ImageFolder, file_remark, list_images

# The names of images and labels in an .npz file, in the order of preference; and in IDX files, where a training part
# without a test part is all that there is.
_TEST = ("x_test", "y_test")
_NPZ_NAMES, _IDX_NAMES = (_TEST, ("x", "y")), (_TEST, ("x_train", "y_train"))
_MAX_NPZ_BYTES = 2**34


@dataclass(frozen=True, kw_only=True, slots=True)
class EvaluationImages:
    """What every model is given.

    Attributes:
        name: What the user asked for.
        images: uint8 of shape (N, H, W, C) as the models take them, values 0-255; N is at least 1.
        labels: Positions in `classes`, int64 of shape (N,); None where they are not known.
        classes: The labels.
        remarks: What about them makes figures doubtful, in sentences without a full stop.
        meant_for_tests: Whether the data itself calls them its test part; else a model may have learned from them.
    """

    name: str
    images: NDArray[np.uint8]
    labels: NDArray[np.int64] | None
    classes: tuple[str, ...]
    remarks: tuple[str, ...] = ()
    meant_for_tests: bool = True

    @property
    def sha256(self) -> str:
        """Digest of pixels and labels, with their shapes."""
        digest = hashlib.sha256()
        for array in (self.images, self.labels):
            if array is not None:
                digest.update(f"{array.dtype.str} {array.shape}\n".encode())
                digest.update(np.ascontiguousarray(array).data)
        return digest.hexdigest()


def read_images(path: Path, manifest: Manifest) -> EvaluationImages:
    """Read the images that a bundle is to be tested on.

    Args:
        path: An `.npz` file with `x_test` and `y_test`, or `x` and `y`, the labels being optional; a folder of IDX
            files, called as MNIST's are; or a folder with pictures in a sub-folder for each class, or in no sub-folder
            where they have no labels. A folder that has `test` with these in it is read there.
        manifest: The bundle's: which images it takes, how pictures come to that, and what the classes are called.

    Raises:
        InvalidFileError: It is missing, empty, damaged or laid out otherwise.
        SpecMismatchError: The images have another size than the bundle's, or a label is none of its classes.
    """
    if is_folder(path):
        if not holds_idx(path):
            return _from_folder(path, manifest)
        arrays, remarks = read_idx_folder(path)
        return _from_arrays(one_line(path.absolute().name), arrays, _IDX_NAMES, path, manifest, remarks)
    if path.suffix != ".npz":
        raise InvalidFileError(
            f"no such data {str(path)!r}; possible: mnist, fashion-mnist, an .npz file, or a folder of pictures or "
            "of IDX files"
        )
    wanted = {name for names in _NPZ_NAMES for name in names}
    content = read_file(path, "data file")
    arrays = read_npz(content, max_bytes=_MAX_NPZ_BYTES, only=wanted)
    if not any(x in arrays for x, _ in _NPZ_NAMES):
        holds = one_line(", ".join(sorted(names_in_npz(content))))[:200] or "nothing"
        raise InvalidFileError(f"{path} has neither x_test nor x; it holds {holds}")
    return _from_arrays(one_line(path.stem), arrays, _NPZ_NAMES, path, manifest)


def check_images(found: EvaluationImages, manifest: Manifest) -> None:
    """Refuse images that the bundle cannot be tested on.

    Raises:
        InvalidFileError: There are none.
        SpecMismatchError: They have another size, or a label is none of the bundle's classes.
    """
    if len(found.images) == 0:
        raise InvalidFileError(f"the test set of {found.name} holds no images")
    if found.images.shape[1:] != manifest.image.shape:
        raise SpecMismatchError(
            f"the bundle takes images of shape {manifest.image.shape}, the data has {found.images.shape[1:]}"
        )
    labels, count = found.labels, len(manifest.classes)
    if labels is not None and not 0 <= labels.min() <= labels.max() < count:
        outside = labels.min() if labels.min() < 0 else labels.max()
        raise SpecMismatchError(
            f"{found.name} has the label {outside}; the bundle's {count} classes are numbered from 0 to {count - 1}"
        )


def _from_arrays(
    name: str,
    arrays: Mapping[str, NDArray[Any]],
    possible: Sequence[tuple[str, str]],
    path: Path,
    manifest: Manifest,
    remarks: tuple[str, ...] = (),
) -> EvaluationImages:
    """Take the first of the possible pairs of images and labels whose images are there."""
    x, y = next(names for names in possible if names[0] in arrays)
    found = EvaluationImages(
        name=name,
        images=_images(arrays[x], f"{x} of {path}"),
        labels=_labels(arrays[y], len(arrays[x]), f"{y} of {path}") if y in arrays else None,
        classes=manifest.classes,
        remarks=remarks,
        meant_for_tests=(x, y) == _TEST,
    )
    check_images(found, manifest)
    return found


def _images(array: NDArray[Any], what: str) -> NDArray[np.uint8]:
    shaped = array[..., np.newaxis] if array.ndim == 3 else array
    if array.dtype != np.uint8 or shaped.ndim != 4:
        raise InvalidFileError(
            f"{what} is {array.dtype} of shape {array.shape}; images are uint8 of shape (N, H, W) or (N, H, W, C)"
        )
    return shaped


def _labels(array: NDArray[Any], images: int, what: str) -> NDArray[np.int64]:
    flat = array[:, 0] if array.ndim == 2 and array.shape[1] == 1 else array  # as some data sets of Keras have them
    if flat.shape != (images,) or flat.dtype.kind not in "iu":
        raise InvalidFileError(
            f"{what} is {array.dtype} of shape {array.shape}; labels are whole numbers, one for each of {images} images"
        )
    return flat.astype(np.int64)


def _from_folder(path: Path, manifest: Manifest) -> EvaluationImages:
    has_test_part = is_folder(path / "test") and "test" not in manifest.classes
    listed = list_images(path / "test" if has_test_part else path)
    name = one_line(path.absolute().name)
    if not listed.classes:
        return _images_in(name, listed, {None: listed.loose}, manifest, meant_for_tests=has_test_part)
    positions = {label: position for position, label in enumerate(manifest.classes)}
    unknown = [label for label in listed.classes if label not in positions]
    if unknown:
        raise SpecMismatchError(
            f"{listed.root} has the folder {unknown[0]!r}, which is none of the bundle's classes: "
            f"{', '.join(manifest.classes[:20])}{', …' if len(manifest.classes) > 20 else ''}"
        )
    files = {positions[label]: paths for label, paths in listed.classes.items()}
    return _images_in(name, listed, files, manifest, meant_for_tests=has_test_part)


def _images_in(
    name: str,
    listed: ImageFolder,
    files: Mapping[int | None, Sequence[Path]] | Mapping[int, Sequence[Path]],
    manifest: Manifest,
    *,
    meant_for_tests: bool,
) -> EvaluationImages:
    pixels: list[NDArray[np.uint8]] = []
    labels: list[int | None] = []
    blank: list[Path] = []
    for label, paths in files.items():
        for path in paths:
            found = prepare(path, manifest.image, manifest.preprocessing)
            pixels.append(found.pixels)
            labels.append(label)
            blank += [path] * len(found.blank)
    if not pixels:
        raise InvalidFileError(f"the folder {name} holds no pictures ({', '.join(IMAGE_SUFFIXES)})")
    return EvaluationImages(
        name=name,
        images=np.concatenate(pixels),
        labels=None if None in labels else np.array(labels, np.int64),
        classes=manifest.classes,
        remarks=(
            *file_remark(listed.others, "left out, as no pictures of a class", listed.root),
            *file_remark(blank, "black for the models, because no digit was found in them", listed.root),
        ),
        meant_for_tests=meant_for_tests,
    )
