"""Identifies the records of a dataset, and notices when its files change while they are in use."""

from __future__ import annotations

import contextlib
import zlib
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

import tensorflow as tf

from aocr.data.records.files import RawRecord, read
from aocr.util.errors import UserError, first_line
from aocr.util.paths.checks import identity
from aocr.util.text.plurals import counted

Stamp = tuple[int, int, object]
"""Size in bytes of a file, the second of its last change in nanoseconds, and its identity."""


class Contents(NamedTuple):
    """Identifies records by their images and labels, whatever their order and their files.

    Attributes:
        records: number of records.
        checksum: sum of the CRC-32 of each record, modulo 2^64.
    """

    records: int = 0
    checksum: int = 0

    def with_record(self, record: RawRecord) -> Contents:
        """Returns the contents with one record more."""
        crc = zlib.crc32(record.label, zlib.crc32(record.image))
        return sum_of([self, Contents(1, crc)])

    def __str__(self) -> str:
        """Returns the contents as messages name them."""
        return f"{counted(self.records, 'record')} (checksum {self.checksum:x})"


def sum_of(parts: Iterable[Contents]) -> Contents:
    """Returns the contents of several files, or of a file and a record, together."""
    counts, checksums = zip(*parts, strict=True)
    return Contents(sum(counts), sum(checksums) % 2**64)


class ScannedFile(NamedTuple):
    """Holds what a file was like when its records were scanned.

    Attributes:
        stamp: taken before the scan.
        contents: what the scan has read.
    """

    stamp: Stamp
    contents: Contents


def stamp_of(path: str) -> Stamp:
    """Returns the stamp of a file.

    Raises:
        tf.errors.OpError: there is no such file, or its file system cannot be reached.
    """
    status = tf.io.gfile.stat(path)
    return status.length, status.mtime_nsec, identity(path)


def change_of(files: Mapping[str, ScannedFile]) -> str:
    """Returns how the first file that has changed since its scan differs; empty if none has.

    Only a file with another stamp is read again; one that was copied or touched is the same.
    """
    for path, scanned in files.items():
        try:
            if stamp_of(path) == scanned.stamp:
                continue
            contents = Contents()
            for record in read([path]):
                contents = contents.with_record(record)
        except tf.errors.OpError as error:
            return f"{path} can no longer be read ({first_line(error)})"
        except UserError as error:
            return str(error)
        if contents != scanned.contents:
            return f"{path} holds {contents}, where this run began with {scanned.contents}"
    return ""


@contextlib.contextmanager
def changes_named(files: Mapping[str, ScannedFile]) -> Iterator[None]:
    """Turns TensorFlow's error about a changed file in the block into one that names the file.

    Raises:
        UserError: reading failed, and a file is no longer what was scanned.
    """
    try:
        yield
    except tf.errors.OpError as error:
        check_unchanged(files, error)
        raise


def check_unchanged(files: Mapping[str, ScannedFile], reason: Exception | None = None) -> None:
    """Checks that files still hold the records that were scanned.

    Args:
        files: the files and what they were.
        reason: the error that led to the check.

    Raises:
        UserError: a file has changed.
    """
    if change := change_of(files):
        raise UserError(f"the dataset changed while it was read: {change}") from reason
