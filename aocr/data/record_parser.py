"""Parses serialized records outside of the model's graph, in batches."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import tensorflow as tf
from google.protobuf.message import DecodeError

from aocr.data import records
from aocr.data.record_framing import Frame, FramingError
from aocr.data.records import Record
from aocr.util.session import open_on_cpu

MAX_BATCH_RECORDS = 512
"""Number of records parsed in one call: with 64, a call takes half as long, not an eighth."""

MAX_BATCH_BYTES = 2**23
"""A batch ends with the record that reaches this size: all its images are in memory."""


class RecordParser:
    """Parses batches of records with the operation that the input pipeline uses.

    Python's parser accepts other records: a record that only one of them accepts would end a
    training in an error that names no file.
    """

    def __init__(self) -> None:
        with tf.Graph().as_default() as graph:
            serialized = tf.compat.v1.placeholder(tf.string, [None])
            parsed = records.parse_all(serialized)
        self._session = open_on_cpu(graph)
        self._parse = self._session.make_callable(list(parsed), [serialized])

    def close(self) -> None:
        """Frees the session."""
        self._session.close()

    def parse(self, serialized: Iterable[tuple[Frame, bytes]]) -> Iterator[Record]:
        """Yields records of bytes instead of tensors.

        Args:
            serialized: records with their places. If it raises, the records before are yielded.

        Raises:
            FramingError: a record has another schema.
        """
        batch: list[tuple[Frame, bytes]] = []
        batch_bytes = 0
        try:
            for each in serialized:
                batch.append(each)
                batch_bytes += len(each[1])
                if len(batch) == MAX_BATCH_RECORDS or batch_bytes >= MAX_BATCH_BYTES:
                    full, batch, batch_bytes = batch, [], 0
                    yield from self._parse_batch(full)
        except (FramingError, tf.errors.OpError, OSError):
            yield from self._parse_batch(batch)
            raise
        yield from self._parse_batch(batch)

    def _parse_batch(self, batch: list[tuple[Frame, bytes]]) -> Iterator[Record]:
        try:
            columns = self._run([data for _, data in batch]) if batch else []
        except (tf.errors.OpError, UnicodeDecodeError):  # the message quotes bytes of the record
            if len(batch) == 1:
                frame, data = batch[0]
                raise FramingError(frame, _problem_of(data)) from None
            for each in batch:
                yield from self._parse_batch([each])
        else:
            yield from map(Record._make, zip(*columns, strict=True))

    def _run(self, batch: list[bytes]) -> Any:
        return [column.tolist() for column in self._parse(np.array(batch, object))]


def _problem_of(data: bytes) -> str:
    """Returns what is wrong with a record that TensorFlow does not parse."""
    try:
        features = tf.train.Example.FromString(data).features.feature
    except DecodeError:
        return "is not a tf.train.Example"
    for name in Record._fields:
        count = len(features[name].bytes_list.value) if name in features else 0
        if count != 1 and (name in features or name != "comment"):
            return f"has {count} values of {name}, not one"
    return "is not a tf.train.Example that TensorFlow can parse"
