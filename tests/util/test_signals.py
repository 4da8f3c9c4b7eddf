"""Signals that ask a run to stop, sent to this process."""

import os
import signal
import threading

import pytest

from aocr.util.signals import STOP_SIGNALS, collect_stop_signals


@pytest.fixture(autouse=True)
def handlers():
    """Restores the handlers, and ends nobody if a signal comes through."""
    before = {number: signal.getsignal(number) for number in STOP_SIGNALS}
    reached = []
    for number in STOP_SIGNALS:
        signal.signal(number, lambda number, _: reached.append(number))
    yield reached
    for number, handler in before.items():
        signal.signal(number, handler)


def test_signals_are_collected_in_order(handlers):
    with collect_stop_signals() as received:
        assert received == []
        os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGINT)
        assert received == ["SIGTERM", "SIGINT"]
    assert not handlers


def test_signal_after_a_request_does_not_interrupt_the_end(handlers):
    with collect_stop_signals():
        os.kill(os.getpid(), signal.SIGTERM)
    os.kill(os.getpid(), signal.SIGTERM)
    assert not handlers


def test_handlers_are_restored_where_no_signal_came(handlers):
    with collect_stop_signals():
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    assert handlers == [signal.SIGTERM]


def test_another_thread_collects_nothing():
    collected = []

    def run():
        with collect_stop_signals() as received:
            collected.append(received)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert collected == [[]]
