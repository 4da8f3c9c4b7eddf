"""The parallel map: order, bounds, errors, and its end."""

import threading
import time

import pytest

from aocr.util.threads import WORKERS, map_in_order


def test_results_have_the_order_of_the_items():
    def slow_at_first(number):
        time.sleep(0.002 * (number < 5))
        return number * 2

    assert list(map_in_order(slow_at_first, range(200))) == list(range(0, 400, 2))


def test_items_are_taken_as_results_are():
    taken = []
    results = map_in_order(lambda item: item, (taken.append(n) or n for n in range(10_000)))
    next(results)
    assert len(taken) <= 2 * WORKERS
    results.close()
    assert len(taken) <= 2 * WORKERS


def test_error_comes_in_the_place_of_its_result():
    results = map_in_order(lambda n: 1 // n, [1, 1, 0, 1])
    assert [next(results), next(results)] == [1, 1]
    with pytest.raises(ZeroDivisionError):
        next(results)


def test_no_thread_stays():
    before = threading.active_count()
    results = map_in_order(lambda n: n, range(1000))
    next(results)
    results.close()
    assert threading.active_count() == before
