"""The files of a dataset: which they are, and their records one by one, outside of a graph."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import tensorflow as tf
from google.protobuf.message import DecodeError

from aocr.data import records
from aocr.data.input_pipeline import without_autotuning
from aocr.util.errors import UserError, first_line

PATTERN = "*.tfrecords"
"""The files of a folder that belong to a dataset."""

_SHARD = re.compile(r"(.*)-(\d{5})-of-(\d{5})(.*)")
"""A name of `output_files.shard_name`."""


class Row(NamedTuple):
    """One record.

    Attributes:
        name: tells people which it is: `record 12, images/a.png`.
        image: the encoded file.
        label: as it was written; `records.text_of` reads it.
    """

    name: str
    image: bytes
    label: bytes


def expand(paths: Sequence[str]) -> list[str]:
    """The TFRecord files that paths stand for, each once, in order; local or `gs://`.

    Args:
        paths: files; folders, which stand for their `*.tfrecords` sorted; globs, sorted too.

    Raises:
        UserError: a path stands for no file, or its file system cannot be read.
    """
    files: list[str] = []
    for path in paths:
        try:
            files += _files_of(path)
        except tf.errors.OpError as error:
            raise UserError(f"no dataset {path}: {first_line(error)}") from error
    files = list(dict.fromkeys(files))
    _name_missing_shards(files)
    return files


def _name_missing_shards(files: Sequence[str]) -> None:
    """Warns of shards that are not there though others of their dataset are."""
    present: dict[tuple[str, int, str], set[int]] = {}
    for path in files:
        match = _SHARD.fullmatch(path)
        if match:
            name, index, count, extension = match.groups()
            present.setdefault((name, int(count), extension), set()).add(int(index))
    for (name, count, extension), indices in present.items():
        for index in sorted(set(range(count)) - indices):
            logging.warning("Not read: %s", f"{name}-{index:05}-of-{count:05}{extension}")


def _files_of(path: str) -> list[str]:
    if tf.io.gfile.isdir(path):
        return _matches(tf.io.gfile.join(path, PATTERN), f"no {PATTERN} in the folder {path}")
    if tf.io.gfile.exists(path):  # before the glob: a name may hold brackets
        return [path]
    if re.search(r"[*?[]", path):
        return _matches(path, f"no dataset matches {path}")
    raise UserError(f"no dataset {path}: make one with 'aocr dataset ANNOTATIONS {path}'")


def _matches(pattern: str, complaint: str) -> list[str]:
    found = sorted(path for path in tf.io.gfile.glob(pattern) if not tf.io.gfile.isdir(path))
    if not found:
        raise UserError(f"{complaint}: make one with 'aocr dataset ANNOTATIONS FILE.tfrecords'")
    return found


def read(files: Sequence[str]) -> Iterator[Row]:
    """The records of all files, in order.

    Raises:
        UserError: a file cannot be read, breaks off, or holds other records than aocr's.
    """
    for path in files:
        dataset = without_autotuning(tf.data.TFRecordDataset(path))
        before = 0
        try:
            for number, serialized in enumerate(dataset.as_numpy_iterator(), start=1):
                place = f"record {number}" if len(files) == 1 else f"{path}, record {number}"
                yield _row(serialized, place)
                before = number
        except (tf.errors.OpError, DecodeError, ValueError) as error:
            raise UserError(
                f"{path} breaks off or is not a TFRecord file of aocr, after record {before} "
                f"({first_line(error)}): make it again with 'aocr dataset'"
            ) from error


def _row(serialized: bytes, place: str) -> Row:
    """Raises DecodeError if it is no `tf.train.Example`, ValueError if it is not one of aocr's."""
    features = tf.train.Example.FromString(serialized).features.feature
    values = {name: list(features[name].bytes_list.value) for name in sorted(features)}
    for name in ("image", "label"):
        if len(values.get(name, [])) != 1:
            raise ValueError(f"the next one has not one {name}")
    comment = records.text_of(b"".join(values.get("comment", [])))
    return Row(", ".join(filter(None, [place, comment])), *values["image"], *values["label"])
