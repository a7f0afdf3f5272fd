"""latency.npz: the raw samples behind a report's latencies."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import fields

import numpy as np
from numpy.typing import NDArray

from .interleaved import Repetition
from .timings import Key

SAMPLES_NAME = "latency.npz"


def to_npz(rounds: Mapping[Key, Sequence[Sequence[Repetition]]]) -> bytes:
    """Return the file with every timed run, none left out.

    For each subject, number of threads and kind of time (the fields of `Repetition`) it has an array of nanoseconds
    named ``"<subject> | threads=<n> | <kind>"``, int64, in the order of the runs, and one whose name goes on with
    ``" | turns"``, int64, that says how many of them each turn has. Every round has the same number of turns.
    """
    arrays: dict[str, NDArray[np.int64]] = {}
    for (subject, threads), taken in rounds.items():
        for field in fields(Repetition):
            parts: list[NDArray[np.int64]] = [getattr(turn, field.name) for turns in taken for turn in turns]
            name = f"{subject} | threads={threads} | {field.name}"
            arrays[name] = np.concatenate(parts)
            arrays[f"{name} | turns"] = np.array([len(part) for part in parts])
    content = io.BytesIO()
    np.savez_compressed(content, **arrays)  # type: ignore[arg-type]  (NumPy's stub takes the names for its own)
    return content.getvalue()
