"""A parallel `map` whose memory does not grow with its input."""

from __future__ import annotations

import collections
import os
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

WORKERS = os.cpu_count() or 1


def map_in_order(
    function: Callable[[Item], Result], items: Iterable[Item]
) -> Generator[Result, None, None]:
    """`map` by threads: the results in the order of the items.

    Items are taken as results are: at most `2 * WORKERS` are on the way. When the iterator is
    closed, what has not begun is dropped, and what has is waited for. An error in the function is
    raised in the place of its result.
    """
    pending: collections.deque[Future[Result]] = collections.deque()
    with ThreadPoolExecutor(WORKERS) as threads:
        try:
            for item in items:
                pending.append(threads.submit(function, item))
                if len(pending) >= 2 * WORKERS:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        finally:
            for future in pending:
                future.cancel()
