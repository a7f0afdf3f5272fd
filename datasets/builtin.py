"""Load the data sets that edgeproof knows by name, and check their digests."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ..runtime.bundle.model_metadata import DIGIT, RESIZE, Preprocessing
from ..runtime.errors import InvalidFileError, foreign_errors
from ..runtime.io.atomic import atomic_files
from ..runtime.io.files import is_file
from .arrays import NamedArrays
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

# Of the files that are downloaded: the makers publish MD5.
FASHION_FILE_MD5: Mapping[str, str] = {
    "train-images-idx3-ubyte.gz": "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
    "train-labels-idx1-ubyte.gz": "25c81989df183df01b3e8a0aad5dffbe",
    "t10k-images-idx3-ubyte.gz": "bef4ecab320f06d8554ea6380940ec79",
    "t10k-labels-idx1-ubyte.gz": "bb300cfdad3c16e7a12a480ee83cd310",
}
# Of the arrays, because the same ones are found in differently packed files: Debian has packed them anew. They are the
# makers': packed by gzip -6, with the name and the times of 2017-08-31 10:50:06 and 10:50:27 UTC in the header, each of
# the four files has the MD5 above.
FASHION_ARRAY_SHA256: Mapping[str, str] = {
    "x_train": "2e487a6c89124f78f2d7521542223cafe96f7123c3ca13d447772ac6ecbb3012",
    "y_train": "657fbd221bfc9f4198cc14b5619cc33ec57c58dd0e47af4d99d6650759e869a7",
    "x_test": "c867c93ff95360594e8ec3287995350b824dd110b11595c0e13d5423f621867a",
    "y_test": "3d0e6c6ea990b53b6f8f500a41cac93881d981b315f84578b7d915342ade01e9",
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


@dataclass(frozen=True, kw_only=True, slots=True)
class KnownArrays:
    """A data set that is known by its arrays, whatever files they come in.

    Attributes:
        name: Its name for edgeproof.
        called: Its name.
        sha256: SHA-256 of each array's values, by the array's name.
        preprocessing: How an image of any size becomes like its images.
        classes: The labels; None for their numbers.
    """

    name: str
    called: str
    sha256: Mapping[str, str]
    preprocessing: Preprocessing
    classes: tuple[str, ...] | None = None

    def difference(self, source: NamedArrays) -> str:
        """Say of the first array that is another one how it differs; an empty text if there is none."""
        # Labels are short, and mostly differ if anything does.
        for name in sorted(self.sha256, reverse=True):
            found = array_sha256(source.arrays[name]) if name in source.arrays else "missing"
            if found != self.sha256[name]:
                return f"the sha256 of {name} is {found[:12]}… instead of {self.sha256[name][:12]}…"
        return ""

    def splits(self, source: NamedArrays) -> Splits:
        """Return its splits, read from these arrays."""
        return splits_of_arrays(source._replace(name=self.name), self.preprocessing, self.classes)

    def read(self, read: Callable[[], NamedArrays]) -> Splits:
        """Return its splits from files that are meant to hold it.

        Raises:
            InvalidFileError: They are damaged, or hold other arrays.
        """
        try:
            source = read()
            if difference := self.difference(source):
                raise InvalidFileError(f"{source.location} is not {self.called}: {difference}")
        except InvalidFileError as error:
            raise InvalidFileError(f"{error}; remove or replace it") from error
        return self.splits(source)


MNIST = KnownArrays(name="mnist", called="MNIST", sha256=MNIST_ARRAY_SHA256, preprocessing=DIGIT)
FASHION_MNIST = KnownArrays(
    name="fashion-mnist",
    called="Fashion-MNIST",
    sha256=FASHION_ARRAY_SHA256,
    preprocessing=RESIZE,
    classes=FASHION_CLASSES,
)


def find_known(source: NamedArrays) -> Splits | None:
    """Return the splits of the built-in data set whose arrays these are, with a remark; None if they are others."""
    for known in (MNIST, FASHION_MNIST):
        if not known.difference(source):
            remark = f"the files hold the arrays of {known.called}; they are taken as --data {known.name}"
            return known.splits(source._replace(remarks=(*source.remarks, remark)))
    return None


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
    return MNIST.read(lambda: read_npz_file(path, MNIST_ARRAY_SHA256))


def load_fashion_mnist_splits(*, cache: Path | None = None) -> Splits:
    """Load Fashion-MNIST: 60,000 training and 10,000 test images, 28x28x1 uint8, ten kinds of clothes, light on black.

    Zalando SE has the copyright; the data is available under the MIT licence.

    Args:
        cache: Like that of `load_mnist_splits`, for four files, packed or not; by default `fashion-mnist` in the user's
            cache.

    Raises:
        InvalidFileError: The files there do not hold the arrays of Fashion-MNIST; they are not removed.
    """
    folder = cache or _cache() / "fashion-mnist"
    names = [name for packed in FASHION_FILE_MD5 for name in (packed, packed.removesuffix(".gz"))]
    for name, expected in FASHION_FILE_MD5.items():
        if not is_file(folder / name.removesuffix(".gz")):
            _download("Fashion-MNIST", MIRROR + name, folder / name, f"md5:{expected}")
    return FASHION_MNIST.read(lambda: read_idx_folder(folder, only=names))


BUILT_IN: Mapping[str, Callable[[], Splits]] = {"mnist": load_mnist_splits, "fashion-mnist": load_fashion_mnist_splits}


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
