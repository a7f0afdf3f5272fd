"""Engines for many threads: each call has one to itself."""

from collections.abc import Callable
from typing import Any

from numpy.typing import NDArray

from .engine import Engine, run_each


class EnginePool:
    """Hands out engines, and makes another when all are in use.

    There are never more engines than there were calls at once. Two engines with the same model give the same answers
    to the last bit.

    Args:
        first: An engine with the model loaded.
        another: Makes a further one like it; None for an engine that several threads may call at once.
    """

    def __init__(self, first: Engine, another: Callable[[], Engine] | None) -> None:
        self.input, self.output = first.input, first.output
        self._another = another
        self._shared = first
        # Taking from the end of a list and putting back are atomic; a lock would cost as much as a small layer.
        self._idle = [first]

    @property
    def name(self) -> str:
        """The engine with its version."""
        return self._shared.name

    def run_one(self, image: NDArray[Any]) -> NDArray[Any]:
        """Run one image, of shape (1, H, W, C) and in the input's dtype; returns (1, classes)."""
        if self._another is None:
            return self._shared.run(image)
        engine = self._take()
        try:
            return engine.run(image)
        finally:
            self._idle.append(engine)

    def run(self, images: NDArray[Any]) -> NDArray[Any]:
        """Run images one by one; see `run_each`."""
        if self._another is None:
            return run_each(self._shared, images)
        engine = self._take()
        try:
            return run_each(engine, images)
        finally:
            self._idle.append(engine)

    def _take(self) -> Engine:
        try:
            return self._idle.pop()
        except IndexError:
            assert self._another is not None
            return self._another()
