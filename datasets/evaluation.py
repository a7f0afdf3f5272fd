"""Read the images that a bundle is tested on: test images where the data has them, with labels or without."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..runtime.bundle.manifest import Manifest
from ..runtime.bundle.reader import read_manifest
from ..runtime.errors import InvalidFileError, SpecMismatchError
from ..runtime.io.files import is_folder
from ..runtime.text import visible
from .arrays import TEST_ARRAYS, TRAIN_ARRAYS, NamedArrays
from .builtin import BUILT_IN
from .dataset import renumber
from .held_out.held_out_images import read_split, select_held_out
from .images.listing import TEST, list_images, list_splits
from .images.progress import Progress
from .images.reader import ImageReader
from .layouts.remedy import in_numpy
from .loading import is_image_folder, load_data, read_arrays
from .recorded_split import bundle_options, find_recorded_split
from .rows import Images, batches, select
from .split import Split
from .wording import SUFFIXES, first_of

_PAIRS = (TEST_ARRAYS, *TRAIN_ARRAYS)


@dataclass(frozen=True, kw_only=True, slots=True)
class EvaluationImages:
    """The images that every model of a bundle is tested on.

    Attributes:
        name: The data set's name.
        images: uint8 of shape (N, H, W, C) as the models take them, values 0-255; N is at least 1.
        labels: Positions in `classes`, int64 of shape (N,); None where they are not known.
        classes: The labels.
        remarks: What makes results on them doubtful, in sentences without a full stop.
        is_test_split: Whether the data itself calls them its test images; else a model may have learned from them.
        skipped: Image files that could not be read: their names, and what was wrong with them.
        names: What a user knows each image as: a file's name below the folder, or a place in an array such as
            ``x_test[0]``; empty where none are known.
        digests: Of each image's pixels, where they were computed in reading; else empty.
    """

    name: str
    images: Images
    labels: NDArray[np.int64] | None
    classes: tuple[str, ...]
    remarks: tuple[str, ...] = ()
    is_test_split: bool = True
    skipped: tuple[tuple[str, str], ...] = ()
    names: Sequence[str] = ()
    digests: Sequence[bytes] = ()

    def __getitem__(self, positions: NDArray[np.intp]) -> "EvaluationImages":
        return replace(
            self,
            images=select(self.images, positions),
            labels=None if self.labels is None else self.labels[positions],
            names=[self.names[position] for position in positions.tolist()] if self.names else (),
            digests=[self.digests[position] for position in positions.tolist()] if self.digests else (),
        )

    @property
    def sha256(self) -> str:
        """Digest of pixels and labels, with their shapes."""
        digest = hashlib.sha256(f"{self.images.dtype.str} {self.images.shape}\n".encode())
        for batch in batches(self.images):
            digest.update(np.ascontiguousarray(batch).data)
        if self.labels is not None:
            digest.update(f"{self.labels.dtype.str} {self.labels.shape}\n".encode())
            digest.update(np.ascontiguousarray(self.labels).data)
        return digest.hexdigest()


def evaluation_images(
    name: str | Path | None,
    bundle: Path,
    *,
    skip_bad: bool = False,
    cache: Path | None = None,
    progress: Progress | None = None,
) -> EvaluationImages:
    """Return the images that a bundle is to be tested on.

    Args:
        name: ``"mnist"``, ``"fashion-mnist"``, or what `read_images` takes; of data without a test split, the images
            that the bundle records as held out. None for the built-in set of the training, or MNIST for digits.
        bundle: The bundle's folder, whose manifest says which images it takes.
        skip_bad: Whether to leave out image files that cannot be read, as long as others can be.
        cache: As in `load_data`.
        progress: As in `load_data`.

    Raises:
        UnknownNameError: There is no such data.
        InvalidFileError: The bundle or the images are missing or broken.
        SpecMismatchError: They do not fit each other.
    """
    manifest = read_manifest(bundle)
    chosen = _default(manifest) if name is None else name
    held_out = None if chosen in BUILT_IN else read_split(bundle, manifest)
    data = None
    if chosen in BUILT_IN:
        data = load_data(chosen)
    elif held_out is None:
        data = find_recorded_split(Path(chosen), manifest, cache=cache, progress=progress)
    if data is not None:
        return EvaluationImages(
            name=data.name,
            images=data.x_test,
            labels=renumber(data.y_test, data.classes, manifest.classes),
            classes=manifest.classes,
            remarks=data.remarks,
            skipped=data.skipped,
            names=data.test.names,
            digests=data.test.digests,
        )
    # What the training could not read is not among its held-out images.
    skips = skip_bad or held_out is not None
    found = read_images(Path(chosen), manifest, skip_bad=skips, cache=cache, progress=progress)
    if found.is_test_split:
        return found
    if held_out is not None:
        labels = np.zeros(len(found.images), np.int64) if found.labels is None else found.labels
        candidates = Split(images=found.images, labels=labels, names=found.names, digests=found.digests)
        kept, remarks = select_held_out(candidates, held_out, found.classes, labelled=found.labels is not None)
        found = replace(found, remarks=(*found.remarks, *remarks))
        if len(kept):
            return found[kept]
    remark = (
        "nothing vouches that the model has not learned from these images: they are not a test part, and not the data "
        "that the bundle says it was trained on"
    )
    return replace(found, remarks=(*found.remarks, remark))


def read_images(
    path: Path,
    manifest: Manifest,
    *,
    skip_bad: bool = False,
    cache: Path | None = None,
    progress: Progress | None = None,
) -> EvaluationImages:
    """Read images for a bundle: the test split, or all where there is none.

    Args:
        path: What `load_data` reads, also without labels (images alone, or in no sub-folder) or with fewer classes.
        manifest: The bundle's: which images it takes, how image files become such, and the classes.
        skip_bad: As in `evaluation_images`.
        cache: As in `load_data`.
        progress: As in `load_data`.

    Raises:
        UnknownNameError: It is not data of any kind.
        InvalidFileError: It is missing, empty, damaged or laid out otherwise.
        SpecMismatchError: The images have another size than the bundle's, or a label is not one of its classes.
    """
    if is_image_folder(path):
        return _from_folder(path, manifest, skip_bad, cache, progress)

    def check(source: NamedArrays) -> None:
        if any(x in source.arrays for x, _ in _PAIRS):
            check_images(_from_arrays(source, manifest), manifest)

    source = read_arrays(path, TEST_ARRAYS, check)
    if TEST_ARRAYS[0] not in source.arrays and not is_folder(path):
        source = read_arrays(path, check=check)
    found = _from_arrays(source, manifest)
    check_images(found, manifest)
    if found.labels is None:
        return found
    numbers = tuple(map(str, range(len(manifest.classes))))  # the names of an array's classes
    return replace(found, labels=renumber(found.labels, numbers, manifest.classes))


def check_images(found: EvaluationImages, manifest: Manifest) -> None:
    """Refuse images that the bundle cannot be tested on.

    Raises:
        InvalidFileError: There are none.
        SpecMismatchError: They have another size, or a label is not one of the bundle's classes.
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


