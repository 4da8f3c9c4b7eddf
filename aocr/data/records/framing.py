"""Reads the serialized records of TFRecord files, and checks their framing.

TensorFlow skips a record whose header is cut, without a message, and crashes on a length that no
file can hold. A record is: length (uint64), masked CRC of the length, data, masked CRC of the data.
"""

from __future__ import annotations

import contextlib
import os
import struct
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple, NoReturn

import tensorflow as tf

from aocr.util.paths.checks import is_remote

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
