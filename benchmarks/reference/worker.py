"""The Keras reference in a process of its own.

TensorFlow decides once per process how many threads it has, keeps them, and takes half a gigabyte: in the process in
which the variants are measured it would be the noise.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...datasets.rows import Images, batch_size, batches
from ...runtime.bundle.manifest import Manifest
from ...runtime.errors import InvalidFileError, SpecMismatchError, is_interruption, one_line
from ...runtime.io.digest import sha256_of
from ...runtime.io.files import read_file
from ...runtime.io.worker import Parent, Worker
from ..latency.interleaved import WARMUP_SECONDS, Nanoseconds, Repetition, timed

# What travels to the process at once: batches of as many images as the reference answers at once.
_CHUNK_BYTES, _BATCH = 2**24, 100
_NONE: Nanoseconds = np.zeros(0, np.int64)


@dataclass(frozen=True, kw_only=True, slots=True)
class ReferenceFile:
    """The Keras file of a bundle.

    Attributes:
        path: The `.keras` file.
        manifest: The bundle's, which says what the model in the file takes and gives, and has its digest.
        custom: A Python file that registers the model's own layers; is run.
    """

    path: Path
    manifest: Manifest
    custom: Path | None = None

    def check(self) -> None:
        """Refuse a file that the bundle was not exported from.

        Raises:
            InvalidFileError: It is missing, or is another file than the manifest names.
        """
        expected = self.manifest.reference.sha256
        found = sha256_of(read_file(self.path, "Keras original (--reference)"))
        if found != expected:
            raise InvalidFileError(
                f"{self.path} is not the model that the bundle was exported from: sha256 {found[:12]}… instead of "
                f"{expected[:12]}…; if it has been trained again, export it again, else name the original with "
                "--reference"
            )


class ReferenceWorker(Worker):
    """A process that has loaded the Keras reference and answers for it; ends with the `with` block.

    Args:
        file: The model.
        threads: TensorFlow's threads.

    Raises:
        InvalidFileError: The file cannot be loaded safely.
        CheckFailedError: The process died.
    """

    def __init__(self, file: ReferenceFile, *, threads: int) -> None:
        super().__init__(_serve, file, threads, name="the Keras reference process")
        try:
            self.engine, self.calls = self.receive()
        except BaseException:
            self.close()
            raise

    def probabilities(self, images: Images) -> NDArray[np.float32]:
        """Return the model's answers: float32 of shape (N, classes) for uint8 images of shape (N, H, W, C)."""
        parts = batches(images, batch_size(images.shape, _CHUNK_BYTES, multiple=_BATCH))
        return np.concatenate([self._ask("probabilities", part) for part in parts])

    def subjects(self, images: NDArray[np.uint8]) -> "dict[str, TimedReference]":
        """Return the model as something whose latency can be measured on these images, by the way of calling it."""
        self._ask("prepare", images)
        return {call: TimedReference(partial(self._ask, "turn", call)) for call in self.calls}

    def _ask(self, *request: Any) -> Any:  # noqa: ANN401  (whatever the other side answers)
        self.send(request)
        return self.receive()


class TimedReference:
    """The Keras reference, called in one way."""

    repetitions = 1  # nothing is held against its noise, and it is slow

    def __init__(self, turn: Callable[[float], Nanoseconds]) -> None:
        self._turn = turn

    def repeat(self, seconds: float) -> Repetition:
        """Time one image after the other; see `Timed.repeat`."""
        return Repetition(run=self._turn(seconds), invoke=_NONE, preprocessing=_NONE, load=_NONE, first=_NONE)


def _serve(parent: Parent, file: ReferenceFile, threads: int) -> None:
    """Load the model, say what it is, then answer requests until the other side has gone."""
    server = _Server(file, threads)
    parent.send(server.greeting)
    while True:
        request, *arguments = parent.receive()
        parent.send(getattr(server, request)(*arguments))


class _Server:
    """The other side of `ReferenceWorker`, where Keras is."""

    def __init__(self, file: ReferenceFile, threads: int) -> None:
        from .calls import KerasCall, keras_call, limit_threads, load_reference, version

        limit_threads(threads)
        source = load_reference(file.path, file.manifest, custom=file.custom)
        self.probabilities = source.probabilities
        self._calls = {str(call): keras_call(source.model, call) for call in KerasCall}
        self._inputs: list[NDArray[np.float32]] = []
        self.greeting = version(), tuple(self._calls)

    def prepare(self, images: NDArray[np.uint8]) -> None:
        batch = images.astype(np.float32)
        self._inputs = [batch[i : i + 1] for i in range(len(batch))]

    def turn(self, call: str, seconds: float) -> Nanoseconds:
        run = self._calls[call]
        try:
            # One call of `model.predict` takes longer than a whole turn of others.
            timed(run, self._inputs, WARMUP_SECONDS, 1)
            return timed(run, self._inputs, seconds, 1)
        # Whatever a layer raises.
        except Exception as error:
            if is_interruption(error):
                raise
            raise SpecMismatchError(f"Keras cannot run the model by {call}: {one_line(error)[:300]}") from error
