"""The operators of a TFLite file that compute in float in its mixed variant, since XNNPACK has no int8 for them."""

from collections.abc import Sequence
from dataclasses import dataclass

from ...inspection.xnnpack import Delegation, find_delegation
from ..quantizer import NetworkOperator, Quantizer

# The converter puts conversions where integers meet floats; they are not operators of the network.
_CONVERSIONS = frozenset({"QUANTIZE", "DEQUANTIZE"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Mix:
    """Operators in float, and how many parts XNNPACK computes then.

    Attributes:
        float_operators: Their numbers in the float32 file.
        partitions: With these in float.
        without: With only the final softmax in float, which never splits a file.
    """

    float_operators: frozenset[int]
    partitions: int
    without: int

    @property
    def is_needed(self) -> bool:
        """Whether it lowers the number of partitions."""
        return self.partitions < self.without


def find_mix(quantizer: Quantizer, method: str) -> Mix:
    """Choose the operators that compute in float, so that XNNPACK computes the file in the fewest parts.

    Tried are the operators outside XNNPACK by themselves, and all operators of their kinds; of those with the fewest
    partitions, the one with the fewest operators in float.
    """
    softmax = _final_softmax(quantizer.operators)
    plain = find_delegation(quantizer.quantize(method, softmax))
    kinds = {plain.operators[number] for number in plain.outside} - _CONVERSIONS
    outside = _outside(quantizer.operators, plain)
    of_kinds = {one.number for one in quantizer.operators if one.kind in kinds}
    mixes = [
        Mix(
            float_operators=floats,
            partitions=find_delegation(quantizer.quantize(method, floats)).partitions,
            without=plain.partitions,
        )
        for floats in dict.fromkeys((softmax, softmax | outside, softmax | of_kinds))
    ]
    return min(mixes, key=lambda mix: (mix.partitions, len(mix.float_operators)))


def _final_softmax(operators: Sequence[NetworkOperator]) -> frozenset[int]:
    return frozenset(one.number for one in operators[-1:] if one.kind == "SOFTMAX")


def _outside(operators: Sequence[NetworkOperator], delegation: Delegation) -> frozenset[int]:
    """Return the operators of the float32 file that are outside XNNPACK in a quantized one.

    That has the same operators in the same order, and conversions between them; none are returned if it has others.
    """
    own = [number for number, kind in enumerate(delegation.operators) if kind not in _CONVERSIONS]
    if [delegation.operators[number] for number in own] != [one.kind for one in operators]:
        return frozenset()
    return frozenset(one.number for one, number in zip(operators, own, strict=True) if number in delegation.outside)
