"""Reads small files from any file system, and checks that TensorFlow can reach it."""

from __future__ import annotations

import errno
import re
from collections.abc import Iterable, Iterator

from aocr.util.errors import UserError, first_line
from aocr.util.paths.checks import is_remote

_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*)://")
"""Matches the beginning of a remote path; its group is the name of the file system."""

CURES = {"gs": "install the extra: pip install 'aocr[gcs]'"}
"""The cure for a missing file system, by its name."""


def read_bytes(path: str) -> bytes:
    """Returns the content of a file. Local pipes are read, too, which TensorFlow cannot do.

    TensorFlow is imported only for a remote file.

    Raises:
        OSError: the file cannot be read.
    """
    if not is_remote(path):
        with open(path, "rb") as file:
            return file.read()
    import tensorflow as tf  # slow to import

    try:
        with tf.io.gfile.GFile(path, "rb") as remote:
            return remote.read()
    except tf.errors.NotFoundError as error:
        raise FileNotFoundError(errno.ENOENT, "no such file") from error
    except tf.errors.OpError as error:
        raise OSError(errno.EIO, first_line(error)) from error


def check_file_systems(values: Iterable[object]) -> None:
    """Refuses remote paths whose file system this installation of TensorFlow lacks.

    Args:
        values: the values of a command's flags and arguments, lists of paths included.

    Raises:
        UserError: names the first such path.
    """
    remote = [(path, match[1]) for path in _texts(values) if (match := _SCHEME.match(path))]
    if not remote:
        return
    import tensorflow as tf  # slow to import, and most paths are local

    known = tf.io.gfile.get_registered_schemes()
    for path, scheme in remote:
        if scheme not in known:
            cure = CURES.get(scheme, "copy the files to a local folder")
            raise UserError(f"{path}: TensorFlow has no file system {scheme}:// here: {cure}")


def _texts(values: Iterable[object]) -> Iterator[str]:
    for value in values:
        if isinstance(value, str):
            yield value
        elif isinstance(value, (list, tuple)):
            yield from _texts(value)
