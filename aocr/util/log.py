"""Sets up the log: one line format for the console and for the log file, local or remote."""

from __future__ import annotations

import logging
import os
import tempfile

FORMAT = "%(asctime)-15s %(name)-5s %(levelname)-8s %(message)s"
"""Line format of 0.7.6, which programs parse (docs/compatibility.md, "Log lines")."""

TRACEBACKS = "aocr.traceback"
"""Name of the logger whose records go to the file only, not to the console."""

FILE_ONLY = "file_only"
"""Attribute of a single record that goes to the file only.

Set it with `logging.info(..., extra={FILE_ONLY: True})`.
"""


def start(path: str) -> None:
    """Sends all log records to stderr and appends them to the log file.

    Args:
        path: the log file; local or remote.

    Raises:
        OSError: the file cannot be written.
    """
    console = logging.StreamHandler()
    console.addFilter(_is_for_console)
    logging.raiseExceptions = False  # a full disk under the log file must not stop the program
    file = _RemoteLogFile(path) if "://" in path else _LogFile(path)
    logging.basicConfig(level=logging.INFO, format=FORMAT, handlers=[console, file], force=True)


def _is_for_console(record: logging.LogRecord) -> bool:
    return record.name != TRACEBACKS and not getattr(record, FILE_ONLY, False)


class _LogFile(logging.FileHandler):
    """Appends records as UTF-8, with escapes for bytes of file names that are not UTF-8."""

    def __init__(self, path: str) -> None:
        super().__init__(path, encoding="utf-8", errors="backslashreplace")


class _RemoteLogFile(_LogFile):
    """Appends records to a local copy of a remote log, and uploads the copy when closed."""

    def __init__(self, path: str) -> None:
        import tensorflow as tf  # slow to import, and most logs are local

        self._gfile = tf.io.gfile
        self._remote = path
        descriptor, local = tempfile.mkstemp(suffix=".log")
        os.close(descriptor)
        if self._gfile.exists(path):
            self._gfile.copy(path, local, overwrite=True)
        super().__init__(local)

    def close(self) -> None:
        """Uploads the log and removes the local copy."""
        super().close()
        if os.path.exists(self.baseFilename):
            self._gfile.makedirs(os.path.dirname(self._remote))
            self._gfile.copy(self.baseFilename, self._remote, overwrite=True)
            os.remove(self.baseFilename)
