"""Takes some lines out of what C++ code writes to stderr, and lets the others pass."""

from __future__ import annotations

import collections
import contextlib
import os
import select
import threading
from collections.abc import Callable
from types import TracebackType

_READ_BYTES = 2**16
_KEPT_LINES = 256


class StderrFilter:
    """Takes lines out of what this process writes to file descriptor 2, while it is open.

    The descriptor leads to a pipe meanwhile. A thread reads the pipe, so that nobody who writes has
    to wait, and passes the lines that are not taken to the console at once. `streams.own_stderr`
    keeps Python's lines, and its questions whether stderr is a terminal, away from the pipe.

    Filters may be nested. Threads may share one.

    Args:
        is_taken: returns whether to take a line, which has no line break.
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

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
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
