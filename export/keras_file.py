"""Tell a `.keras` file from something else before seconds are spent on importing Keras."""

import zipfile
from pathlib import Path

from ..runtime.errors import InvalidFileError
from ..runtime.files import check_file


def check_keras_file(path: Path) -> None:
    """Refuse what is certainly no `.keras` file.

    Raises:
        InvalidFileError: It is missing, has another suffix, or is no zip archive with Keras's entries.
    """
    check_file(path, "model")
    if path.suffix != ".keras":
        raise InvalidFileError(f"{path} is not a .keras file; save the model with model.save('name.keras')")
    try:
        with zipfile.ZipFile(path) as archive:
            missing = {"metadata.json", "config.json", "model.weights.h5"} - set(archive.namelist())
    except (OSError, zipfile.BadZipFile) as error:
        raise InvalidFileError(f"{path} is not a .keras file: {error}") from error
    if missing:
        raise InvalidFileError(f"{path} is not a .keras file: it has no {', '.join(sorted(missing))}")
