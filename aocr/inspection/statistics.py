"""Collects statistics of a dataset in one pass over its records."""

from __future__ import annotations

import array
import collections
import dataclasses
import functools
import hashlib
import logging
import unicodedata
from collections.abc import Iterator

from aocr.config import width_at_32
from aocr.data.images.decoder_complaints import DecoderWatch, warning_text
from aocr.data.images.header import quiet_pillow
from aocr.data.limits import Limits
from aocr.data.records import schema as records
from aocr.data.records.files import RawRecord
from aocr.inspection.image_check import CheckedImage, DecodeImage, check_decoding
from aocr.inspection.misfits import MisfitCounts
from aocr.inspection.recommendation import WidthCounts
from aocr.util.parallel import map_in_order

LOG_INTERVAL = 20_000  # records

MAX_NAMED = 5
"""Number of records named for each problem. All records with the problem are counted."""


@dataclasses.dataclass
class ProblemCount:
    """Counts the records with one problem, and names the first `MAX_NAMED` of them.

    The names of the fields are keys of `aocr inspect --json`.
    """

    count: int = 0
    named: list[str] = dataclasses.field(default_factory=list)

    def add(self, name: str) -> None:
        """Counts one record."""
        self.count += 1
        if self.count <= MAX_NAMED:
            self.named.append(name)


@dataclasses.dataclass
class LabelStatistics:
    """Counts labels by their properties.

    Attributes:
        lengths: number of labels by length in characters.
        occurrences: number of occurrences of each character.
        labels_with: number of labels that contain each character.
        empty: labels without a character.
        latin_1: labels that are not valid UTF-8 and are read as Latin-1.
        not_nfc: labels that are not in Unicode normalization form NFC.
    """

    lengths: collections.Counter[int] = dataclasses.field(default_factory=collections.Counter)
    occurrences: collections.Counter[str] = dataclasses.field(default_factory=collections.Counter)
    labels_with: collections.Counter[str] = dataclasses.field(default_factory=collections.Counter)
    empty: ProblemCount = dataclasses.field(default_factory=ProblemCount)
    latin_1: ProblemCount = dataclasses.field(default_factory=ProblemCount)
    not_nfc: ProblemCount = dataclasses.field(default_factory=ProblemCount)

    def add(self, row: RawRecord, label: str) -> None:
        """Counts the label of one record.

        Args:
            row: the record.
            label: its label as text.
        """
        self.lengths[len(label)] += 1
        self.occurrences.update(label)
        self.labels_with.update(set(label))
        if not label:
            self.empty.add(row.name)
        if label.encode() != row.label:
            self.latin_1.add(row.name)
        if not unicodedata.is_normalized("NFC", label):
            self.not_nfc.add(row.name)


@dataclasses.dataclass
class ImageStatistics:
    """Counts images by their properties.

    Attributes:
        kinds: number of images by format and mode, such as `PNG RGBA`.
        widths: number of images by width in pixels.
        heights: number of images by height in pixels.
        widths_at_32: number of images by width at a height of 32 pixels.
        undecodable: images that the model cannot decode.
        complained: images that are decoded with a complaint of the decoder.
    """

    kinds: collections.Counter[str] = dataclasses.field(default_factory=collections.Counter)
    widths: collections.Counter[int] = dataclasses.field(default_factory=collections.Counter)
    heights: collections.Counter[int] = dataclasses.field(default_factory=collections.Counter)
    widths_at_32: collections.Counter[int] = dataclasses.field(default_factory=collections.Counter)
    undecodable: ProblemCount = dataclasses.field(default_factory=ProblemCount)
    complained: ProblemCount = dataclasses.field(default_factory=ProblemCount)

    def add(self, row: RawRecord, image: CheckedImage) -> None:
        """Counts the image of one record, and logs a complaint of the decoder about it."""
        if image.problem:
            self.undecodable.add(f"{row.name}: {image.problem}")
        elif image.complaint:
            self.complained.add(f"{row.name}: {image.complaint}")
            logging.warning("%s", warning_text(row.full_name, image.complaint))
        if image.size:
            width, height = image.size
            self.kinds[image.kind] += 1
            self.widths[width] += 1
            self.heights[height] += 1
            self.widths_at_32[width_at_32(width, height)] += 1


@dataclasses.dataclass
class Digests:
    """Holds a digest of 8 bytes of each image and each label, in the order of the records.

    Among ten million images, two different ones have the same digest with a probability of one in
    300,000.
    """

    images: array.array = dataclasses.field(default_factory=lambda: array.array("Q"))
    labels: array.array = dataclasses.field(default_factory=lambda: array.array("Q"))

    def add(self, image: bytes, label: str) -> None:
        """Appends the digests of one record."""
        self.images.append(_digest(image))
        self.labels.append(_digest(label.encode()))


@dataclasses.dataclass
class DatasetStatistics:
    """Holds all statistics of a dataset.

    Memory grows by 16 bytes a record, for the digests.

    Attributes:
        limits: limits of a model that records are compared with.
        widths: widths of the images, for the recommendation.
        records: number of records.
        images: statistics of the images.
        labels: statistics of the labels.
        misfits: records that exceed the limits.
        digests: digests of images and labels.
    """

    limits: Limits
    widths: WidthCounts
    records: int = 0
    images: ImageStatistics = dataclasses.field(default_factory=ImageStatistics)
    labels: LabelStatistics = dataclasses.field(default_factory=LabelStatistics)
    misfits: MisfitCounts = dataclasses.field(default_factory=MisfitCounts)
    digests: Digests = dataclasses.field(default_factory=Digests)

    def add(self, row: RawRecord, image: CheckedImage) -> None:
        """Counts one record."""
        label = records.text_of(row.label)
        self.records += 1
        self.images.add(row, image)
        self.labels.add(row, label)
        self.digests.add(row.image, label)
        if image.size:
            self.widths.add(*image.size)
        self.misfits.add(self.limits, None if image.problem else image.size, label)


def collect_statistics(
    rows: Iterator[RawRecord], limits: Limits, decode: DecodeImage
) -> DatasetStatistics:
    """Collects statistics of all records; decodes each image.

    Args:
        rows: the records.
        limits: limits of a model; one that is None is not checked.
        decode: the decoder of the model; is called by several threads at a time.
    """
    statistics = DatasetStatistics(limits, WidthCounts(limits.max_height))

    def check(row: RawRecord) -> tuple[RawRecord, CheckedImage]:
        check_image = functools.partial(check_decoding, row.image, decode)
        image, complaint = watch.decode(row.image, check_image)
        return row, image.with_complaint(complaint) if complaint else image

    with quiet_pillow(), DecoderWatch() as watch:
        for row, image in map_in_order(check, rows):
            statistics.add(row, image)
            if statistics.records % LOG_INTERVAL == 0:
                logging.info("Inspected %i records.", statistics.records)
    return statistics


def _digest(content: bytes) -> int:
    return int.from_bytes(hashlib.blake2b(content, digest_size=8).digest(), "little")
