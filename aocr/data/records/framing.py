"""Reads the serialized records of TFRecord files, and checks their framing.

TensorFlow skips a record whose header is cut, without a message, and crashes on a length that no
file can hold. A record is: length (uint64), masked CRC of the length, data, masked CRC of the data.
"""

from __future__ import annotations

import contextlib
import os
import struct
from collections.abc import Iterable, Iterator
from typing import Any, BinaryIO, NamedTuple, NoReturn

import numpy as np
import tensorflow as tf
from google.protobuf.message import DecodeError

from aocr.data.records import schema
from aocr.data.records.schema import Record
from aocr.util.paths.checks import is_remote
from aocr.util.session import open_on_cpu

HEADER = struct.Struct("<QI")

FOOTER_BYTES = 4

_LENGTH_BYTES = 8

_BLOCK_BYTES = 2**16
"""Number of bytes read at a time to find lengths: a call for each record takes longer."""

FRAMING_BYTES = HEADER.size + FOOTER_BYTES

CRC32C_POLYNOMIAL = 0x82F63B78

CRC_MASK_DELTA = 0xA282EAD8


class Frame(NamedTuple):
    """Locates one record.

    Attributes:
        number: counts records from 1.
        offset: bytes before the record in its file.
    """

    number: int
    offset: int


class FramingError(ValueError):
    """Reports which record of a file is broken, where, and how.

    Attributes:
        whole_records: number of records before the broken one.
    """

    def __init__(self, frame: Frame, problem: str) -> None:
        super().__init__(f"record {frame.number} at byte {frame.offset} {problem}")
        self.whole_records = frame.number - 1


def serialized_records(path: str) -> Iterator[bytes]:
    """Yields each record of a file.

    A length is compared with the size of the file before TensorFlow sees it, but not in a remote
    file, which would have to be transferred twice.

    Raises:
        FramingError: a record is cut, or does not have its checksums.
        OSError: the file cannot be read.
        tf.errors.OpError: the file cannot be read.
    """
    with contextlib.nullcontext() if is_remote(path) else open(path, "rb", buffering=0) as file:
        descriptor = file.fileno() if file else None
        size, offset, number = _size(path), 0, 1
        unread = tf.compat.v1.io.tf_record_iterator(path)
        block, block_offset = b"", 0
        while offset < size:
            if descriptor is not None:
                start = offset - block_offset
                if start + _LENGTH_BYTES > len(block):
                    block, block_offset = os.pread(descriptor, _BLOCK_BYTES, offset), offset
                    start = 0
                length = int.from_bytes(block[start : start + _LENGTH_BYTES], "little")
                if offset + length + FRAMING_BYTES > size:
                    _raise_problem(path, Frame(number, offset))
            try:
                data = next(unread)
            except (tf.errors.DataLossError, StopIteration):
                _raise_problem(path, Frame(number, offset))
            yield data
            offset += len(data) + FRAMING_BYTES
            number += 1


def _raise_problem(path: str, frame: Frame) -> NoReturn:
    """Raises the `FramingError` of a record that TensorFlow cannot or must not read."""
    with _open(path) as file:
        _data_length(file, frame, _size(path))
    raise FramingError(frame, "has a wrong checksum of its data")


def frames(path: str) -> Iterator[Frame]:
    """Yields where each record of a file begins; reads headers only.

    Raises:
        FramingError: a record is cut, or its length is not what was written.
        OSError: the file cannot be read.
        tf.errors.OpError: the remote file cannot be read.
    """
    with _open(path) as file:
        size = _size(path)
        offset, number = 0, 1
        while offset < size:
            frame = Frame(number, offset)
            length = _data_length(file, frame, size)
            yield frame
            offset += HEADER.size + length + FOOTER_BYTES
            number += 1


def _data_length(file: BinaryIO, frame: Frame, size: int) -> int:
    """Reads a record's header; returns the number of bytes of its data."""
    left = size - frame.offset
    if left < HEADER.size:
        raise FramingError(frame, f"breaks off: {left} of its header's {HEADER.size} bytes exist")
    file.seek(frame.offset)
    header = file.read(HEADER.size)
    length, checksum = HEADER.unpack(header)
    if checksum != masked_crc32c(header[:8]):
        raise FramingError(frame, "has a wrong checksum of its length")
    total = HEADER.size + length + FOOTER_BYTES
    if total > left:
        raise FramingError(frame, f"breaks off: {total - left} of its {total} bytes are missing")
    return length


def masked_crc32c(data: bytes) -> int:
    """Returns the checksum that TFRecord files hold (CRC-32C, Castagnoli, rotated and shifted)."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = _CRC_TABLE[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    crc ^= 0xFFFFFFFF
    return ((crc >> 15 | crc << 17) + CRC_MASK_DELTA) & 0xFFFFFFFF


def _crc_of_byte(byte: int) -> int:
    for _ in range(8):
        byte = byte >> 1 ^ (CRC32C_POLYNOMIAL if byte & 1 else 0)
    return byte


_CRC_TABLE = tuple(map(_crc_of_byte, range(256)))


def _open(path: str) -> BinaryIO:
    """Opens a file; Python's own reading seeks faster where the file is local."""
    return tf.io.gfile.GFile(path, "rb") if is_remote(path) else open(path, "rb")


def _size(path: str) -> int:
    return tf.io.gfile.stat(path).length if is_remote(path) else os.stat(path).st_size


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
