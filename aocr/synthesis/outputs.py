"""Opens the output of `aocr synth`: TFRecord files, or a folder of images."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

import tensorflow as tf

from aocr.data.records import schema
from aocr.data.records.shards import output_names
from aocr.synthesis.image_folder import FolderWriter, new_folder
from aocr.synthesis.options import SynthesisOptions, is_folder_name
from aocr.util.errors import UserError, first_line
from aocr.util.paths.files import replacing

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
