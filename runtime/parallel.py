"""Spread work over threads and keep its order; engines and Pillow's decoders release the interpreter's lock."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def map_in_order(function: Callable[[Item], Result], items: Iterable[Item], workers: int) -> Iterator[Result]:
    """Yield `function(item)` in the order of the items, computed by several threads.

    At most two items per worker are under way, so that memory stays constant. The first error ends the work.
    """
    from concurrent.futures import Future, ThreadPoolExecutor  # late: a program without workers does not pay

    pool = ThreadPoolExecutor(workers, thread_name_prefix="edgeproof")
    under_way: deque[Future[Result]] = deque()
    try:
        for item in items:
            under_way.append(pool.submit(function, item))
            if len(under_way) >= 2 * workers:
                yield under_way.popleft().result()
        while under_way:
            yield under_way.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


def usable_cores() -> int | None:
    """Return how many cores this process may use; None where the system does not say."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count()
