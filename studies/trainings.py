"""Trainings that a study needs: run by the command that a user types, and never twice."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol, TypeVar

from edgeproof.datasets.dataset import Dataset
from edgeproof.datasets.training_record import MODEL_NAME, RECORD_NAME
from edgeproof.device.environment import describe_environment
from edgeproof.runtime.io.files import is_file
from edgeproof.train.architecture import Architecture
from edgeproof.train.checkpoint_files import unfinished
from edgeproof.train.fingerprint import identity, settings_sha256
from edgeproof.train.options import settings

from .commands import run_edgeproof


class Trained(Protocol):
    """Figures of a trained network."""

    @property
    def command(self) -> str:
        """See `Training.command`."""
        ...

    @property
    def settings_sha256(self) -> str:
        """See `Training.settings_sha256`."""
        ...


Known = TypeVar("Known", bound=Trained)


@dataclass(frozen=True, kw_only=True, slots=True)
class Training:
    """A preset with the settings that differ from its own.

    Attributes:
        preset: Its name.
        options: Fields of `FitOptions`.
        dropout: Of the preset.
        teachers: Folders of trainings whose networks are learned from.
    """

    preset: str
    options: Mapping[str, int | float | str] = field(default_factory=dict)
    dropout: float = 0.0
    teachers: tuple[Path, ...] = ()

    @property
    def command(self) -> str:
        """The command, without data, seed and folders."""
        return " ".join(["train", *self._arguments, *(f"--teacher {folder.name}" for folder in self.teachers)])

    def settings_sha256(self, data: Dataset) -> str | None:
        """Return the digest of the settings that a network trained today would have; None while a teacher is missing.

        See `edgeproof.train.fingerprint.settings_sha256`.
        """
        teachers = [folder / MODEL_NAME for folder in self.teachers]
        if not all(is_file(teacher) for teacher in teachers):
            return None
        architecture = Architecture(preset=self.preset, dropout=self.dropout)
        model = architecture.build(data.image_shape, len(data.classes))
        options = replace(settings(self.preset), **self.options)  # pyright: ignore[reportArgumentType]
        return settings_sha256(identity(data, architecture, model, options, teachers))

    def ensure(self, folder: Path, seed: int, *, name: str, data: Dataset) -> None:
        """Train into a folder, unless the same training is there; resume one that was interrupted.

        Args:
            folder: Of the training.
            seed: Of everything random.
            name: The data's, for `edgeproof train --data`.
            data: The data of that name.

        Raises:
            CheckFailedError: The command failed; the message is its own.
        """
        planned = self.settings_sha256(data)
        if planned is not None and planned == recorded_sha256(folder):
            return
        teachers = [word for teacher in self.teachers for word in ("--teacher", str(teacher / MODEL_NAME))]
        resume = ["--resume"] if unfinished(folder) else []
        run_edgeproof(
            *("train", "--data", name, "--seed", str(seed), *self._arguments, *teachers, *resume, "--out", str(folder))
        )

    @property
    def _arguments(self) -> list[str]:
        options = {"preset": self.preset, **self.options} | ({"dropout": self.dropout} if self.dropout else {})
        return [word for name, value in options.items() for word in (f"--{name.replace('_', '-')}", str(value))]


def recorded_sha256(folder: Path) -> str | None:
    """Return the digest of the settings that a folder's network was trained with; None if there is none."""
    try:
        return settings_sha256(json.loads((folder / RECORD_NAME).read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def environment_of(folder: Path) -> str:
    """Describe where a folder's network was trained: this machine's processor, and the versions in its record."""
    machine = describe_environment()
    versions = json.loads((folder / RECORD_NAME).read_text(encoding="utf-8"))["versions"]
    return f"{machine['cpu']}, {machine['cores']} cores, TensorFlow {versions['tensorflow']}, Keras {versions['keras']}"


def still_valid(known: Sequence[Known], trainings: Sequence[Training], data: Dataset) -> list[Known]:
    """Return the results whose networks would come out the same if they were trained today.

    A network whose teachers are missing cannot be checked by its digest. Its command suffices if the digest of another
    one matches: all results of a file are of the same data.

    Args:
        known: All results of a file.
        trainings: The training of each, as it would be today.
        data: The data of today.
    """
    # Repetitions with other seeds have the same digest, and for each one a model is built.
    digests = {command: one.settings_sha256(data) for command, one in {one.command: one for one in trainings}.items()}
    planned = [(training.command, digests[training.command]) for training in trainings]
    checked = [(one.command, one.settings_sha256) == today for one, today in zip(known, planned, strict=True)]
    unchecked = [(one.command, None) == today for one, today in zip(known, planned, strict=True)]
    return [one for one, sure, maybe in zip(known, checked, unchecked, strict=True) if sure or (maybe and any(checked))]
