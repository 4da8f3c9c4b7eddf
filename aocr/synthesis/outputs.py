"""Opens the output of `aocr synth`: TFRecord files, or a folder of images."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator

import tensorflow as tf

from aocr.data.records import schema
from aocr.data.records.shards import output_names
from aocr.synthesis.options import SynthesisOptions, is_folder_name
from aocr.util.errors import UserError, first_line
from aocr.util.paths.checks import is_remote
from aocr.util.paths.files import names_in, remove, replacing

ANNOTATIONS = "annotations.txt"

IMAGES = "images"


class FolderWriter:
    """Writes images into a folder, and their labels as lines `path label`.

    Args:
        folder: exists and is empty.
        extension: extension of the image files, without a dot.
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
    if names_in(target):
        raise UserError(
            f"the folder {target}/ is not empty: give another name, or remove the folder first"
        )


Write = Callable[[bytes, str], None]
"""Writes an image file and its label."""


@contextlib.contextmanager
def open_output(output: str, options: SynthesisOptions) -> Iterator[Write]:
    """Yields a function that writes images; the output appears when the block ends without error.

    Args:
        output: TFRecord file, or a folder if it ends with a slash.
        options: give the number of shards, and the image format.

    Raises:
        UserError: the output cannot be written.
    """
    opened = _open_folder if is_folder_name(output) else _open_records
    try:
        with opened(output, options) as write:
            yield write
    except tf.errors.OpError as error:
        raise UserError(f"cannot write {output}: {first_line(error)}") from error


@contextlib.contextmanager
def _open_records(output: str, options: SynthesisOptions) -> Iterator[Write]:
    """Yields a function that writes records to the shards in turn."""
    names = output_names(output, options.shards, None)
    number = 0
    with replacing(names.files) as temporaries, contextlib.ExitStack() as stack:
        files = temporaries[: len(names.shards)]
        writers = [stack.enter_context(tf.io.TFRecordWriter(name)) for name in files]

        def write(encoded: bytes, label: str) -> None:
            nonlocal number
            writers[number % len(writers)].write(schema.serialize(encoded, label))
            number += 1

        yield write


@contextlib.contextmanager
def _open_folder(output: str, options: SynthesisOptions) -> Iterator[Write]:
    """Yields a function that writes image files and annotations."""
    extension = {"jpeg": "jpg", "png": "png"}[options.looks.image_format]
    with new_folder(output) as folder:
        writer = FolderWriter(folder, extension, options.count)
        with contextlib.closing(writer):
            yield writer.write
