"""Batching of what threads submit."""

import threading
import time

import pytest

from aocr.server.models import request_batching
from aocr.server.models.request_batching import BatchingOptions, QueueFullError, RequestBatcher


class Recorder:
    """Runs batches of numbers: returns their squares, and an error for a negative one.

    A batch waits until it is allowed to run.
    """

    def __init__(self, workers=1, **options):
        self.batches, self.sizes = [], []
        self.may_run = threading.Event()
        self.started = threading.Event()
        self.batcher = RequestBatcher(
            self.run, BatchingOptions(workers=workers, **options), self.sizes.append
        )

    def run(self, items):
        self.batches.append(items)
        self.started.set()
        assert self.may_run.wait(10)
        if 0 in items:
            raise RuntimeError("zero")
        return [n * n if n > 0 else ValueError(n) for n in items]


def test_items_that_arrive_during_a_batch_are_the_next_one():
    recorder = Recorder(max_batch=3)
    (first,) = recorder.batcher.submit([1])
    assert recorder.started.wait(10)
    later = [future for n in (2, 3, 4, 5) for future in recorder.batcher.submit([n])]
    assert recorder.batcher.waiting == 4
    recorder.may_run.set()
    assert [future.result(10) for future in [first, *later]] == [1, 4, 9, 16, 25]
    recorder.batcher.close()
    assert recorder.batches == [[1], [2, 3, 4], [5]]
    assert recorder.sizes == [1, 3, 1]


def test_several_batches_run_at_the_same_time():
    recorder = Recorder(workers=2, max_batch=2)
    futures = recorder.batcher.submit([1, 2, 3, 4])
    deadline = time.monotonic() + 10
    while len(recorder.batches) < 2 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert sorted(recorder.batches) == [[1, 2], [3, 4]]  # and none of them has ended
    recorder.may_run.set()
    assert [future.result(10) for future in futures] == [1, 4, 9, 16]
    recorder.batcher.close()


def test_what_arrives_shortly_after_a_batch_is_collected(monkeypatch):
    monkeypatch.setattr(request_batching, "ARRIVAL_GAP", 0.5)
    monkeypatch.setattr(request_batching, "MAX_ARRIVAL", 5)
    recorder = Recorder(max_batch=4)
    recorder.may_run.set()
    assert [future.result(10) for future in recorder.batcher.submit([1, 2])] == [1, 4]
    futures = [recorder.batcher.submit([number])[0] for number in (3, 4)]
    assert [future.result(10) for future in futures] == [9, 16]
    assert recorder.batches == [[1, 2], [3, 4]]
    recorder.batcher.close()


def test_an_item_that_is_alone_does_not_wait(monkeypatch):
    monkeypatch.setattr(request_batching, "ARRIVAL_GAP", 60)
    recorder = Recorder(max_batch=4)
    recorder.may_run.set()
    for number in (1, 2, 3):
        (future,) = recorder.batcher.submit([number])
        assert future.result(10) == number**2
    recorder.batcher.close()


def test_a_batch_waits_for_more_items_until_the_timeout():
    recorder = Recorder(max_batch=8, timeout=0.5)
    recorder.may_run.set()
    start = time.monotonic()
    futures = [recorder.batcher.submit([n])[0] for n in (1, 2, 3)]
    assert [future.result(10) for future in futures] == [1, 4, 9]
    assert time.monotonic() - start >= 0.45
    assert recorder.batches == [[1, 2, 3]]
    recorder.batcher.close()


def test_a_full_batch_does_not_wait():
    recorder = Recorder(max_batch=2, timeout=60)
    recorder.may_run.set()
    assert [future.result(10) for future in recorder.batcher.submit([1, 2])] == [1, 4]
    recorder.batcher.close()


def test_an_error_is_that_of_its_item():
    recorder = Recorder(max_batch=8, timeout=0.05)
    recorder.may_run.set()
    good, bad = recorder.batcher.submit([2, -2])
    assert good.result(10) == 4
    with pytest.raises(ValueError, match="-2"):
        bad.result(10)
    (zero,) = recorder.batcher.submit([0])
    with pytest.raises(RuntimeError, match="zero"):
        zero.result(10)
    assert recorder.batcher.submit([3])[0].result(10) == 9
    recorder.batcher.close()


def test_too_many_waiting_items_are_refused_but_one_request_is_not():
    recorder = Recorder(max_batch=1, max_waiting=3)
    recorder.batcher.submit([1])
    assert recorder.started.wait(10)
    many = recorder.batcher.submit([2, 3, 4, 5])
    with pytest.raises(QueueFullError):
        recorder.batcher.submit([6])
    recorder.may_run.set()
    assert [future.result(10) for future in many] == [4, 9, 16, 25]
    recorder.batcher.close()


def test_closing_runs_what_waits():
    recorder = Recorder(max_batch=2, timeout=60)
    (future,) = recorder.batcher.submit([3])
    recorder.may_run.set()
    recorder.batcher.close()
    assert future.result(0) == 9
    with pytest.raises(ValueError, match="closed"):
        recorder.batcher.submit([1])


def test_given_up_requests_are_not_run():
    recorder = Recorder(max_batch=4)
    recorder.batcher.submit([1])
    assert recorder.started.wait(10)
    given_up, kept = recorder.batcher.submit([2, 3])
    assert given_up.cancel()
    recorder.may_run.set()
    assert kept.result(10) == 9
    recorder.batcher.close()
    assert recorder.batches == [[1], [3]]
