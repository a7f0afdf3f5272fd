"""The quantizer of a network, and the choice of its activation ranges."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from ..runtime.bundle.recipes import Format
from .accuracy_budget import Evaluation
from .evaluation import Evaluator
from .ranges import METHODS, MIN_MAX

# What is less simple must be better by this much, in dB, to be chosen.
WORTH_IT = 0.1


class NetworkOperator(Protocol):
    """An operator of a network."""

    @property
    def number(self) -> int:
        """Its place in the network."""
        ...

    @property
    def kind(self) -> str:
        """For example ``"CONV_2D"``."""
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


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """A quantizer with the method that chooses its ranges.

    Attributes:
        quantizer: Of the network, or of the network with equalized channels.
        method: One of `METHODS`.
        equalized: Layers whose channels were brought to one size; empty for the network as it is.
        evaluation: Of its file on the images that there were to choose on; None if there were none.
    """

    quantizer: Quantizer
    method: str
    equalized: tuple[str, ...] = ()
    evaluation: Evaluation | None = None

    @property
    def snr_db(self) -> float:
        """How close the probabilities are to the reference's; minus infinity if that is not known."""
        return float("-inf") if self.evaluation is None else self.evaluation.snr_db

    def __str__(self) -> str:
        return self.method + (f", {len(self.equalized)} layers equalized" if self.equalized else "")


def choose_ranges(quantizer: Quantizer, evaluator: Evaluator, equalized: tuple[str, ...] = ()) -> Choice:
    """Choose the method whose file is closest to the reference, by SNR; of nearly equal ones the simplest."""
    best = Choice(quantizer=quantizer, method=MIN_MAX, equalized=equalized)
    if not evaluator.images:
        return best
    for method in METHODS:
        evaluation = evaluator.evaluate(quantizer.quantize(method), quantizer.format)
        if evaluation.snr_db > best.snr_db + WORTH_IT:
            best = replace(best, method=method, evaluation=evaluation)
    return best
