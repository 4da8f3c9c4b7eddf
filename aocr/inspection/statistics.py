"""One pass over a dataset that counts what is in it (see `inspection`)."""

from __future__ import annotations

import array
import collections
import concurrent.futures
import dataclasses
import hashlib
import io
import itertools
import logging
import os
import unicodedata
import warnings
from collections.abc import Callable, Iterator
from typing import NamedTuple

import tensorflow as tf
from PIL import Image

from aocr.config import MAX_PIXELS, Limits, width_at_32
from aocr.data import records
from aocr.data.record_files import RawRecord
from aocr.inspection.recommendation import Misfits, Widths

LOG_EVERY = 20_000  # records
CHUNK = 64  # records in memory at a time
NAMED = 5
"""How many records with a problem are named; all are counted."""

Decode = Callable[[tf.Tensor], tf.Tensor]
"""An encoded image, string scalar, to pixels `[h, w, C]`: the decoder that the model uses."""


class Picture(NamedTuple):
    """What an encoded image is.

    Attributes:
        kind: format and mode as Pillow names them, `PNG RGBA`; empty if it is no image.
        size: width and height in pixels; None if it is no image.
        problem: why the model cannot decode it; empty if it can.
    """

    kind: str
    size: tuple[int, int] | None
    problem: str


@dataclasses.dataclass
class Problem:
    """Records that have one problem: how many, and the first few by name."""

    count: int = 0
    named: list[str] = dataclasses.field(default_factory=list)

    def add(self, name: str) -> None:
        """Counts a record."""
        self.count += 1
        if self.count <= NAMED:
            self.named.append(name)


@dataclasses.dataclass
class Labels:
    """What labels are made of.

    Attributes:
        lengths: labels by their characters.
        occurrences: of each character.
        containing: labels that have each character.
        empty: labels without a character.
        latin_1: labels that are not UTF-8, and are read as Latin-1.
        not_nfc: labels that the Unicode normal form NFC would write with other code points.
    """

    lengths: collections.Counter[int] = dataclasses.field(default_factory=collections.Counter)
    occurrences: collections.Counter[str] = dataclasses.field(default_factory=collections.Counter)
    containing: collections.Counter[str] = dataclasses.field(default_factory=collections.Counter)
    empty: Problem = dataclasses.field(default_factory=Problem)
    latin_1: Problem = dataclasses.field(default_factory=Problem)
    not_nfc: Problem = dataclasses.field(default_factory=Problem)

    def add(self, row: RawRecord, label: str) -> None:
        """Counts a record's label."""
        self.lengths[len(label)] += 1
        self.occurrences.update(label)
        self.containing.update(set(label))
        if not label:
            self.empty.add(row.name)
        if label.encode() != row.label:
            self.latin_1.add(row.name)
        if not unicodedata.is_normalized("NFC", label):
            self.not_nfc.add(row.name)


@dataclasses.dataclass
class Images:
    """What images are: by kind, by width, height and `fitting.width_at_32`, and what is broken."""

    kinds: collections.Counter[str] = dataclasses.field(default_factory=collections.Counter)
    widths: collections.Counter[int] = dataclasses.field(default_factory=collections.Counter)
    heights: collections.Counter[int] = dataclasses.field(default_factory=collections.Counter)
    widths_at_32: collections.Counter[int] = dataclasses.field(default_factory=collections.Counter)
    undecodable: Problem = dataclasses.field(default_factory=Problem)

    def add(self, row: RawRecord, picture: Picture) -> None:
        """Counts a record's image."""
        if picture.problem:
            self.undecodable.add(f"{row.name}: {picture.problem}")
        if picture.size:
            self.kinds[picture.kind] += 1
            self.widths[picture.size[0]] += 1
            self.heights[picture.size[1]] += 1
            self.widths_at_32[width_at_32(*picture.size)] += 1


@dataclasses.dataclass
class Digests:
    """Eight bytes for each image and each label, in the order of the records.

    Among ten million images two different ones get the same digest with a chance of one in 300,000.
    """

    images: array.array = dataclasses.field(default_factory=lambda: array.array("Q"))
    labels: array.array = dataclasses.field(default_factory=lambda: array.array("Q"))

    def add(self, image: bytes, label: str) -> None:
        """Appends those of a record."""
        self.images.append(_digest(image))
        self.labels.append(_digest(label.encode()))


@dataclasses.dataclass
class Tally:
    """All counts. A record adds 16 bytes, its digests; the rest does not grow with the records."""

    fit: Limits
    widths: Widths
    records: int = 0
    images: Images = dataclasses.field(default_factory=Images)
    labels: Labels = dataclasses.field(default_factory=Labels)
    misfits: Misfits = dataclasses.field(default_factory=Misfits)
    digests: Digests = dataclasses.field(default_factory=Digests)

    def add(self, row: RawRecord, picture: Picture) -> None:
        """Counts a record."""
        label = records.text_of(row.label)
        self.records += 1
        self.images.add(row, picture)
        self.labels.add(row, label)
        self.digests.add(row.image, label)
        if picture.size:
            self.widths.add(*picture.size)
        self.misfits.add(self.fit, None if picture.problem else picture.size, label)


def tally(rows: Iterator[RawRecord], fit: Limits, decode: Decode) -> Tally:
    """Counts what all records hold; every image is decoded.

    Args:
        rows: the records, see `dataset_files.read`.
        fit: what a model would take, as far as it is known.
        decode: the decoder that the model itself uses.
    """
    Image.init()  # loads Pillow's readers; threads must not do it at the same time
    counts = Tally(fit, Widths(fit.max_height))
    threads = concurrent.futures.ThreadPoolExecutor(os.cpu_count())
    with threads, warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # `look_at` says so
        while chunk := list(itertools.islice(rows, CHUNK)):
            pictures = threads.map(lambda row: look_at(row.image, decode), chunk)
            for row, picture in zip(chunk, pictures, strict=True):
                counts.add(row, picture)
                if counts.records % LOG_EVERY == 0:
                    logging.info("Inspected %i records.", counts.records)
    return counts


def look_at(encoded: bytes, decode: Decode) -> Picture:
    """What an encoded image is, and whether it can be decoded.

    More than `MAX_PIXELS` are not tried: a small file can unpack to gigabytes.
    """
    try:
        with Image.open(io.BytesIO(encoded)) as image:
            kind, size = f"{image.format} {image.mode}", image.size
    except Image.DecompressionBombError as error:
        return Picture("", None, str(error))
    except Exception:  # a broken header makes Pillow's readers raise anything
        return Picture("", None, "not an image" if encoded else "no bytes")
    if size[0] * size[1] > MAX_PIXELS:
        return Picture(kind, size, f"{size[0]} x {size[1]} pixels, too many to decode")
    try:
        decode(tf.constant(encoded))
    except tf.errors.OpError:
        return Picture(kind, size, f"{kind}, broken or of a kind that the model cannot decode")
    return Picture(kind, size, "")


def _digest(content: bytes) -> int:
    return int.from_bytes(hashlib.blake2b(content, digest_size=8).digest(), "little")
