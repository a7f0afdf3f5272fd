"""Whole models in HDF5, which Keras 1 and 2 wrote (`.h5`, `.hdf5`): checked before Keras reads them."""

import json
import shutil
from collections.abc import Collection, Generator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...runtime.errors import InvalidFileError, foreign_errors
from ...runtime.io.locked_folder import scratch_folder
from .configuration import code_in
from .keras_2 import as_keras_3

if TYPE_CHECKING:
    import h5py

SUFFIXES = (".h5", ".hdf5")
SIGNATURE = b"\x89HDF\r\n\x1a\n"

_CONFIG = "model_config"
# At the top of files of weights: of Keras 3, and of Keras 2.
_OF_WEIGHTS = frozenset({"layers", "layer_names", "_layer_checkpoint_dependencies"})
# As of `.keras` files: weights do not shrink much, and a few bytes can stand for any size.
_MAX_BYTES, _SMALL_BYTES, _MAX_RATIO = 2**33, 2**24, 50


@contextmanager
def readable_file(path: Path) -> Generator[Path]:
    """Yield a file that Keras 3 can read: this one, or a copy with another configuration, for as long as the block.

    Raises:
        InvalidFileError: As of `configuration_of`; or code is in it, which older versions of Keras ran whatever they
            were told.
    """
    config = configuration_of(path)
    with _damage(path):
        problem, converted = code_in(config), as_keras_3(config)
    if problem is not None:
        raise InvalidFileError(f"Keras cannot load {path}: {problem}")
    if converted == config:
        yield path
        return
    import h5py

    with scratch_folder() as folder:
        copy = folder / path.name
        shutil.copyfile(path, copy)
        with h5py.File(copy, "r+") as file:
            file.attrs[_CONFIG] = json.dumps(converted)
        yield copy


def configuration_of(path: Path) -> Any:  # noqa: ANN401
    """Return the configuration of the model in a file.

    Raises:
        InvalidFileError: It is damaged, holds weights only, or declares far more numbers than it holds.
    """
    import h5py

    with _damage(path), h5py.File(path, "r") as file:
        text, names = file.attrs.get(_CONFIG), {*file, *file.attrs}
        declared = _declared_bytes(file)
    if text is None:
        raise InvalidFileError(_without_model(path, names))
    size = path.stat().st_size
    if declared > _MAX_BYTES or declared > max(_SMALL_BYTES, _MAX_RATIO * size):
        raise InvalidFileError(f"{path} is not a safe file: {size:,} bytes declare {declared:,} bytes of weights")
    with _damage(path):
        return json.loads(text)


def _damage(path: Path) -> AbstractContextManager[None]:
    # h5py raises nearly any class over a damaged file.
    return foreign_errors(InvalidFileError, f"the HDF5 file {path} cannot be read", caught=(Exception,))


def _declared_bytes(file: "h5py.File") -> int:
    import h5py

    total = 0

    def add(_: str, found: object) -> None:
        nonlocal total
        if isinstance(found, h5py.Dataset):
            total += found.size * found.dtype.itemsize if found.size else 0

    # Links to other files are not followed, and Keras refuses them.
    file.visititems(add)
    return total


def _without_model(path: Path, names: Collection[str]) -> str:
    if not _OF_WEIGHTS & set(names):
        return f"{path} is an HDF5 file without a Keras model"
    code = f'model.load_weights({json.dumps(str(path))}); model.save("model.keras")'
    return (
        f"{path} holds weights without their model: in Python, build the model as for its training, then type {code}, "
        "and export model.keras"
    )
