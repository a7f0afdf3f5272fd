"""Labelled image sets: MNIST, or any `.npz` file in the Keras layout."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..runtime.description import DIGIT, RESIZE, Preprocessing
from ..runtime.errors import InvalidFileError, UnknownNameError, one_line
from ..runtime.files import check_file

# The public mirror that keras.datasets.mnist uses, and the digest of the file there.
MNIST_URL = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/mnist.npz"
MNIST_FILE_SHA256 = "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1"

# The content is what counts: the same arrays are found in differently packed files. See data/NOTICE.
MNIST_ARRAY_SHA256: Mapping[str, str] = {
    "x_train": "741c988805d008ac6e4c904b69001ba184c24b2c540a4ef403f4c71b676cf757",
    "y_train": "1feba77c54802fa5339a11837ea4b2866434b83314ec45192930f1df69120c13",
    "x_test": "6d87418db22cc8025d05968bec9bd5c3932904b23485740db143a061a2c9d161",
    "y_test": "ddeff807876a9661a1110d45c266c86239a3a1b7d37da0c3716a7a683c852ff5",
}
_ARRAYS = ("x_train", "y_train", "x_test", "y_test")
_CHECKOUT_FILE = Path(__file__).parents[1] / "data" / "mnist.npz"


@dataclass(frozen=True, kw_only=True, slots=True)
class Dataset:
    """Labelled images, split into those to learn from and those that only the final figure may see.

    Attributes:
        name: What the user asked for.
        x_train: uint8 array of shape (N, H, W, C), values 0-255.
        y_train: int64 array of shape (N,), positions in `classes`.
        x_test: Like `x_train`.
        y_test: Like `y_train`.
        classes: The labels.
        preprocessing: How a picture comes to be like these images.
        sha256: SHA-256 of each array's bytes as they were loaded, by the array's name.
    """

    name: str
    x_train: NDArray[np.uint8]
    y_train: NDArray[np.int64]
    x_test: NDArray[np.uint8]
    y_test: NDArray[np.int64]
    classes: tuple[str, ...]
    preprocessing: Preprocessing
    sha256: Mapping[str, str]

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Height, width and channels."""
        _, height, width, channels = self.x_train.shape
        return height, width, channels


def load_data(name: str | Path) -> Dataset:
    """Load ``"mnist"``, or an `.npz` file with arrays x_train, y_train, x_test and y_test.

    Raises:
        UnknownNameError: It is neither.
        InvalidFileError: The file is missing, broken or laid out otherwise.
    """
    if name == "mnist":
        return load_mnist()
    path = Path(name)
    if path.suffix != ".npz":
        raise UnknownNameError(f"unknown data {str(name)!r}; possible: mnist, or an .npz file")
    return _dataset(path.stem, _read_npz(path), path, RESIZE)


def load_mnist(*, checkout: Path = _CHECKOUT_FILE, cache: Path | None = None) -> Dataset:
    """Load MNIST: 60,000 training and 10,000 test images, 28x28x1 uint8, digits 0-9.

    Yann LeCun and Corinna Cortes hold the copyright; the data is available under CC BY-SA 3.0 (see data/NOTICE).

    Args:
        checkout: Where a checkout of edgeproof keeps the file; used if it is there.
        cache: The folder for the downloaded file; the user's cache folder by default. A file there is used, else
            it is downloaded from the mirror that Keras uses.

    Raises:
        InvalidFileError: The file does not hold the arrays of MNIST, whatever its source; it is left where it is.
    """
    path = checkout if checkout.is_file() else _cached_mnist(cache)
    arrays = _read_npz(path)
    for name, expected in MNIST_ARRAY_SHA256.items():
        found = _sha256(arrays[name])
        if found != expected:
            raise InvalidFileError(
                f"{path} is not MNIST: the sha256 of {name} is {found[:12]}… instead of {expected[:12]}…; "
                "remove or replace the file"
            )
    return _dataset("mnist", arrays, path, DIGIT)


def _sha256(array: NDArray[Any]) -> str:
    return hashlib.sha256(np.ascontiguousarray(array).data).hexdigest()


