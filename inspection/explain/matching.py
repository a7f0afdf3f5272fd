"""The operators of a file beside those of the float32 file that it was made from."""

from collections.abc import Sequence
from difflib import SequenceMatcher

from .network import NetworkOperator


def match_operators(found: Sequence[NetworkOperator], original: Sequence[NetworkOperator]) -> dict[int, int]:
    """Return the positions of operators in one sequence with those of their counterparts in the other.

    Operators match in their order, by kind and shape. Converters fuse some, and add others, when they quantize: these
    are without a counterpart.
    """
    keys = [[(one.kind, one.shape) for one in operators] for operators in (found, original)]
    blocks = SequenceMatcher(None, *keys, autojunk=False).get_matching_blocks()
    return {block.a + i: block.b + i for block in blocks for i in range(block.size)}
