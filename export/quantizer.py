"""The quantizer of a network, and the choice of its activation ranges."""

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from ..runtime.bundle.recipes import Format
from .evaluation import Evaluator
from .ranges import METHODS

# A method must be better than the best one before it in `METHODS` by this much to take its place, in dB.
_WORTH_IT = 0.1


class NetworkOperator(Protocol):
    """An operator of a network."""

    @property
    def number(self) -> int:
        """Its place in the network."""
        ...

    @property
    def name(self) -> str:
        """The converter's name for it, which tells its layer."""
        ...


class Quantizer(Protocol):
    """Makes static int8 files of one network, whose tensors were measured on calibration images before.

    Attributes:
        format: Of its files.
    """

    format: Format

    @property
    def operators(self) -> Sequence[NetworkOperator]:
        """The network's operators, in its order."""
        ...

    def quantize(self, method: str, float_operators: Collection[int] = ()) -> bytes:
        """Return a file with the ranges that this one of `METHODS` chooses, these operators in float."""
        ...

    def partitions(self, file: bytes) -> int:
        """Return into how many parts a file falls that the engine computes in one go."""
        ...

    def noise(self, method: str) -> Mapping[int, float]:
        """Return, by operator, how much rounding adds to what it computes: noise over signal, both squared."""
        ...


def best_ranges(quantizer: Quantizer, evaluator: Evaluator) -> str:
    """Return the one of `METHODS` whose file is closest to the reference, by SNR; the simplest of nearly equal ones."""
    best, best_snr = next(iter(METHODS)), float("-inf")
    if not evaluator.images:
        return best
    for method in METHODS:
        snr_db = evaluator.evaluate(quantizer.quantize(method), quantizer.format).snr_db
        if snr_db > best_snr + _WORTH_IT:
            best, best_snr = method, snr_db
    return best
