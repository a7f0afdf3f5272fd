"""The files of an unfinished training; without Keras, for a quick check."""

from pathlib import Path

from ..runtime.errors import OutputError
from ..runtime.io.files import is_file

FOLDER_NAME, STATE_NAME = "unfinished", "state.npz"


def unfinished(folder: Path) -> bool:
    """Tell whether a run's folder holds a training that can go on."""
    return is_file(folder / FOLDER_NAME / STATE_NAME)


def check_no_unfinished_run(folder: Path) -> None:
    """Raise OutputError for the folder of an unfinished training: a new one must not start there."""
    if unfinished(folder):
        raise OutputError(
            f"{folder / FOLDER_NAME} holds a training that is not finished; go on with --resume, or remove that folder"
        )
