"""Turns signals that would end the process into requests to stop."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def collect_stop_signals() -> Iterator[list[str]]:
    """Yields a list to which the name of each SIGINT and SIGTERM is appended as it arrives.

    The caller looks at the list when it can stop cleanly. If a signal has arrived, later ones stay
    without effect after the block too, until the process ends: they must not interrupt its clean
    end. If none has arrived, the previous handlers are restored. Outside of the main thread Python
    cannot set signal handlers, and the list stays empty.
    """
    received: list[str] = []

    def append_name(number: int, _frame: object) -> None:
        received.append(signal.Signals(number).name)

    try:
        previous = {number: signal.signal(number, append_name) for number in STOP_SIGNALS}
    except ValueError:  # not the main thread
        previous = {}
    try:
        yield received
    finally:
        if not received:
            for number, handler in previous.items():
                signal.signal(number, handler)
