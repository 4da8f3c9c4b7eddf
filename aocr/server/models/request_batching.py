"""Runs a function on batches of what concurrent requests submit."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Generic, NamedTuple, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


ARRIVAL_GAP = 0.002
"""Seconds without a new item after which a batch is complete."""

MAX_ARRIVAL = 0.01
"""Seconds after which a batch is complete, even if items still arrive."""


class BatchingOptions(NamedTuple):
    """Says how items are batched.

    Attributes:
        max_batch: number of items of the largest batch.
        timeout: seconds that the first item of a batch waits for more. After them, an item waits
            only if it is not alone, and for `MAX_ARRIVAL` at most: the answers of a batch are
            followed by new items of the same clients, which fit into one batch.
        max_waiting: largest number of items that wait.
        workers: number of batches that run at the same time. A second one uses the cores that the
            first leaves idle.
    """

    max_batch: int = 32
    timeout: float = 0.0
    max_waiting: int = 1024
    workers: int = 2


class QueueFullError(Exception):
    """Reports that too many items wait already."""


class RequestBatcher(Generic[Item, Result]):
    """Batches items that threads submit, and runs a function on each batch.

    Args:
        run: the function that returns a result for each item, in order; an exception is the result
            of its item. Several threads call it.
        options: how items are batched.
        observe: a function that is told the size of each batch, before it runs.
    """

    def __init__(
        self,
        run: Callable[[list[Item]], Sequence[Result | BaseException]],
        options: BatchingOptions,
        observe: Callable[[int], object] = lambda _size: None,
    ) -> None:
        self._run, self._options, self._observe = run, options, observe
        self._changed = threading.Condition()
        self._waiting: deque[tuple[Item, Future[Result]]] = deque()
        self._closed = False
        self._last_size = 0
        self._threads = [
            threading.Thread(target=self._work, name=f"aocr-batches-{number}", daemon=True)
            for number in range(options.workers)
        ]
        for thread in self._threads:
            thread.start()

    def submit(self, items: Sequence[Item]) -> list[Future[Result]]:
        """Adds the items of one request; the futures will hold their results.

        Raises:
            QueueFullError: too many items wait, and none of these was added.
            ValueError: the batcher is closed.
        """
        added: list[tuple[Item, Future[Result]]] = [(item, Future()) for item in items]
        with self._changed:
            if self._closed:
                raise ValueError("the batcher is closed")
            if self._waiting and len(self._waiting) + len(added) > self._options.max_waiting:
                raise QueueFullError
            self._waiting.extend(added)
            self._changed.notify_all()
        return [future for _, future in added]

    @property
    def waiting(self) -> int:
        """The number of items that wait for their batch."""
        return len(self._waiting)

    def close(self) -> None:
        """Runs what waits, and ends."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()

    def _work(self) -> None:
        while batch := self._next_batch():
            self._observe(len(batch))
            try:
                results = self._run([item for item, _ in batch])
                for (_, future), result in zip(batch, results, strict=True):
                    _finish(future, result)
            except BaseException as error:  # the thread must live; the requests get the error
                for _, future in batch:
                    if not future.done():
                        _finish(future, error)

    def _next_batch(self) -> list[tuple[Item, Future[Result]]]:
        """Waits for the next batch; returns nothing once the batcher is closed and empty."""
        with self._changed:
            while True:
                self._changed.wait_for(lambda: self._waiting or self._closed)
                if not self._waiting:
                    return []
                self._wait_for_more()
                if batch := self._take():
                    return batch

    def _wait_for_more(self) -> None:
        """Waits until a batch is full or its time is over, or another thread has taken it."""
        start = time.monotonic()
        while 0 < len(self._waiting) < self._options.max_batch and not self._closed:
            waited, count = time.monotonic() - start, len(self._waiting)
            if waited < self._options.timeout:
                self._changed.wait(self._options.timeout - waited)
                continue
            is_alone = count + self._last_size <= 2
            if is_alone or waited >= self._options.timeout + MAX_ARRIVAL:
                break
            if not self._changed.wait(ARRIVAL_GAP):
                break

    def _take(self) -> list[tuple[Item, Future[Result]]]:
        """Takes a batch, without the items that were given up, which need no result."""
        count = min(len(self._waiting), self._options.max_batch)
        pairs = [self._waiting.popleft() for _ in range(count)]
        batch = [pair for pair in pairs if pair[1].set_running_or_notify_cancel()]
        self._last_size = len(batch)
        return batch


def _finish(future: Future, result: object) -> None:
    if isinstance(result, BaseException):
        future.set_exception(result)
    else:
        future.set_result(result)
