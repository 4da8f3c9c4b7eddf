"""Signals that ask a run to stop."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def stop_requests() -> Iterator[list[str]]:
    """Collects the names of the signals that ask to stop, however often they come.

    What runs is finished first. After a request those that follow are passed over until the
    process ends, so that none of them breaks off the ending. Outside the main thread, where no
    handler can be set, nothing is collected.
    """
    requests: list[str] = []

    def note(number: int, _frame: object) -> None:
        requests.append(signal.Signals(number).name)

    try:
        before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    except ValueError:
        before = {}
    try:
        yield requests
    finally:
        if not requests:
            for number, handler in before.items():
                signal.signal(number, handler)
