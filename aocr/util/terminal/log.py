"""Sets up the log: one line format for the console and for the log file, local or remote."""

from __future__ import annotations

import contextlib
import errno
import io
import logging
import logging.handlers
import os
import sys
import tempfile

from aocr.util.errors import first_line
from aocr.util.paths.checks import PIPE, is_remote, kind_of_special_file
from aocr.util.terminal.console import is_interactive
from aocr.util.text.characters import escape

FORMAT = "%(asctime)-15s %(name)-5s %(levelname)-8s %(message)s"
"""Line format of 0.7.6, which programs parse (docs/compatibility.md, "Log lines")."""

TRACEBACKS = "aocr.traceback"
"""Name of the logger whose records go to the file only, not to the console."""

FILE_ONLY = "file_only"
"""Attribute of a single record that goes to the file only.

Set it with `logging.info(..., extra={FILE_ONLY: True})`.
"""

DETAIL = {"detail": True}
"""The `extra` of a record that people need not see: a line of 0.7.6 that programs read, such as
those of each step and image. It goes to the file, and to a console that is no terminal."""


def start(path: str, verbose: bool = False) -> None:
    """Sends all log records to stderr and appends them to the log file.

    If the file cannot be written later, for example because the disk is full, the console says so
    once, and gets the records alone.

    Args:
        path: the log file; local or remote.
        verbose: whether a terminal shows the records marked as `DETAIL`, too.

    Raises:
        OSError: the file cannot be written.
    """
    console = logging.StreamHandler()
    console.addFilter(_is_for_console)
    if is_interactive() and not verbose:
        console.addFilter(lambda record: not hasattr(record, "detail"))
    logging.raiseExceptions = False  # a console that is closed must not stop the program
    file = _RemoteLogFile(path) if is_remote(path) else _LogFile(path)
    for handler in (console, file):
        handler.setFormatter(_LineFormatter(FORMAT))
    logging.basicConfig(level=logging.INFO, handlers=[console, file], force=True)


def _is_for_console(record: logging.LogRecord) -> bool:
    return record.name != TRACEBACKS and not getattr(record, FILE_ONLY, False)


class _LineFormatter(logging.Formatter):
    """Formats a record as one line, whatever the labels and paths in its message contain.

    Control characters are escaped: they could move the cursor of a terminal, and a line break
    could forge a record. Tracebacks keep their lines, indented.
    """

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802
        """Returns the line of a record."""
        record.message = escape(record.message)
        return super().formatMessage(record)

    def formatException(self, ei) -> str:  # noqa: N802
        """Returns the lines of a traceback."""
        lines = super().formatException(ei).split("\n")
        return "\n".join(f"    {escape(line)}" for line in lines)


class _LogFile(logging.handlers.WatchedFileHandler):
    """Appends records as UTF-8, and reports once that they cannot be written.

    A file that is moved away, as by logrotate, is made anew.
    """

    def __init__(self, path: str) -> None:
        super().__init__(path, encoding="utf-8", errors="backslashreplace")
        self._has_failed = False

    def _open(self) -> io.TextIOWrapper:
        return open(
            self.baseFilename,
            "a",
            encoding=self.encoding,
            errors=self.errors,
            opener=_open_without_waiting,
        )

    def emit(self, record: logging.LogRecord) -> None:
        """Appends a record."""
        try:
            super().emit(record)
        except OSError:  # of looking for the file
            self.handleError(record)

    def close(self) -> None:
        """Closes the file, also on a full disk, where `handleError` has reported it."""
        with contextlib.suppress(OSError):
            super().close()

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
        """Logs the first error, which reaches the console even if it cannot reach the file."""
        if not self._has_failed:
            self._has_failed = True
            error = sys.exc_info()[1]
            if isinstance(error, Exception):
                _warn_of_failure(self.baseFilename, error, "it will lack lines")


def _open_without_waiting(path: str, flags: int) -> int:
    """Opens a file; raises OSError for a pipe that nobody reads, instead of waiting for ever."""
    try:
        descriptor = os.open(path, flags | os.O_NONBLOCK, 0o666)
    except OSError as error:
        if error.errno == errno.ENXIO and kind_of_special_file(path) == PIPE:
            raise OSError("no program reads this pipe") from error
        raise
    os.set_blocking(descriptor, True)
    return descriptor


def _warn_of_failure(path: str, error: Exception, consequence: str) -> None:
    reason = getattr(error, "strerror", None) or first_line(error)
    logging.warning("cannot write the log file %s: %s; %s", path, reason, consequence)


class _RemoteLogFile(_LogFile):
    """Appends records to a local copy of a remote log, and uploads the copy when closed."""

    def __init__(self, path: str) -> None:
        import tensorflow as tf  # slow to import, and most logs are local

        self._gfile = tf.io.gfile
        self._remote = path
        descriptor, local = tempfile.mkstemp(suffix=".log")
        os.close(descriptor)
        try:
            if self._gfile.exists(path):
                self._gfile.copy(path, local, overwrite=True)
        except tf.errors.OpError as error:
            os.remove(local)
            raise OSError(first_line(error)) from error
        super().__init__(local)

    def close(self) -> None:
        """Uploads the log and removes the local copy."""
        super().close()
        if os.path.exists(self.baseFilename):
            try:
                self._gfile.makedirs(os.path.dirname(self._remote))
                self._gfile.copy(self.baseFilename, self._remote, overwrite=True)
            except Exception as error:  # logging hides errors at the end of the process
                _warn_of_failure(self._remote, error, f"it is kept as {self.baseFilename}")
            else:
                os.remove(self.baseFilename)
