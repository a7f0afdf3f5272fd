"""Counts of the work that a call does, which tell more than its time."""

import sys
from collections.abc import Callable, Iterator
from types import FrameType


def calls_of(run: Callable[[], object]) -> int:
    """Return how many functions, of Python or C, are called meanwhile."""
    count = 0

    def count_calls(_: FrameType, event: str, __: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(count_calls)
    try:
        run()
    finally:
        sys.setprofile(before)
    return count


class ComparedName(str):
    """A name that counts with how many others it is compared."""

    __slots__ = ()
    comparisons = 0

    def __eq__(self, other: object) -> bool:
        ComparedName.comparisons += 1
        return str.__eq__(self, other)

    def __hash__(self) -> int:
        return str.__hash__(self)


class CountedTuple(tuple[int, ...]):
    """Numbers that count how often they are gone through."""

    __slots__ = ()
    rounds = 0

    def __iter__(self) -> Iterator[int]:
        CountedTuple.rounds += 1
        return super().__iter__()
