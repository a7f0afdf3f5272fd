"""Checkpoint of a training after every epoch, so that it can go on after it was cut off."""

import json
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import keras
import numpy as np
from numpy.typing import NDArray

from ..runtime.errors import InvalidFileError, SpecMismatchError, foreign_errors
from ..runtime.io.atomic import atomic_files
from ..runtime.io.checked_json import parse
from ..runtime.io.files import is_file
from ..runtime.io.npz import HEADER_DAMAGE
from .checkpoint_files import FOLDER_NAME, STATE_NAME

_DAMAGE = (*HEADER_DAMAGE, zipfile.BadZipFile, zlib.error)  # raised over a damaged archive of arrays


@dataclass(kw_only=True, slots=True)
class Progress:
    """How far a training has come.

    Attributes:
        history: Loss, accuracy and so on of every finished epoch, by Keras's names.
        seconds: Wall time of these epochs.
        best: The weights of the best epoch, for a training with patience.
        machines: Those on which the epochs were learned, by `describe_machine`, each as often as it took over; empty
            for the epochs of a checkpoint that does not say it.
    """

    history: dict[str, list[float]] = field(default_factory=dict)
    seconds: float = 0.0
    best: list[NDArray[np.generic]] = field(default_factory=list)
    machines: list[dict[str, object]] = field(default_factory=list)

    @property
    def epochs(self) -> int:
        """The number of finished epochs."""
        return len(self.history.get("loss", ()))

    def go_on(self, machine: dict[str, object]) -> str | None:
        """Note that the next epochs are learned on a machine, and return how it differs from the last one's, if so."""
        before = self.machines[-1] if self.machines else None
        if before == machine:
            return None
        self.machines.append(machine)
        return None if before is None else _first_difference(before, machine)


@dataclass(frozen=True, kw_only=True, slots=True)
class SavedState:
    """What a checkpoint holds.

    Attributes:
        progress: How far the training had come.
        arrays: The state's, by kind and position.
        path: Of the checkpoint, for messages.
    """

    progress: Progress
    arrays: Mapping[str, NDArray[np.generic]]
    path: Path

    def assign_to(self, model: keras.Model) -> None:
        """Set model and optimizer to the state.

        Args:
            model: Built and compiled as when the last epoch was finished, with its optimizer built.

        Raises:
            InvalidFileError: The state is not of such a model.
        """
        for kind, variables in _variables(model).items():
            for position, variable in enumerate(variables):
                value = self.arrays.get(f"{kind}/{position}")
                if value is None or value.shape != tuple(variable.shape):
                    shape = variable.shape
                    raise InvalidFileError(f"{self.path} does not hold the {kind}'s {variable.path} of shape {shape}")
                variable.assign(value)


class Checkpoint:
    """The folder of an unfinished training.

    Args:
        folder: The run's folder; the checkpoint is a folder in it, with one file, `path`.
        identity: All that the training depends on, JSON-serializable; a training goes on only with the same.
    """

    def __init__(self, folder: Path, identity: Mapping[str, object]) -> None:
        self._folder, self.path = folder / FOLDER_NAME, folder / FOLDER_NAME / STATE_NAME
        self._identity = json.dumps(identity, sort_keys=True)

    def save(self, model: keras.Model, progress: Progress) -> None:
        """Write the state of model, optimizer and progress, in place of the last one.

        Raises:
            OutputError: It cannot be written.
        """
        arrays: dict[str, NDArray[np.generic]] = {
            "identity": np.array(self._identity),
            "progress": np.array(json.dumps({"history": progress.history, "seconds": progress.seconds})),
            "machines": np.array(json.dumps(progress.machines)),
        }
        for kind, values in (*_variables(model).items(), ("best", progress.best)):
            arrays |= {f"{kind}/{position}": keras.ops.convert_to_numpy(value) for position, value in enumerate(values)}
        with atomic_files(self._folder) as staging:
            np.savez(staging / STATE_NAME, allow_pickle=False, **arrays)

    def read(self) -> SavedState:
        """Read the state after the last finished epoch.

        Raises:
            InvalidFileError: There is no such state, or it is damaged.
            SpecMismatchError: It is of another training.
        """
        if not is_file(self.path):
            raise InvalidFileError(f"{self._folder.parent} holds no unfinished training to go on with")
        arrays = self._read()
        if not {"identity", "progress"} <= {*arrays}:
            raise InvalidFileError(f"{self.path} is damaged: it does not say which training it is of")
        saved, now = (json.loads(text) for text in (str(arrays["identity"]), self._identity))
        if saved != now:
            raise SpecMismatchError(f"{self._folder} is of another training: {_first_difference(saved, now)}")
        progress = parse(str(arrays["progress"]), "the progress")
        figures = progress.get("history")
        history = {name: [value.number() for value in figures.get(name).items()] for name in figures.mapping()}
        best = [arrays[f"best/{position}"] for position in range(sum(name.startswith("best/") for name in arrays))]
        machines = json.loads(str(arrays.get("machines", "[]")))  # an older checkpoint has none
        done = Progress(history=history, seconds=progress.get("seconds").number(), best=best, machines=machines)
        return SavedState(progress=done, arrays=arrays, path=self.path)

    def remove(self) -> None:
        """Remove it, with its folder."""
        for name in (STATE_NAME, f".{STATE_NAME}"):
            (self._folder / name).unlink(missing_ok=True)
        with suppress(OSError):  # it is not there, or something else lies in it
            self._folder.rmdir()

    def _read(self) -> dict[str, NDArray[np.generic]]:
        # Opened here: given a path, NumPy leaves the file of a damaged archive open.
        problem = foreign_errors(InvalidFileError, f"{self.path} is damaged", caught=_DAMAGE)
        with problem, self.path.open("rb") as stream, np.load(stream, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive}


def _variables(model: keras.Model) -> dict[str, Sequence[keras.Variable]]:
    return {"model": model.variables, "optimizer": model.optimizer.variables}


def _first_difference(saved: Mapping[str, object], now: Mapping[str, object]) -> str:
    """Name the first member that differs, in nested objects too."""
    name = next(name for name in sorted({*saved, *now}) if saved.get(name) != now.get(name))
    one, other = saved.get(name), now.get(name)
    if isinstance(one, dict) and isinstance(other, dict):
        return _first_difference(one, other)
    return f"its {name} is {one!s:.200}, not {other!s:.200}"
