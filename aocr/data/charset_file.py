"""Charsets from files and from datasets."""

from __future__ import annotations

import tensorflow as tf

from aocr.charset import Charset
from aocr.data import records
from aocr.data.input_pipeline import as_written
from aocr.util.errors import UserError, first_line
from aocr.util.session import open_on_cpu


def read_charset(path: str) -> str:
    """The characters of a UTF-8 file: one line of them, or one a line. A space is a character.

    Raises:
        UserError: no such file, not UTF-8, no character, or one more than once.
    """
    try:
        with tf.io.gfile.GFile(path, "rb") as file:
            text = file.read().decode("utf-8-sig")
        characters = text.replace("\r", "").replace("\n", "")
        Charset(characters)
    except tf.errors.OpError as error:
        raise UserError(f"--charset={path}: {error.message}") from error
    except ValueError as error:
        raise UserError(f"--charset={path}: {error}") from error
    return characters


def characters_of(paths: list[str]) -> str:
    """The characters of all labels of TFRecord files, in the order of their code points.

    Args:
        paths: TFRecord files.

    Raises:
        UserError: no label has a character, or a file is not of this kind.
    """
    with tf.Graph().as_default() as graph:
        parse = as_written(lambda row: records.parse(row).label)
        labels = tf.data.TFRecordDataset(paths).map(parse)
        batches = tf.compat.v1.data.make_one_shot_iterator(labels.batch(1024)).get_next()
    characters: set[str] = set()
    with open_on_cpu(graph) as opened:
        try:
            while True:
                characters.update(*map(records.text_of, opened.run(batches)))
        except tf.errors.OutOfRangeError:
            pass
        except (tf.errors.DataLossError, tf.errors.InvalidArgumentError) as error:
            reason = first_line(error)
            raise UserError(f"cannot learn the charset of {', '.join(paths)}: {reason}") from error
    if not characters:
        raise UserError(f"--charset=auto: no label of {', '.join(paths)} has a character")
    return "".join(sorted(characters))
