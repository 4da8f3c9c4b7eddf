"""Hides from the console what C++ code writes to stderr, unless the process then dies."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
from collections.abc import Callable, Iterator
from typing import NoReturn

from aocr.util.terminal import signals

_END = b"\0"
"""Follows the messages in the pipe if nobody needs them."""


@contextlib.contextmanager
def hide_native_messages() -> Iterator[None]:
    """Hides what this process writes to file descriptor 2 in the block.

    A child process keeps the messages. It logs them if the block raises, or if the process dies in
    the block, for example because TensorFlow needs instructions that the CPU lacks.
    """
    reading, writing = os.pipe()
    signal.pthread_sigmask(signal.SIG_BLOCK, signals.STOP_SIGNALS)  # Ctrl-C reaches the child, too
    child = os.fork()
    if child == 0:
        os.close(writing)
        _log_unless_ended(reading)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, signals.STOP_SIGNALS)
    os.close(reading)
    try:
        with redirect_stderr(writing, on_signal=lambda: os.write(writing, _END)):
            yield
        os.write(writing, _END)
    finally:
        os.close(writing)
        os.waitpid(child, 0)


def _log_unless_ended(reading: int) -> NoReturn:
    """Reads messages until nobody can write more, logs them unless `_END` follows, and exits."""
    try:
        with open(reading, "rb") as pipe:
            messages = pipe.read()
        if not messages.endswith(_END):
            logging.error("TensorFlow could not be imported. Its last messages:")
            for line in messages.decode("utf-8", "replace").splitlines():
                logging.error("%s", line)
    finally:
        os._exit(0)


@contextlib.contextmanager
def redirect_stderr(target: int, on_signal: Callable[[], object] | None = None) -> Iterator[None]:
    """Writes to another file descriptor what this process writes to descriptor 2 in the block.

    A stop signal ends the process. It is reported on the console.

    Args:
        target: a file descriptor.
        on_signal: is called before the process ends.
    """
    console = os.dup(2)

    def end_process(number: int, frame: object) -> None:
        if on_signal:
            on_signal()
        os.dup2(console, 2)
        signals.end_process(number, frame)

    with signals.handled_by(end_process):
        os.dup2(target, 2)
        try:
            yield
        finally:
            os.dup2(console, 2)
            os.close(console)
