"""Defines what SIGINT and SIGTERM do: end the process, interrupt a command, or ask it to stop."""

from __future__ import annotations

import atexit
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)

EXIT_INTERRUPTED = 130
"""128 plus the number of SIGINT, as shells have it."""

INTERRUPTED = "Interrupted."
"""The last line on the console of a command that a signal has ended."""

CLEAN_UP_SECONDS = 5
"""Time in which a second signal has no effect, so that it does not interrupt the clean-up."""

Handler = Callable[[int, object], None] | signal.Handlers


def set_handler(handler: Handler) -> dict:
    """Sets a handler for SIGINT and SIGTERM, and returns the handlers before."""
    return {number: signal.signal(number, handler) for number in STOP_SIGNALS}


def ignore_at_the_very_end() -> None:
    """Ignores signals after all other exit functions, when Python would let them end the process.

    To be called early: exit functions run in reverse order.
    """
    atexit.register(set_handler, signal.SIG_IGN)


@contextmanager
def handled_by(handler: Handler) -> Iterator[None]:
    """Sets a handler for SIGINT and SIGTERM during the block."""
    previous = set_handler(handler)
    try:
        yield
    finally:
        for number, earlier in previous.items():
            signal.signal(number, earlier)


def end_process(_number: int, _frame: object) -> None:
    """Ends the process at once: the signal handler while there is nothing to clean up.

    KeyboardInterrupt would do harm there: imports swallow it, or end with a traceback.
    """
    try:
        os.write(sys.stderr.fileno(), f"{INTERRUPTED}\n".encode())
    finally:
        os._exit(EXIT_INTERRUPTED)


class Interruption:
    """Handles signals: raises KeyboardInterrupt at the first one.

    Signals that follow within `CLEAN_UP_SECONDS` have no effect, so that temporary files are
    removed. A later one ends the process at once, because its clean-up hangs.
    """

    def __init__(self) -> None:
        self.has_arrived = False
        self._ending_since: float | None = None

    def __call__(self, number: int, frame: object) -> None:
        """Handles a signal."""
        if self._ending_since is None:
            self.has_arrived = True
            self.expect_end()
            raise KeyboardInterrupt
        if time.monotonic() - self._ending_since > CLEAN_UP_SECONDS:
            end_process(number, frame)

    def expect_end(self) -> None:
        """Handles further signals as if one had arrived before."""
        self._ending_since = time.monotonic()


@contextmanager
def no_lost_interrupts() -> Iterator[None]:
    """Ends the process on KeyboardInterrupt in finalizers, where Python would only print it."""
    show = sys.unraisablehook

    def hook(unraisable: sys.UnraisableHookArgs) -> None:
        if issubclass(unraisable.exc_type, KeyboardInterrupt):
            end_process(signal.SIGINT, None)
        show(unraisable)

    sys.unraisablehook = hook
    try:
        yield
    finally:
        sys.unraisablehook = show


@contextmanager
def collect_stop_signals() -> Iterator[list[str]]:
    """Yields a list to which the name of each SIGINT and SIGTERM is appended as it arrives.

    The caller looks at the list when it can stop cleanly. Once a signal has arrived, later ones are
    ignored until the process ends, also after the block: they must not interrupt its clean end. If
    none has arrived, the previous handlers are restored. Outside of the main thread Python
    cannot set signal handlers, and the list stays empty.
    """
    received: list[str] = []

    def append_name(number: int, _frame: object) -> None:
        received.append(signal.Signals(number).name)

    try:
        previous = set_handler(append_name)
    except ValueError:  # not the main thread
        previous = {}
    try:
        yield received
    finally:
        if not received:
            for number, handler in previous.items():
                signal.signal(number, handler)
