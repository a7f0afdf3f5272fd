"""Load the data sets that edgeproof knows by name, and check their digests."""

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path

from ..runtime.bundle.model_metadata import DIGIT, RESIZE
from ..runtime.errors import InvalidFileError, foreign_errors
from ..runtime.io.atomic import atomic_files
from ..runtime.io.files import read_file
from .fingerprints import array_sha256
from .idx import read_idx_folder
from .layouts.npz_file import read_npz_file
from .splits import Splits, splits_of_arrays

# The public mirror that keras.datasets uses.
MIRROR = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/"

MNIST_URL = f"{MIRROR}mnist.npz"
MNIST_FILE_SHA256 = "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1"
# Of the arrays, because the same ones are found in differently packed files. See data/NOTICE.
MNIST_ARRAY_SHA256: Mapping[str, str] = {
    "x_train": "741c988805d008ac6e4c904b69001ba184c24b2c540a4ef403f4c71b676cf757",
    "y_train": "1feba77c54802fa5339a11837ea4b2866434b83314ec45192930f1df69120c13",
    "x_test": "6d87418db22cc8025d05968bec9bd5c3932904b23485740db143a061a2c9d161",
    "y_test": "ddeff807876a9661a1110d45c266c86239a3a1b7d37da0c3716a7a683c852ff5",
}
_CHECKOUT_FILE = Path(__file__).parents[1] / "data" / "mnist.npz"

# The makers publish MD5, which detects damage; HTTPS keeps out forgeries.
FASHION_FILE_MD5: Mapping[str, str] = {
    "train-images-idx3-ubyte.gz": "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
    "train-labels-idx1-ubyte.gz": "25c81989df183df01b3e8a0aad5dffbe",
    "t10k-images-idx3-ubyte.gz": "bef4ecab320f06d8554ea6380940ec79",
    "t10k-labels-idx1-ubyte.gz": "bb300cfdad3c16e7a12a480ee83cd310",
}
FASHION_CLASSES = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)


def load_mnist_splits(*, checkout: Path = _CHECKOUT_FILE, cache: Path | None = None) -> Splits:
    """Load MNIST: 60,000 training and 10,000 test images, 28x28x1 uint8, digits 0-9.

    Yann LeCun and Corinna Cortes hold the copyright; the data is available under CC BY-SA 3.0 (see data/NOTICE).

    Args:
        checkout: The file in a checkout of edgeproof; used if it exists.
        cache: The folder for the download from Keras's mirror, unless the file is there; by default the user's cache.

    Raises:
        InvalidFileError: The file does not hold the arrays of MNIST; it is not removed.
    """
    path = checkout
    if not path.is_file():
        path = (cache or _cache()) / "mnist.npz"
        _download("MNIST", MNIST_URL, path, f"sha256:{MNIST_FILE_SHA256}")
    source = read_npz_file(path, MNIST_ARRAY_SHA256)
    for name, expected in MNIST_ARRAY_SHA256.items():
        found = array_sha256(source.arrays[name]) if name in source.arrays else "missing"
        _check_digest(f"{path} is not MNIST: the sha256 of {name}", found, expected)
    return splits_of_arrays(source._replace(name="mnist"), DIGIT)


def load_fashion_mnist_splits(*, cache: Path | None = None) -> Splits:
    """Load Fashion-MNIST: 60,000 training and 10,000 test images, 28x28x1 uint8, ten kinds of clothes, light on black.

    Zalando SE has the copyright; the data is available under the MIT licence.

    Args:
        cache: Like that of `load_mnist_splits`, for four files; by default `fashion-mnist` in the user's cache.

    Raises:
        InvalidFileError: A file there is not that of Fashion-MNIST; it is not removed.
    """
    folder = cache or _cache() / "fashion-mnist"
    for name, expected in FASHION_FILE_MD5.items():
        path = folder / name
        _download("Fashion-MNIST", MIRROR + name, path, f"md5:{expected}")
        found = hashlib.md5(read_file(path, "data file"), usedforsecurity=False).hexdigest()
        _check_digest(f"{path} is not of Fashion-MNIST: its md5", found, expected)
    # An unpacked copy beside them would be preferred, and its digest is not known.
    arrays = read_idx_folder(folder, only=FASHION_FILE_MD5)
    return splits_of_arrays(arrays._replace(name="fashion-mnist"), RESIZE, FASHION_CLASSES)


BUILT_IN: Mapping[str, Callable[[], Splits]] = {"mnist": load_mnist_splits, "fashion-mnist": load_fashion_mnist_splits}


def _check_digest(what: str, found: str, expected: str) -> None:
    if found != expected:
        raise InvalidFileError(f"{what} is {found[:12]}… instead of {expected[:12]}…; remove or replace the file")


def _cache() -> Path:
    import pooch

    return Path(pooch.os_cache("edgeproof"))


def _download(called: str, url: str, path: Path, known_hash: str) -> None:
    # pooch would silently replace a cached file of another digest; the caller refuses it instead.
    if path.is_file():
        return
    import pooch

    pooch.get_logger().setLevel("WARNING")  # errors come as exceptions; standard error is for one line
    problem = f"cannot download {called} from {url} to {path}"
    with foreign_errors(InvalidFileError, problem, caught=(OSError, ValueError)), atomic_files(path.parent) as staging:
        # It fails where the digest is not right; a download that is cut off leaves nothing in the cache.
        pooch.retrieve(url, known_hash, fname=path.name, path=staging)