def _default(manifest: Manifest) -> str:
    if manifest.data is not None and manifest.data.name in BUILT_IN and manifest.data.test_share is None:
        return manifest.data.name
    # Whatever data they were learned from, digits can be tested on MNIST.
    if manifest.classes == tuple("0123456789"):
        return "mnist"
    learned = f" of {visible(manifest.data.name)!r}" if manifest.data is not None else ""
    raise SpecMismatchError(
        f"the bundle's classes are {first_of(manifest.classes, 3)}: say where test images{learned} are with --data PATH"
    )


def _from_arrays(source: NamedArrays, manifest: Manifest) -> EvaluationImages:
    pairs = [pair for pair in _PAIRS if pair[0] in source.arrays]
    if not pairs:
        raise source.missing(("x_test", "x_train", "x"), "one of these is needed")
    x, y = pairs[0]
    images = source.images(x)
    count = len(manifest.classes)
    if (columns := source.columns.get(y, count)) != count:
        raise SpecMismatchError(f"{y} of {source.location} has {columns} columns; the bundle has {count} classes")
    labels = source.labels(y, len(images)).astype(np.int64) if y in source.arrays else None
    if labels is not None and labels.min() >= 1 and labels.max() == count:
        raise SpecMismatchError(
            f"{source.name} has the label {count}; the bundle's {count} classes are numbered from 0 to {count - 1}"
            f"{in_numpy([f'{y} = {y} - 1'])}"
        )
    return EvaluationImages(
        name=source.name,
        images=images,
        labels=labels,
        classes=manifest.classes,
        remarks=source.remarks,
        is_test_split=x == TEST_ARRAYS[0],
        names=[f"{x}[{position}]" for position in range(len(images))],
    )


def _from_folder(
    folder: Path,
    manifest: Manifest,
    skip_bad: bool,
    cache: Path | None,
    progress: Progress | None,
) -> EvaluationImages:
    has_test = is_folder(folder / TEST) and TEST not in manifest.classes
    listed = [list_images(folder / TEST)] if has_test else [*list_splits(folder).values()]
    is_labelled = any(part.classes for part in listed)
    if is_labelled:
        files = [file for part in listed for file in part.labelled(manifest.classes, "the bundle's classes")]
    else:
        files = [(path, 0) for part in listed for path in part.loose]
    reader = ImageReader(folder, bundle_options(manifest), cache=cache, progress=progress)
    found = reader.read(files).split
    if not (skip_bad and len(found.images)):
        reader.check_readable("repair or remove them")
    if not len(found.images):
        raise InvalidFileError(f"{folder} holds no images ({SUFFIXES})")
    return EvaluationImages(
        name=visible(folder.absolute().name),
        images=found.images,
        labels=found.labels if is_labelled else None,
        classes=manifest.classes,
        remarks=reader.remarks([path for part in listed for path in part.others]),
        is_test_split=has_test,
        skipped=reader.skipped,
        names=found.names,
        digests=found.digests,
    )
