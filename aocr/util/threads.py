"""Helps threads: a parallel map, items in batches as they arrive, and waiting for the last user."""

from __future__ import annotations

import collections
import os
import queue
import threading
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import NamedTuple, TypeVar

Item = TypeVar("Item")
Value = TypeVar("Value")

WORKERS = os.cpu_count() or 1
"""Number of threads."""


class Usage:
    """Lets threads use a resource until it is closed, which happens when nobody uses it.

    Args:
        name: the name of the resource, for the error message.
        release: the function that closes the resource; called once.
    """

    def __init__(self, name: str, release: Callable[[], None]) -> None:
        self._name, self._release = name, release
        self._changed = threading.Condition()
        self._users = 0
        self._closing = self._closed = False

    @contextmanager
    def __call__(self) -> Iterator[None]:
        """Keeps the resource open during the block.

        Raises:
            ValueError: it is closed, or about to be.
        """
        with self._changed:
            if self._closing:
                raise ValueError(f"{self._name} is closed")
            self._users += 1
        try:
            yield
        finally:
            with self._changed:
                self._users -= 1
                self._changed.notify_all()

    def close(self) -> None:
        """Refuses further users, waits for the present ones, and releases the resource."""
        with self._changed:
            first, self._closing = not self._closing, True
            self._changed.wait_for(lambda: self._closed or (first and not self._users))
        if first:
            try:
                self._release()
            finally:
                with self._changed:
                    self._closed = True
                    self._changed.notify_all()


def map_in_order(
    function: Callable[[Item], Value], items: Iterable[Item]
) -> Generator[Value, None, None]:
    """Yields the function's result for each item, in the order of the items.

    Threads compute the results. At most `2 * WORKERS` items are in progress at a time; further
    items are taken only as results are consumed. If the generator is closed early, calls that have
    not started are cancelled, and running ones are waited for. An error that the function raises
    is raised in place of its result.

    Args:
        function: the function; several threads call it at a time.
        items: what to map; they may be endless.
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


class _End(NamedTuple):
    """Follows the last item in the queue.

    Attributes:
        error: the error that the iterator of the items raised, or None.
    """

    error: Exception | None


def batch_arrivals(items: Iterable[Item], max_size: int) -> Iterator[list[Item]]:
    """Yields the items in batches: each holds what has arrived since the batch before.

    A thread takes the items, up to four batches in advance.

    Args:
        items: the items, each of which may take any time.
        max_size: number of items in the largest batch; the smallest has one.

    Raises:
        Exception: what the iterator of the items raises, after the items before it.
    """
    arrived: queue.Queue[Item | _End] = queue.Queue(maxsize=4 * max_size)
    threading.Thread(target=_enqueue, args=(items, arrived), daemon=True).start()
    end = None
    while end is None:
        batch, end = _take_batch(arrived, max_size)
        if batch:
            yield batch
    if end.error:
        raise end.error


def _enqueue(items: Iterable[Item], arrived: queue.Queue[Item | _End]) -> None:
    """Puts each item into the queue, then an `_End`."""
    try:
        for item in items:
            arrived.put(item)
    except Exception as error:  # raised again by the thread that reads the queue
        arrived.put(_End(error))
    else:
        arrived.put(_End(None))


def _take_batch(arrived: queue.Queue[Item | _End], max_size: int) -> tuple[list[Item], _End | None]:
    """Waits for an item, then takes the items already queued, up to `max_size` in all.

    Stops at an `_End`, and returns it too.
    """
    batch: list[Item] = []
    while len(batch) < max_size and not (batch and arrived.empty()):
        item = arrived.get()
        if isinstance(item, _End):
            return batch, item
        batch.append(item)
    return batch, None
