"""The log: one format for the console and the file, which may be remote."""

from __future__ import annotations

import logging
import os
import tempfile

FORMAT = "%(asctime)-15s %(name)-5s %(levelname)-8s %(message)s"
"""As 0.7.6 printed it; programs parse it."""

TRACEBACKS = "aocr.traceback"
"""A logger whose records reach the file, but not the console."""

FILE_ONLY = "file_only"
"""A record with this attribute true does so too: `logging.info(..., extra={FILE_ONLY: True})`."""


def start(path: str) -> None:
    """Sends all log records to the file, which is appended to, and to stderr.

    Raises:
        OSError: the file cannot be written.
    """
    console = logging.StreamHandler()
    console.addFilter(_is_for_the_console)
    logging.raiseExceptions = False  # a full disk under the log file is no reason to stop
    file = _RemoteFile(path) if "://" in path else _File(path)
    logging.basicConfig(level=logging.INFO, format=FORMAT, handlers=[console, file], force=True)


def _is_for_the_console(record: logging.LogRecord) -> bool:
    return record.name != TRACEBACKS and not getattr(record, FILE_ONLY, False)


class _File(logging.FileHandler):
    """Appends UTF-8; a file name that is not Unicode is written with escapes."""

    def __init__(self, path: str) -> None:
        super().__init__(path, encoding="utf-8", errors="backslashreplace")


class _RemoteFile(_File):
    """A log at `gs://` or the like: a local copy, which is put in place when the run ends."""

    def __init__(self, path: str) -> None:
        import tensorflow as tf

        self._files = tf.io.gfile
        self._remote = path
        descriptor, local = tempfile.mkstemp(suffix=".log")
        os.close(descriptor)
        if self._files.exists(path):
            self._files.copy(path, local, overwrite=True)
        super().__init__(local)

    def close(self) -> None:
        """Puts the log in place."""
        super().close()
        if os.path.exists(self.baseFilename):
            self._files.makedirs(os.path.dirname(self._remote))
            self._files.copy(self.baseFilename, self._remote, overwrite=True)
            os.remove(self.baseFilename)
