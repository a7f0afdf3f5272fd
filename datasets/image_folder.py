"""A folder of pictures as a data set: a sub-folder for each class, in `train` and `test` or without them."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..runtime.bundle.model_metadata import RESIZE, ImageSpec, Preprocessing, check_fit
from ..runtime.errors import InvalidFileError, SpecMismatchError, one_line
from ..runtime.images.preprocess import prepare
from ..runtime.images.reading import IMAGE_SUFFIXES, read_image
from .dataset import DataOptions
from .image_listing import ImageFolder, file_remark, list_images, shown, sub_folders
from .splits import Split, Splits

# Larger pictures, even if all have one size, are hardly what a model is to take.
MAX_OWN_SIDE = 256
_DIGIT_SIDE = 28  # as MNIST's
_GRAY_MODES = {"1", "L", "LA", "I;16"}

_TRAIN, _TEST, _VALIDATION = "train", "test", ("val", "valid", "validation")
# How Pillow shows the file that it was given.
_PILLOWS_WORDS = re.compile(r" <_io\.\w+[^>]*>")
_NAMED, _LISTED = 3, 100


def read_folder(folder: Path, options: DataOptions) -> Splits:
    """Read a folder of pictures.

    Args:
        folder: Has a sub-folder for each class, or `train`, in which these are, and perhaps `test`. What is in `val`,
            `valid` or `validation` is added to `train`: whoever trains draws validation images from there.
        options: Which size and colours the pictures are brought to.

    Raises:
        InvalidFileError: The folder is laid out otherwise, a class is empty, or a picture cannot be read and is not to
            be skipped.
        SpecMismatchError: The pictures have several sizes, or are large, and no size is given.
    """
    listed, remarks = _listed(folder)
    train = listed[_TRAIN]
    classes = _classes(train)
    positions = {label: position for position, label in enumerate(classes)}
    for part in listed.values():
        unknown = [label for label in part.classes if label not in positions]
        if unknown:
            raise InvalidFileError(
                f"{part.root} has the folder {one_line(unknown[0])!r}, which is none of the classes in {train.root}: "
                f"{', '.join(classes[:20])}{', …' if len(classes) > 20 else ''}"
            )
    reader = _Reader(folder, options)
    found = {name: reader.read(part, positions) for name, part in listed.items()}
    reader.check_readable()
    learned = _joined([part for name, part in found.items() if name != _TEST])
    test = found.get(_TEST)
    _check_none_empty(learned, classes, train.root)
    reader.check_sizes()
    shape = reader.shape
    others = [path for part in listed.values() for path in (*part.others, *(() if part.classes else part.loose))]
    return Splits(
        name=one_line(folder.absolute().name),
        train=_as_part(learned, shape, folder),
        test=None if test is None or not test.paths else _as_part(test, shape, folder),
        classes=classes,
        preprocessing=reader.preprocessing,
        remarks=(
            *remarks,
            *file_remark(others, "left out, as no pictures of a class", folder),
            *reader.skipped(),
            *file_remark(reader.blank, "black for the model, because no digit was found in them", folder),
        ),
    )


def _listed(folder: Path) -> tuple[dict[str, ImageFolder], tuple[str, ...]]:
    """List the pictures of each part, by the name of its folder; of a folder without parts as those of `train`."""
    names = [entry.name for entry in sub_folders(folder)]
    whole = list_images(folder)
    # A class may be called train: then there are pictures in it, and no folders.
    if _TRAIN not in names or whole.classes[_TRAIN] or not sub_folders(folder / _TRAIN):
        return {_TRAIN: whole}, ()
    others = [name for name in names if name not in (_TRAIN, _TEST, *_VALIDATION)]
    if others:
        raise InvalidFileError(
            f"{folder} has {_TRAIN} and {one_line(others[0])!r} in it; possible beside {_TRAIN}: {_TEST}, "
            f"{', '.join(_VALIDATION)}"
        )
    merged = [name for name in names if name in _VALIDATION]
    listed = {name: list_images(folder / name) for name in names}
    return listed, tuple(
        f"the pictures in {name} are added to the training images, which validation images are drawn from"
        for name in merged
    )


def _classes(train: ImageFolder) -> tuple[str, ...]:
    if len(train.classes) < 2:
        raise InvalidFileError(
            f"{train.root} has {len(train.classes)} sub-folder(s); needed is one for each class, two at least, with "
            f"pictures in it ({', '.join(IMAGE_SUFFIXES)})"
        )
    for label in train.classes:
        if not label.isprintable():
            raise InvalidFileError(f"{train.root} has the folder {label!a:.60}, which is no label that can be printed")
    return tuple(train.classes)


class _Found:
    """The pictures of a part that could be read."""

    def __init__(self) -> None:
        self.paths: list[Path] = []
        self.labels: list[int] = []
        self.pixels: list[NDArray[np.uint8]] = []


class _Reader:
    """Reads pictures, and remembers what was wrong with them, so that all of it can be told at once."""

    def __init__(self, folder: Path, options: DataOptions) -> None:
        digit = options.preprocessing is not None and options.preprocessing.method == "digit"
        self.preprocessing: Preprocessing = options.preprocessing or RESIZE
        self.bad: dict[Path, str] = {}
        self.blank: list[Path] = []
        self._folder = folder
        self._skip_bad = options.skip_bad
        self._size = options.image_size or ((_DIGIT_SIDE, _DIGIT_SIDE) if digit else None)
        self._channels = options.channels or (1 if digit else None)
        self._all_gray = True
        self._sizes: Counter[tuple[int, int]] = Counter()
        if self._size is not None:
            # Before thousands of pictures are read.
            height, width = self._size
            check_fit(ImageSpec(height=height, width=width, channels=self._channels or 3), self.preprocessing)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width and channels of all pictures, once their sizes are checked."""
        height, width = self._size or next(iter(self._sizes))
        return height, width, self._channels or (1 if self._all_gray else 3)

    def read(self, part: ImageFolder, positions: Mapping[str, int]) -> _Found:
        """Read the pictures of a part, class by class."""
        found = _Found()
        for label, paths in part.classes.items():
            for path in paths:
                pixels = self._pixels(path)
                if pixels is not None:
                    found.paths.append(path)
                    found.labels.append(positions[label])
                    found.pixels.append(pixels)
        return found

    def _pixels(self, path: Path) -> NDArray[np.uint8] | None:
        """Return a picture of shape (H, W, C), with three channels where it is still open how many there are.

        Where the sizes are such that they will be complained of, nothing of it is kept.
        """
        try:
            image = read_image(path)
            height, width = self._size or (image.height, image.width)
            spec = ImageSpec(height=height, width=width, channels=self._channels or 3)
            prepared = prepare(image, spec, self.preprocessing)
        except (InvalidFileError, SpecMismatchError) as error:
            self.bad[path] = one_line(error)
            return None
        self._all_gray &= image.mode in _GRAY_MODES
        self._sizes[image.height, image.width] += 1
        if prepared.blank:
            self.blank.append(path)
        kept = self._size is not None or (len(self._sizes) == 1 and max(height, width) <= MAX_OWN_SIDE)
        return prepared.pixels[0] if kept else np.zeros((0, 0, 0), np.uint8)

    def check_readable(self) -> None:
        """Refuse pictures that cannot be read, unless they are to be skipped."""
        if not self.bad or self._skip_bad:
            return
        named = "; ".join(self._complaint(path) for path in list(self.bad)[:_NAMED])
        more = "; …" if len(self.bad) > _NAMED else ""
        count = "1 picture" if len(self.bad) == 1 else f"{len(self.bad):,} pictures"
        raise InvalidFileError(
            f"{count} in {self._folder} cannot be read: {named}{more}; repair or remove them, or leave them out with "
            "--skip-bad"
        )

    def skipped(self) -> tuple[str, ...]:
        """Return a sentence that lists the pictures that were skipped; none where there are none."""
        if not self.bad:
            return ()
        one = len(self.bad) == 1
        reason = "it cannot be read as a picture" if one else "they cannot be read as pictures"
        listed = ", ".join(shown(path, self._folder) for path in list(self.bad)[:_LISTED])
        return (
            f"{len(self.bad):,} of the folder's files {'is' if one else 'are'} skipped, because {reason}: {listed}"
            f"{', …' if len(self.bad) > _LISTED else ''}",
        )

    def _complaint(self, path: Path) -> str:
        # The message begins with the path as well, or names it; the user knows the file by its place in the folder.
        told = _PILLOWS_WORDS.sub("", self.bad[path]).replace(f"{path}: ", "").replace(str(path), "it")
        return f"{shown(path, self._folder)} ({told[:100]})"

    def check_sizes(self) -> None:
        """Refuse pictures of several sizes, or of a large one, where nothing says what to bring them to."""
        if self._size is not None:
            return
        sides = {max(size) for size in self._sizes}
        if len(self._sizes) == 1 and max(sides) <= MAX_OWN_SIDE:
            return
        named = ", ".join(
            f"{height} x {width} ({count:,})" for (height, width), count in self._sizes.most_common(_NAMED)
        )
        more = ", …" if len(self._sizes) > _NAMED else ""
        many = f"{len(self._sizes):,} sizes" if len(self._sizes) > 1 else f"a size above {MAX_OWN_SIDE}"
        raise SpecMismatchError(
            f"{self._folder} has pictures of {many}, height x width: {named}{more}; say which one the model is to "
            "take: --image-size HEIGHT WIDTH"
        )


def _joined(parts: Iterable[_Found]) -> _Found:
    joined = _Found()
    for part in parts:
        joined.paths += part.paths
        joined.labels += part.labels
        joined.pixels += part.pixels
    return joined


def _check_none_empty(train: _Found, classes: Sequence[str], root: Path) -> None:
    counts = np.bincount(train.labels, minlength=len(classes))
    for label, count in zip(classes, counts, strict=True):
        if not count:
            possible = ", ".join(IMAGE_SUFFIXES)
            raise InvalidFileError(f"{root / label} holds no pictures ({possible}); remove the folder, or fill it")


def _as_part(found: _Found, shape: tuple[int, int, int], folder: Path) -> Split:
    images = np.empty((len(found.pixels), *shape), np.uint8)
    for row, pixels in zip(images, found.pixels, strict=True):
        # Of a gray picture all channels are the same.
        row[:] = pixels[:, :, : shape[2]]
    return Split(
        images=images,
        labels=np.array(found.labels, np.int64),
        names=[shown(path, folder) for path in found.paths],
    )
