"""Files that appear under their names when they are complete, or not at all."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence

import tensorflow as tf


@contextlib.contextmanager
def replacing(names: Sequence[str]) -> Iterator[list[str]]:
    """Temporary names, one for each; at the end of the block they take the names' places.

    A name whose temporary file was not written is removed: what it had is of an earlier run.
    After an error in the block nothing is replaced. No temporary file stays.

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
    """Writes a file so that it appears under its name only when it is complete.

    Raises:
        tf.errors.OpError: the file cannot be written.
    """
    with replacing([path]) as (temporary,), tf.io.gfile.GFile(temporary, "wb") as file:
        file.write(content)