def _cached_mnist(cache: Path | None) -> Path:
    import pooch

    pooch.get_logger().setLevel("WARNING")  # errors come as exceptions; standard error is for one line
    folder = cache or Path(pooch.os_cache("edgeproof"))
    path = folder / "mnist.npz"
    # pooch would replace a cached file of another digest without a word; load_mnist refuses it instead.
    if path.is_file():
        return path
    try:
        # Downloads to a temporary name and moves the file into place when its digest is right.
        return Path(pooch.retrieve(MNIST_URL, f"sha256:{MNIST_FILE_SHA256}", fname=path.name, path=folder))
    except (OSError, ValueError) as error:
        raise InvalidFileError(f"cannot download MNIST from {MNIST_URL} to {path}: {one_line(error)[:150]}") from error


def _read_npz(path: Path) -> dict[str, NDArray[Any]]:
    check_file(path, "data file")
    try:
        # Opened here, because np.load leaves the file of a broken archive open.
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as archive:
            missing = [name for name in _ARRAYS if name not in archive]
            if missing:
                found = ", ".join(sorted(archive)) or "nothing"
                raise InvalidFileError(f"{path} has no {', '.join(missing)}; it holds {found}")
            arrays = {name: archive[name] for name in _ARRAYS}
    except InvalidFileError:
        raise
    # A damaged archive makes zipfile, zlib, NumPy's header parser or the allocator raise whatever they have.
    except Exception as error:
        raise InvalidFileError(f"{path} is not an .npz file that can be read: {one_line(error)[:200]}") from error
    for name, array in arrays.items():
        if not isinstance(array, np.ndarray):
            raise InvalidFileError(f"{name} of {path} is not a NumPy array")
    return arrays


def _dataset(name: str, arrays: Mapping[str, NDArray[Any]], path: Path, preprocessing: Preprocessing) -> Dataset:
    x_train, x_test = (_images(arrays[key], f"{key} of {path}") for key in ("x_train", "x_test"))
    if x_train.shape[1:] != x_test.shape[1:]:
        raise InvalidFileError(f"{path}: x_train has shape {x_train.shape}, x_test {x_test.shape}")
    y_train, y_test = (_flat(arrays[key]) for key in ("y_train", "y_test"))
    count = _class_count(y_train, f"y_train of {path}")
    return Dataset(
        name=name,
        x_train=x_train,
        y_train=_labels(y_train, len(x_train), count, f"y_train of {path}"),
        x_test=x_test,
        y_test=_labels(y_test, len(x_test), count, f"y_test of {path}"),
        classes=tuple(str(i) for i in range(count)),
        preprocessing=preprocessing,
        sha256={key: _sha256(arrays[key]) for key in _ARRAYS},
    )


def _images(array: NDArray[Any], what: str) -> NDArray[np.uint8]:
    shaped = array[..., np.newaxis] if array.ndim == 3 else array
    if array.dtype != np.uint8 or shaped.ndim != 4 or shaped.shape[3] not in (1, 3) or len(shaped) == 0:
        raise InvalidFileError(
            f"{what} is {array.dtype} of shape {array.shape}; images are uint8 of shape (N, H, W), (N, H, W, 1) or "
            "(N, H, W, 3)"
        )
    return shaped


def _flat(labels: NDArray[Any]) -> NDArray[Any]:
    """Some data sets of Keras have labels of shape (N, 1)."""
    return labels[:, 0] if labels.ndim == 2 and labels.shape[1] == 1 else labels


def _class_count(labels: NDArray[Any], what: str) -> int:
    if labels.ndim != 1 or labels.dtype.kind not in "iu" or len(labels) == 0 or labels.min() < 0:
        raise InvalidFileError(
            f"{what} is {labels.dtype} of shape {labels.shape}; labels are whole numbers from 0, (N,) or (N, 1)"
        )
    count = int(labels.max()) + 1
    if count > len(labels):
        raise InvalidFileError(
            f"{what} goes up to {count - 1} in {len(labels)} labels; classes are numbered without gaps"
        )
    absent = sorted(set(range(count)) - set(labels.tolist()))
    if count < 2 or absent:
        raise InvalidFileError(f"{what} has {count} class(es), none of {absent[:5]}; at least two, without gaps")
    return count


def _labels(array: NDArray[Any], images: int, classes: int, what: str) -> NDArray[np.int64]:
    if array.shape != (images,) or array.dtype.kind not in "iu" or array.min() < 0 or array.max() >= classes:
        raise InvalidFileError(f"{what} must hold {images} labels from 0 to {classes - 1}")
    return array.astype(np.int64)
