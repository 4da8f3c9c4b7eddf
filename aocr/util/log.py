"""The log: one format for the console and the file, which may be remote."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import tempfile
from collections.abc import Iterator

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


def import_tensorflow(path: str, use_gpu: bool = True) -> None:
    """Imports TensorFlow, with its start-up lines in the log file and not on the console.

    Its C++ writes them to the file descriptor of stderr, whatever TF_CPP_MIN_LOG_LEVEL says.

    Also turns on oneDNN's kernels where TensorFlow would leave them off: on CPUs without AVX-512
    they make a training step a third faster. Whoever sets these variables is obeyed.

    Args:
        path: the log file.
        use_gpu: False hides the GPUs, of which TensorFlow would take the memory.
    """
    if not use_gpu:
        os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    with _stderr_into(os.devnull if "://" in path else path):
        import tensorflow as tf

        for gpu in tf.config.list_physical_devices("GPU"):  # looks for GPUs, and says so
            tf.config.experimental.set_memory_growth(gpu, True)
    logging.getLogger("tensorflow").setLevel(logging.ERROR)


@contextlib.contextmanager
def _stderr_into(path: str) -> Iterator[None]:
    """Appends what this process writes to file descriptor 2 to a file."""
    sys.stderr.flush()
    console = os.dup(2)
    target = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    os.dup2(target, 2)
    try:
        yield
    finally:
        os.dup2(console, 2)
        os.close(console)
        os.close(target)


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
