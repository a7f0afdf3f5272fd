"""An order of a network's operators that follows from their data, whatever order a tool has written them in."""

from collections.abc import Callable, Iterable, Iterator


def in_data_order(ends: Iterable[int], needs: Callable[[int], Iterable[int]]) -> Iterator[int]:
    """Yield operators by their numbers, each once and behind those that it needs, which come in their own order.

    Args:
        ends: Those that everything leads to; what none of them needs is not among the result.
        needs: Returns the operators whose results one takes, the first input's first.
    """
    done: set[int] = set()
    # A path from an end to the first operator may be longer than Python's stack.
    waiting = list(reversed(list(ends)))
    while waiting:
        one = waiting[-1]
        missing = [] if one in done else [other for other in needs(one) if other not in done]
        if missing:
            waiting += reversed(missing)
            continue
        waiting.pop()
        if one not in done:
            done.add(one)
            yield one
