"""A pool of engines for many threads: each call has an engine to itself."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import EdgeproofError, SpecMismatchError
from .engine import Engine, run_each

BATCH = 8  # images; larger batches are not faster, as their tensors leave the processor's cache


class EnginePool:
    """Lends engines to calls, and makes another when all are in use.

    Two engines with the same model give the same answers to the last bit.

    Args:
        first: An engine with the model loaded.
        another: Makes a further one like it; None for an engine that several threads may call at once.
        batches: Makes one that takes `BATCH` images at once; None to run all images one by one.
    """

    def __init__(
        self,
        first: Engine,
        another: Callable[[], Engine] | None,
        *,
        batches: Callable[[], Engine] | None = None,
    ) -> None:
        self.input, self.output = first.input, first.output
        self._shared = first
        self._another = another
        self._batches = batches
        # pop() and append() of lists are atomic; a lock would cost as much as a small layer.
        self._idle = [first]
        self._idle_for_batches: list[Engine] = []

    @property
    def name(self) -> str:
        """The engine with its version."""
        return self._shared.name

    def run_one(self, image: NDArray[Any]) -> NDArray[Any]:
        """Run one image, of shape (1, H, W, C) and in the input's dtype; returns (1, classes)."""
        if self._another is None:
            return self._shared.run(image)
        engine = self._take(self._idle, self._another)
        try:
            return engine.run(image)
        finally:
            self._idle.append(engine)

    def run(self, images: NDArray[Any]) -> NDArray[Any]:
        """Run any number of images, each with the same answer as alone; see `run_each`."""
        whole = len(images) // BATCH * BATCH
        make = self._batches  # another thread may set it to None
        if make is None or whole < 2 * BATCH:
            return self._run_each(images)
        batch = self.input.encode(images)
        try:
            answers = self._run_batches(batch[:whole], make)
        except EdgeproofError:  # the model fixes its batch, or mixes the images of a batch
            self._batches = None
            return self._run_each(images)
        return np.concatenate([answers, self._run_each(images[whole:])])

    def _run_each(self, images: NDArray[Any]) -> NDArray[Any]:
        if self._another is None:
            return run_each(self._shared, images)
        engine = self._take(self._idle, self._another)
        try:
            return run_each(engine, images)
        finally:
            self._idle.append(engine)

    def _run_batches(self, images: NDArray[Any], make: Callable[[], Engine]) -> NDArray[Any]:
        try:
            engine = self._idle_for_batches.pop()
        except IndexError:
            engine = make()
            first = images[:BATCH]
            if not np.array_equal(engine.run(first), self._run_each(first)):
                raise SpecMismatchError("an answer depends on the images that came with it") from None
        run = engine.run
        answers = np.concatenate([run(images[i : i + BATCH]) for i in range(0, len(images), BATCH)])
        self._idle_for_batches.append(engine)
        return answers

    @staticmethod
    def _take(idle: list[Engine], make: Callable[[], Engine]) -> Engine:
        try:
            return idle.pop()
        except IndexError:
            return make()
