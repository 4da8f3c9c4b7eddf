"""Maps a function over items in parallel, with memory that does not grow with their number."""

from __future__ import annotations

import collections
import os
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Value = TypeVar("Value")

WORKERS = os.cpu_count() or 1
"""Number of threads."""


def map_in_order(
    function: Callable[[Item], Value], items: Iterable[Item]
) -> Generator[Value, None, None]:
    """Yields the function's result for each item, in the order of the items.

    Threads compute the results. At most `2 * WORKERS` items are in progress at a time; further
    items are taken only as results are consumed. If the generator is closed early, calls that have
    not started are cancelled, and running ones are waited for. An error that the function raises
    is raised in place of its result.

    Args:
        function: the function that several threads call at a time.
        items: may be endless.
    """
    pending: collections.deque[Future[Value]] = collections.deque()
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
