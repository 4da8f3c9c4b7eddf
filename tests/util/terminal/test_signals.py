"""Signals that ask a run to stop, sent to this process."""

import os
import signal
import subprocess
import sys
import threading

import pytest
from commands import environment

from aocr.util.terminal import signals
from aocr.util.terminal.signals import STOP_SIGNALS, Interruption, collect_stop_signals


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


def test_first_signal_interrupts_and_the_next_ones_do_not():
    interruption = Interruption()
    signals.set_handler(interruption)
    assert not interruption.has_arrived
    with pytest.raises(KeyboardInterrupt):
        os.kill(os.getpid(), signal.SIGTERM)
    assert interruption.has_arrived
    os.kill(os.getpid(), signal.SIGINT)


def test_signals_during_the_end_do_not_interrupt_it():
    interruption = Interruption()
    interruption.expect_end()
    signals.set_handler(interruption)
    os.kill(os.getpid(), signal.SIGINT)
    assert not interruption.has_arrived


LOST = """
import signal
from aocr.util.terminal import signals
class Loses:
    def __del__(self):
        signal.raise_signal(signal.SIGINT)
        sum(range(10))
signals.set_handler(signals.Interruption())
with signals.no_lost_interrupts():
    Loses()
    print("goes on")
"""

HANGS = """
import signal, time
from aocr.util.terminal import signals
signals.CLEAN_UP_SECONDS = 0.1
signals.set_handler(signals.Interruption())
try:
    signal.raise_signal(signal.SIGINT)
finally:
    time.sleep(0.2)
    signal.raise_signal(signal.SIGINT)
    time.sleep(60)
"""


@pytest.mark.parametrize("program", [LOST, HANGS], ids=["lost", "hangs"])
def test_process_ends_where_interrupts_are_lost_or_the_clean_up_hangs(program):
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        env=environment(),
        timeout=30,
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "Interrupted.\n")
