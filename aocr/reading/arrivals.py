"""Groups items that arrive one by one into batches, without waiting for a full batch."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterable, Iterator
from typing import NamedTuple, TypeVar

Item = TypeVar("Item")


class _End(NamedTuple):
    """Follows the last item in the queue.

    Attributes:
        error: what the iterator of the items raised, or None.
    """

    error: Exception | None


def batch_arrivals(items: Iterable[Item], max_size: int) -> Iterator[list[Item]]:
    """Yields the items in batches: each holds what has arrived since the batch before.

    A thread takes the items, up to four batches in advance.

    Args:
        items: may take any time to give the next item.
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
