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

    For each model, number of threads and kind of time (the fields of `Repetition`) it has an array of nanoseconds
    named ``"<model> | threads=<n> | <kind>"``, int64, in the order of the runs, and one whose name goes on with
    ``" | turns"``, int64, with the number of runs in each repetition. Every round has as many repetitions.
    """
    arrays: dict[str, NDArray[np.int64]] = {}
    for (model, threads), taken in rounds.items():
        for field in fields(Repetition):
            parts: list[NDArray[np.int64]] = [getattr(each, field.name) for repeated in taken for each in repeated]
            name = f"{model} | threads={threads} | {field.name}"
            arrays[name] = np.concatenate(parts)
            arrays[f"{name} | turns"] = np.array([len(part) for part in parts])
    content = io.BytesIO()
    np.savez_compressed(content, **arrays)  # type: ignore[arg-type]  (NumPy's stub takes the names for its own)
    return content.getvalue()
