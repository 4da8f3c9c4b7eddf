"""Writes a folder of images with an annotation file, which appears complete or not at all."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

import tensorflow as tf

from aocr.util.errors import UserError
from aocr.util.paths.checks import is_remote
from aocr.util.paths.files import remove

ANNOTATIONS = "annotations.txt"
IMAGES = "images"


class FolderWriter:
    """Writes images into a folder, and their labels as lines `path label`.

    Args:
        folder: exists and is empty.
        extension: of the image files, without a dot.
        count: number of images, for the number of digits in their names.
    """

    def __init__(self, folder: str, extension: str, count: int) -> None:
        self._folder = folder
        self._extension = extension
        self._digits = len(str(count - 1))
        self._number = 0
        tf.io.gfile.makedirs(os.path.join(folder, IMAGES))
        self._annotations = tf.io.gfile.GFile(os.path.join(folder, ANNOTATIONS), "wb")

    def write(self, encoded: bytes, label: str) -> None:
        """Writes an image and its line."""
        name = f"{IMAGES}/{self._number:0{self._digits}}.{self._extension}"
        with tf.io.gfile.GFile(os.path.join(self._folder, name), "wb") as file:
            file.write(encoded)
        self._annotations.write(f"{name} {label}\n".encode())
        self._number += 1

    def close(self) -> None:
        """Writes what is still held in memory."""
        self._annotations.close()


@contextlib.contextmanager
def new_folder(output: str) -> Iterator[str]:
    """Yields an empty folder that gets the name of the output when the block ends without error.

    Remote folders cannot be renamed at once: such a folder has its name from the start, is removed
    after an error, and gets its annotations last.

    Raises:
        UserError: the output is not empty, or not a folder.
        tf.errors.OpError: the folder cannot be written.
    """
    target = output.rstrip("/" + os.sep) or "/"
    _check_is_free(target)
    temporary = target if is_remote(target) else f"{target}.{os.getpid()}.tmp"
    try:
        tf.io.gfile.makedirs(temporary)
        yield temporary
        if temporary != target:
            remove(target)
            tf.io.gfile.rename(temporary, target)
    except BaseException:
        remove(temporary)
        raise


def _check_is_free(target: str) -> None:
    if not tf.io.gfile.exists(target) and not os.path.islink(target):
        return
    if not tf.io.gfile.isdir(target) or os.path.islink(target):
        raise UserError(f"cannot write the folder {target}/: there is a file or link of this name")
    if tf.io.gfile.listdir(target):
        raise UserError(
            f"the folder {target}/ is not empty: give another name, or remove the folder first"
        )
