"""Makes standard streams safe to use: closed ones, and stderr, to which C++ code writes, too."""

from __future__ import annotations

import collections
import contextlib
import io
import logging
import os
import select
import sys
import threading
from collections.abc import Callable


def fill_closed_streams() -> None:
    """Opens the null device in place of each standard stream that is closed.

    Otherwise the next file that the process opens would get the stream's number, and what is
    written to the stream would land in that file. `sys.stdin` and `sys.stdout` stay None, so that
    a command that needs them can tell; what goes to `sys.stderr` is dropped.
    """
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # gets the lowest free number, which is this one
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115


def own_stderr() -> None:
    """Gives `sys.stderr` and the log a descriptor of their own.

    Descriptor 2 is then left to C++ code. It can be redirected without an effect on Python's lines.
    """
    shared = sys.stderr
    try:
        if shared.fileno() != 2:
            return
    except io.UnsupportedOperation:  # a program that calls us has replaced it
        return
    raw = io.FileIO(os.dup(2), "w")  # without a buffer: on a full device, nothing waits in it
    own = io.TextIOWrapper(
        raw, encoding=shared.encoding, errors=shared.errors, line_buffering=True, write_through=True
    )
    sys.stderr = own
    for handler in logging.getLogger().handlers:
        if isinstance(handler, logging.StreamHandler) and handler.stream is shared:
            handler.setStream(own)


_READ_BYTES = 2**16
_KEPT_LINES = 256


class StderrFilter:
    """Takes lines out of what this process writes to file descriptor 2, while it is open.

    The descriptor leads to a pipe meanwhile. A thread reads the pipe, so that nobody who writes has
    to wait, and passes the lines that are not taken to the console at once. `streams.own_stderr`
    keeps Python's lines, and its questions whether stderr is a terminal, away from the pipe.

    Filters may be nested. Threads may share one.

    Args:
        is_taken: the function that says whether to take a line, which has no line break.
    """

    def __init__(self, is_taken: Callable[[str], bool]) -> None:
        self._is_taken = is_taken
        self._lock = threading.Lock()
        self._lines: collections.deque[str] = collections.deque(maxlen=_KEPT_LINES)
        self._count = 0
        self._unfinished = b""

    def __enter__(self) -> StderrFilter:
        """Starts taking lines."""
        self._reading, writing = os.pipe()
        self._end_reading, self._end_writing = os.pipe()
        os.set_blocking(self._reading, False)
        self._console = os.dup(2)
        self._thread = threading.Thread(target=self._pass_on, daemon=True)
        self._thread.start()
        os.dup2(writing, 2)
        os.close(writing)
        return self

    def __exit__(self, *error: object) -> None:
        """Gives descriptor 2 back to the console, with the lines that are still in the pipe."""
        os.dup2(self._console, 2)
        os.write(self._end_writing, b"\n")
        self._thread.join()
        self._read()
        self._write(self._unfinished)
        for descriptor in (self._reading, self._end_reading, self._end_writing, self._console):
            os.close(descriptor)

    def count(self) -> int:
        """Returns the number of lines taken, with all that were written before this call."""
        self._read()
        return self._count

    def lines_after(self, count: int) -> list[str]:
        """Returns the lines taken after the first `count`; of many lines, only the last."""
        self._read()
        with self._lock:
            new = min(self._count - count, len(self._lines))
            return list(self._lines)[len(self._lines) - new :]

    def _pass_on(self) -> None:
        """Reads the pipe until the filter is closed: the thread."""
        poll = select.poll()
        poll.register(self._reading, select.POLLIN)
        poll.register(self._end_reading, select.POLLIN)
        while True:
            ready = [descriptor for descriptor, _event in poll.poll()]
            if self._end_reading in ready:
                return
            self._read()

    def _read(self) -> None:
        """Reads what is in the pipe; takes lines, and passes the others on."""
        with self._lock, contextlib.suppress(BlockingIOError):  # the pipe is empty
            while block := os.read(self._reading, _READ_BYTES):
                *lines, self._unfinished = (self._unfinished + block).split(b"\n")
                self._write(b"".join(line + b"\n" for line in lines if not self._takes(line)))

    def _takes(self, line: bytes) -> bool:
        text = line.decode("utf-8", "replace")
        if not self._is_taken(text):
            return False
        self._lines.append(text)
        self._count += 1
        return True

    def _write(self, text: bytes) -> None:
        with contextlib.suppress(OSError):  # nobody reads the console
            while text:
                text = text[os.write(self._console, text) :]
