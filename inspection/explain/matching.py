"""The operators of a file beside those of the float32 file that it was made from."""

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from .network import NetworkOperator


@dataclass(frozen=True, kw_only=True, slots=True)
class Counterpart:
    """The operators of the float32 file that one of another file computes.

    Attributes:
        first: The index of the one that takes the same inputs.
        last: The index of the one that gives the same output: the same, or an activation behind it that has become a
            limit of the output's range.
    """

    first: int
    last: int


def match_operators(found: Sequence[NetworkOperator], original: Sequence[NetworkOperator]) -> dict[int, Counterpart]:
    """Return the indices of operators in one sequence with their counterparts in the other.

    Operators match in their order, by kind and shape. Converters fuse some, and add others, when they quantize: these
    are without a counterpart.
    """
    keys = [[(one.kind, one.shape) for one in operators] for operators in (found, original)]
    blocks = SequenceMatcher(None, *keys, autojunk=False).get_matching_blocks()
    same = {block.a + i: block.b + i for block in blocks for i in range(block.size)}
    taken = set(same.values())
    return {index: _with_activation(first, original, taken) for index, first in same.items()}


def _with_activation(first: int, original: Sequence[NetworkOperator], taken: set[int]) -> Counterpart:
    activation = original[first].activation
    gone = activation is not None and activation not in taken
    return Counterpart(first=first, last=activation if activation is not None and gone else first)
