"""The images that a bundle is tested on: a user's `.npz` file or folder, with labels or without."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..runtime.errors import InvalidFileError, SpecMismatchError, one_line
from ..runtime.files import read_file
from ..runtime.manifest import Manifest
from ..runtime.npz import read_npz
from ..runtime.pictures import IMAGE_SUFFIXES
from ..runtime.preprocess import prepare

# The names of images and labels in an .npz file, in the order of preference.
_NAMES = (("x_test", "y_test"), ("x", "y"))
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
    """

    name: str
    images: NDArray[np.uint8]
    labels: NDArray[np.int64] | None
    classes: tuple[str, ...]
    remarks: tuple[str, ...] = ()

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
        path: An `.npz` file with `x_test` and `y_test`, or `x` and `y`, the labels being optional; or a folder, with
            pictures in a sub-folder for each class, or in no sub-folder where they have no labels. A folder that has
            `test` with these in it is read there.
        manifest: The bundle's: which images it takes, how pictures come to that, and what the classes are called.

    Raises:
        InvalidFileError: It is missing, empty, damaged or laid out otherwise.
        SpecMismatchError: The images have another size than the bundle's, or a label is none of its classes.
    """
    if path.is_dir():
        return _from_folder(path, manifest)
    if path.suffix != ".npz":
        raise InvalidFileError(f"no such data {str(path)!r}; possible: mnist, an .npz file, or a folder of pictures")
    return _from_npz(path, manifest)


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


def _from_npz(path: Path, manifest: Manifest) -> EvaluationImages:
    arrays = read_npz(read_file(path, "data file"), max_bytes=_MAX_NPZ_BYTES)
    for x, y in _NAMES:
        if x in arrays:
            found = EvaluationImages(
                name=one_line(path.stem),
                images=_images(arrays[x], f"{x} of {path}"),
                labels=_labels(arrays[y], len(arrays[x]), f"{y} of {path}") if y in arrays else None,
                classes=manifest.classes,
            )
            check_images(found, manifest)
            return found
    raise InvalidFileError(f"{path} has neither x_test nor x; it holds {', '.join(sorted(arrays)) or 'nothing'}")


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
    root = path / "test" if (path / "test").is_dir() and "test" not in manifest.classes else path
    folders = sorted(entry for entry in root.iterdir() if entry.is_dir() and not entry.name.startswith("."))
    if not folders:
        return _pictures(one_line(path.absolute().name), root, {None: _files(root)}, manifest)
    positions = {label: position for position, label in enumerate(manifest.classes)}
    unknown = [folder.name for folder in folders if folder.name not in positions]
    if unknown:
        raise SpecMismatchError(
            f"{root} has the folder {unknown[0]!r}, which is none of the bundle's classes: "
            f"{', '.join(manifest.classes[:20])}{', …' if len(manifest.classes) > 20 else ''}"
        )
    return _pictures(
        one_line(path.absolute().name), root, {positions[folder.name]: _files(folder) for folder in folders}, manifest
    )


def _pictures(
    name: str, root: Path, files: Mapping[int | None, Sequence[Path]], manifest: Manifest
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
    used = {path for paths in files.values() for path in paths}
    unused = sorted(path for path in root.rglob("[!.]*") if path.is_file() and path not in used)
    return EvaluationImages(
        name=name,
        images=np.concatenate(pixels),
        labels=None if None in labels else np.array(labels, np.int64),
        classes=manifest.classes,
        remarks=(
            *_remark(unused, "left out, as no pictures of a class", root),
            *_remark(blank, "black for the models, because no digit was found in them", root),
        ),
    )


def _remark(paths: Sequence[Path], what: str, root: Path) -> list[str]:
    if not paths:
        return []
    first = one_line(str(paths[0].relative_to(root)))
    return [f"{len(paths):,} of the folder's files {'is' if len(paths) == 1 else 'are'} {what}, such as {first}"]


def _files(folder: Path) -> list[Path]:
    # Hidden ones are macOS's, beside each file on a foreign disk.
    return sorted(
        path for path in folder.iterdir() if path.suffix.lower() in IMAGE_SUFFIXES and not path.name.startswith(".")
    )
