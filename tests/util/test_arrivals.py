"""Batches of items that arrive one by one."""

import itertools
import queue

import pytest

from aocr.util.threads import batch_arrivals


@pytest.mark.parametrize("count", [0, 1, 3, 4, 5, 100])
def test_every_item_is_in_one_batch_in_order(count):
    batches = list(batch_arrivals(range(count), max_size=4))
    assert all(1 <= len(batch) <= 4 for batch in batches)
    assert list(itertools.chain(*batches)) == list(range(count))


def test_an_item_does_not_wait_for_the_next_one():
    items = queue.Queue()
    batches = batch_arrivals(iter(items.get, None), max_size=4)
    for item in ("a", "b"):
        items.put(item)
        assert next(batches) == [item]
    items.put(None)
    assert list(batches) == []


def test_an_error_of_the_items_is_raised_after_the_items_before_it():
    def items():
        yield "a"
        raise OSError("broken")

    batches = batch_arrivals(items(), max_size=4)
    assert next(batches) == ["a"]
    with pytest.raises(OSError, match="broken"):
        next(batches)
