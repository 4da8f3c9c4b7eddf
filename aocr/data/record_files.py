"""Finds the files of a dataset and reads their records outside a graph."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import tensorflow as tf
from google.protobuf.message import DecodeError

from aocr.data import records
from aocr.data.dataset_names import PATTERN, shard_name
from aocr.util.errors import UserError, first_line

_SHARD = re.compile(r"(.*)-(\d{5})-of-(\d{5})(.*)")
"""Matches the results of `shard_name`."""


class RawRecord(NamedTuple):
    """Holds one record as it was written.

    Attributes:
        name: for messages: "record 12, images/a.png", after the file's name if there are several.
        image: the encoded image file.
        label: UTF-8 or Latin-1, see `records.text_of`.
    """

    name: str
    image: bytes
    label: bytes


def expand(paths: Sequence[str]) -> list[str]:
    """Finds the TFRecord files that paths stand for, and warns about missing shards.

    Args:
        paths: files, folders or globs, local or remote. A folder stands for its `*.tfrecords`.

    Returns:
        The files in the order of the paths, each once. Those of a folder or a glob are sorted.

    Raises:
        UserError: a path stands for no file, or its file system cannot be read.
    """
    files: list[str] = []
    for path in paths:
        try:
            files += _find_files(path)
        except tf.errors.OpError as error:
            raise UserError(f"no dataset {path}: {first_line(error)}") from error
    files = list(dict.fromkeys(files))
    for missing in _missing_shards(files):
        logging.warning("Missing shard, not read: %s", missing)
    return files


def _missing_shards(files: Sequence[str]) -> Iterator[str]:
    """Yields the names of shards that are absent although others of their dataset are present."""
    present: dict[tuple[str, int, str], set[int]] = {}
    for path in files:
        match = _SHARD.fullmatch(path)
        if match:
            name, index, count, extension = match.groups()
            present.setdefault((name, int(count), extension), set()).add(int(index))
    for (name, count, extension), indices in present.items():
        for index in sorted(set(range(count)) - indices):
            yield shard_name(f"{name}{extension}", index, count)


def _find_files(path: str) -> list[str]:
    if tf.io.gfile.isdir(path):
        return _glob(tf.io.gfile.join(path, PATTERN), f"no {PATTERN} in the folder {path}")
    if tf.io.gfile.exists(path):  # before the glob: a file name may contain brackets
        return [path]
    if re.search(r"[*?[]", path):
        return _glob(path, f"no dataset matches {path}")
    raise UserError(f"no dataset {path}: make one with 'aocr dataset ANNOTATIONS {path}'")


def _glob(pattern: str, complaint: str) -> list[str]:
    found = sorted(path for path in tf.io.gfile.glob(pattern) if not tf.io.gfile.isdir(path))
    if not found:
        raise UserError(f"{complaint}: make one with 'aocr dataset ANNOTATIONS FILE.tfrecords'")
    return found


def read(files: Sequence[str]) -> Iterator[RawRecord]:
    """Yields the records of all files in order.

    Unlike iterating over a `tf.data` dataset, this does not initialize TensorFlow's eager context,
    which may take memory of a GPU.

    Raises:
        UserError: a file cannot be read, breaks off, or has records of another schema.
    """
    for path in files:
        whole_records = 0
        try:
            serialized_records = tf.compat.v1.io.tf_record_iterator(path)
            for number, serialized in enumerate(serialized_records, start=1):
                name = f"record {number}" if len(files) == 1 else f"{path}, record {number}"
                yield _parse(serialized, name)
                whole_records = number
        except (tf.errors.OpError, DecodeError, ValueError) as error:
            raise UserError(
                f"{path} breaks off or is not a TFRecord file of aocr, after record "
                f"{whole_records} ({first_line(error)}): make it again with 'aocr dataset'"
            ) from error


def _parse(serialized: bytes, name: str) -> RawRecord:
    """Parses a serialized record; accepts what `records.parse` accepts.

    Raises:
        DecodeError: the record is not a `tf.train.Example`.
        ValueError: a feature is missing, or has no value or several.
    """
    features = tf.train.Example.FromString(serialized).features.feature
    image, label = _only_value(features, "image"), _only_value(features, "label")
    comment = records.text_of(_only_value(features, "comment")) if "comment" in features else ""
    return RawRecord(f"{name}, {comment}" if comment else name, image, label)


def _only_value(features: Mapping[str, tf.train.Feature], name: str) -> bytes:
    values = features[name].bytes_list.value if name in features else []
    if len(values) != 1:
        raise ValueError(f"the next record has {len(values)} values of {name}, not one")
    return values[0]
