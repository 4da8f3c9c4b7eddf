"""Writes files so that each appears under its name complete, or not at all."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence

import tensorflow as tf


@contextlib.contextmanager
def replacing(names: Sequence[str]) -> Iterator[list[str]]:
    """Yields a temporary file name for each file, and renames the files when the block ends.

    If the block did not write a temporary file, the file of that name is removed: its content
    belongs to an earlier run. If the block raises, no file is replaced. No temporary file remains.

    Args:
        names: the final file names; local or remote.

    Raises:
        tf.errors.OpError: a file cannot be moved or removed.
    """
    temporaries = [f"{name}.{os.getpid()}.tmp" for name in names]
    try:
        yield temporaries
        for temporary, name in zip(temporaries, names, strict=True):
            if tf.io.gfile.exists(temporary):
                tf.io.gfile.rename(temporary, name, overwrite=True)
            elif tf.io.gfile.exists(name):
                tf.io.gfile.remove(name)
    finally:
        for temporary in temporaries:
            if tf.io.gfile.exists(temporary):
                tf.io.gfile.remove(temporary)


def write_atomically(path: str, content: bytes) -> None:
    """Writes a file that appears under its name only when it is complete.

    Args:
        path: local or remote.
        content: the whole content of the file.

    Raises:
        tf.errors.OpError: the file cannot be written.
    """
    with replacing([path]) as (temporary,), tf.io.gfile.GFile(temporary, "wb") as file:
        file.write(content)


def remove(path: str) -> None:
    """Removes a file, or a folder with its content, if there is one.

    Raises:
        tf.errors.OpError: it cannot be removed.
    """
    if not tf.io.gfile.exists(path):
        return
    if tf.io.gfile.isdir(path):
        tf.io.gfile.rmtree(path)
    else:
        tf.io.gfile.remove(path)
