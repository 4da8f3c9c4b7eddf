"""Parses serialized records outside of the model's graph, in batches."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import tensorflow as tf
from google.protobuf.message import DecodeError

from aocr.data.records import schema
from aocr.data.records.framing import FRAMING_BYTES, Frame, FramingError
from aocr.data.records.schema import Record
from aocr.util.session import open_on_cpu

MAX_BATCH_RECORDS = 512
"""Number of records parsed in one call: a call for 64 takes half as long, not an eighth."""

MAX_BATCH_BYTES = 2**23
"""Size at which a batch ends, because all its images are in memory at the same time."""


class RecordParser:
    """Parses batches of records with the operation that the input pipeline uses.

    Python's parser accepts other records. A record that only Python accepts would end training with
    an error that names no file.
    """

    def __init__(self) -> None:
        with tf.Graph().as_default() as graph:
            serialized = tf.compat.v1.placeholder(tf.string, [None])
            parsed = schema.parse_all(serialized)
        self._session = open_on_cpu(graph)
        self._parse = self._session.make_callable(list(parsed), [serialized])

    def close(self) -> None:
        """Frees the session."""
        self._session.close()

    def parse(self, serialized: Iterable[bytes]) -> Iterator[tuple[bytes, bytes, bytes]]:
        """Yields the image, the label and the comment of each record.

        Args:
            serialized: the records of one file. If it raises, the records before are yielded.

        Raises:
            FramingError: a record has another schema.
        """
        first = Frame(1, 0)
        batch: list[bytes] = []
        batch_bytes = 0
        try:
            for data in serialized:
                batch.append(data)
                batch_bytes += len(data)
                if len(batch) == MAX_BATCH_RECORDS or batch_bytes >= MAX_BATCH_BYTES:
                    full, batch, batch_bytes = batch, [], 0
                    yield from self._parse_batch(full, first)
                    first = _frame_after(full, first)
        except (FramingError, tf.errors.OpError, OSError):
            yield from self._parse_batch(batch, first)
            raise
        yield from self._parse_batch(batch, first)

    def _parse_batch(
        self, batch: list[bytes], first: Frame
    ) -> Iterator[tuple[bytes, bytes, bytes]]:
        """Parses a batch in one call, or one by one if a record is broken.

        Args:
            batch: serialized records.
            first: the place of the first of them.
        """
        try:
            columns = self._run(batch) if batch else []
        except (tf.errors.OpError, UnicodeDecodeError):  # the message quotes bytes of the record
            if len(batch) == 1:
                raise FramingError(first, _problem_of(batch[0])) from None
            for data in batch:
                yield from self._parse_batch([data], first)
                first = _frame_after([data], first)
        else:
            yield from zip(*columns, strict=True)

    def _run(self, batch: list[bytes]) -> Any:
        return [column.tolist() for column in self._parse(np.array(batch, object))]


def _frame_after(batch: list[bytes], first: Frame) -> Frame:
    """Returns the place of the record that follows a batch."""
    size = sum(map(len, batch)) + FRAMING_BYTES * len(batch)
    return Frame(first.number + len(batch), first.offset + size)


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
