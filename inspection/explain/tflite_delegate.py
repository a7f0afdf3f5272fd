"""Operators of a TFLite file that LiteRT computes outside of its delegate, XNNPACK."""

from collections.abc import Mapping, Sequence
from typing import Any


def outside_delegate(details: Sequence[Mapping[str, Any]]) -> set[int]:
    """Return the positions of the operators that no delegate computes.

    Args:
        details: The interpreter's operators, those of the file first, and behind them a ``DELEGATE`` for each part of
            the network that was handed over.
    """
    delegates = [one for one in details if one["op_name"] == "DELEGATE"]
    own = {i: one for i, one in enumerate(details) if one["op_name"] != "DELEGATE"}
    makers = {int(tensor): i for i, one in own.items() for tensor in one["outputs"]}
    inside: set[int] = set()
    for delegate in delegates:
        taken = {int(tensor) for tensor in delegate["inputs"]}
        waiting = [int(tensor) for tensor in delegate["outputs"]]
        while waiting:
            maker = makers.get(waiting.pop())
            if maker is None or maker in inside:
                continue
            inside.add(maker)
            waiting += [int(tensor) for tensor in own[maker]["inputs"] if int(tensor) not in taken]
    return own.keys() - inside
