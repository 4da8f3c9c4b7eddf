"""Collects statistics of a dataset in one pass over its records."""

from __future__ import annotations

import array
import collections
import contextlib
import dataclasses
import itertools
import logging
import sys
import unicodedata
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from aocr.config import MAX_PIXELS, Config, width_at_32
from aocr.data.image_sizes import ImageSizes
from aocr.data.images.decoder_complaints import DecoderWatch, warning_text
from aocr.data.images.files import ImageFileError, quiet_pillow, read_header
from aocr.data.images.measuring import ImageMeasurer, Measured, in_batches
from aocr.data.label_sanity import LabelSanity, ProblemCount
from aocr.data.limits import ImageCheck, Limits, check_image, check_label
from aocr.data.records import schema as records
from aocr.data.records.files import RawRecord
from aocr.data.same_images import digest
from aocr.util.threads import map_in_order


class CheckedImage(NamedTuple):
    """Describes an image file.

    Attributes:
        kind: format and mode in Pillow's terms, such as `PNG RGBA`; empty if it is not an image.
        size: width and height in pixels; None if it is not an image.
        measured: what was measured of its pixels; None if the model cannot decode it.
        problem: why the model cannot decode the image; empty if it can.
        complaint: what the decoder complains about although it decodes the image; or empty.
    """

    kind: str
    size: tuple[int, int] | None
    problem: str
    complaint: str = ""
    measured: Measured | None = None

    def undecodable(self, complaint: str = "") -> CheckedImage:
        """Returns the description of an image that the model cannot decode."""
        problem = f"{self.kind}, broken or of a kind that the model cannot decode"
        return self._replace(problem=f"{problem}: {complaint}" if complaint else problem)


def check_header(encoded: bytes) -> CheckedImage:
    """Reads the header of an image file with Pillow.

    Images of more than `MAX_PIXELS` pixels have a problem: a small file can hold gigabytes.
    """
    try:
        picture = read_header(encoded, sys.maxsize)
    except ImageFileError as error:
        detail = f": {error.detail}" if error.detail else ""
        return CheckedImage("", None, f"not an image{detail}" if encoded else "no bytes")
    width, height = picture.size
    too_large = width * height > MAX_PIXELS
    problem = f"{width} x {height} pixels, too many to decode" if too_large else ""
    return CheckedImage(f"{picture.format} {picture.mode}", picture.size, problem)


def check_images(
    images: Sequence[bytes], measurer: ImageMeasurer, watch: DecoderWatch
) -> list[CheckedImage]:
    """Reads the headers of image files, and decodes their pixels as the model does.

    Args:
        images: at most `BATCH_SIZE` image files.
        measurer: decodes them.
        watch: the finder of the complaints of the decoder.
    """
    checked = list(map(check_header, images))
    decodable = [n for n, image in enumerate(checked) if not image.problem]
    found = watch.decode([images[n] for n in decodable], measurer.measure) if decodable else []
    for n, (measured, complaint) in zip(decodable, found, strict=True):
        image = checked[n]
        checked[n] = (
            image._replace(complaint=complaint, measured=measured)
            if measured
            else image.undecodable(complaint)
        )
    return checked


LOG_INTERVAL = 20_000  # records


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
        sanity: what is odd about labels.
    """

    lengths: collections.Counter[int] = dataclasses.field(default_factory=collections.Counter)
    occurrences: collections.Counter[str] = dataclasses.field(default_factory=collections.Counter)
    labels_with: collections.Counter[str] = dataclasses.field(default_factory=collections.Counter)
    empty: ProblemCount = dataclasses.field(default_factory=ProblemCount)
    latin_1: ProblemCount = dataclasses.field(default_factory=ProblemCount)
    not_nfc: ProblemCount = dataclasses.field(default_factory=ProblemCount)
    sanity: LabelSanity = dataclasses.field(default_factory=LabelSanity)

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
        self.sanity.add(row.name, label, row.image)


@dataclasses.dataclass
class ImageStatistics:
    """Counts images by their properties.

    Attributes:
        kinds: number of images by format and mode, such as `PNG RGBA`.
        sizes: the sizes of the images, by the number of the record from 0.
        undecodable: images that the model cannot decode.
        complained: images that are decoded with a complaint of the decoder.
        blank: images that show nothing although they have a label.
        on_black: transparent images that are shown on black.
    """

    kinds: collections.Counter[str] = dataclasses.field(default_factory=collections.Counter)
    sizes: ImageSizes = dataclasses.field(default_factory=ImageSizes)
    undecodable: ProblemCount = dataclasses.field(default_factory=ProblemCount)
    complained: ProblemCount = dataclasses.field(default_factory=ProblemCount)
    blank: ProblemCount = dataclasses.field(default_factory=ProblemCount)
    on_black: ProblemCount = dataclasses.field(default_factory=ProblemCount)

    def add(self, row: RawRecord, index: int, image: CheckedImage, label: str) -> None:
        """Counts the image of one record, and logs a complaint of the decoder about it.

        Args:
            row: the record.
            index: its number, from 0.
            image: what was found out about its image.
            label: its label as text.
        """
        if image.problem:
            self.undecodable.add(f"{row.name}: {image.problem}")
        elif image.complaint:
            self.complained.add(f"{row.name}: {image.complaint}")
            logging.warning("%s", warning_text(row.full_name, image.complaint))
        if image.measured and image.measured.is_blank and label:
            self.blank.add(row.name)
        if image.measured and image.measured.on_black:
            self.on_black.add(row.name)
        if image.size:
            self.kinds[image.kind] += 1
            self.sizes.add(index, image.size, len(label))


@dataclasses.dataclass
class MisfitCounts:
    """Counts the records that do not fit a model, by reason; a record may have several.

    The names of the fields are keys of `aocr inspect --json`.

    Attributes:
        fitting: records whose image is neither too wide nor squeezed and whose label the model can
            transcribe. An image that is only too high fits: see `too_high`.
        too_wide: images wider than `max_width`.
        too_high: images higher than `max_height`. Preparation scales any height to 32 pixels.
        squeezed: images that, at a height of 32 pixels, are wider than the prepared width, and are
            therefore shrunk further.
        too_long: labels longer than `max_prediction`.
        unknown: labels with characters outside the charset.
        unknown_characters: number of labels with each character outside the charset.
    """

    fitting: int = 0
    too_wide: int = 0
    too_high: int = 0
    squeezed: int = 0
    too_long: int = 0
    unknown: int = 0
    unknown_characters: dict[str, int] = dataclasses.field(default_factory=dict)

    def add(self, limits: Limits, size: tuple[int, int] | None, label: str) -> None:
        """Counts one record.

        Args:
            limits: the limits of the model; one that is None is not checked.
            size: width and height of the image in pixels; None if it cannot be decoded.
            label: the label.
        """
        label_check = check_label(label, limits)
        image_check = check_image(*size, limits) if size else ImageCheck(False, False)
        squeezed = size is not None and _is_squeezed(size, limits)
        self.too_wide += image_check.too_wide
        self.too_high += image_check.too_high
        self.squeezed += squeezed
        self.too_long += label_check.too_long
        self.unknown += bool(label_check.unknown)
        for character in sorted(label_check.unknown):  # the same order in every run
            count = self.unknown_characters.get(character, 0)
            self.unknown_characters[character] = count + 1
        self.fitting += bool(
            size and not image_check.too_wide and not squeezed and label_check.fits
        )


def _is_squeezed(size: tuple[int, int], limits: Limits) -> bool:
    """Returns whether an image is wider at a height of 32 pixels than the prepared width."""
    if not limits.max_width or not limits.max_height:
        return False
    return width_at_32(*size) > width_at_32(limits.max_width, limits.max_height)


@dataclasses.dataclass
class Digests:
    """Holds a digest of 8 bytes of each image and each label, in the order of the records.

    Among ten million images, two different ones have the same digest with a probability of one in
    300,000.
    """

    images: array.array = dataclasses.field(default_factory=lambda: array.array("Q"))
    labels: array.array = dataclasses.field(default_factory=lambda: array.array("Q"))

    def add(self, image: int, label: str) -> None:
        """Appends the digests of one record; `image` may have a sign."""
        self.images.append(image % 2**64)
        self.labels.append(digest(label.encode()))


@dataclasses.dataclass
class DatasetStatistics:
    """Holds all statistics of a dataset.

    Memory grows by 32 bytes a record, for the digests and the sizes.

    Attributes:
        limits: limits of a model that records are compared with.
        records: number of records.
        images: statistics of the images.
        labels: statistics of the labels.
        misfits: records that exceed the limits.
        digests: digests of images and labels.
        records_of_file: number of records of each file, in their order.
    """

    limits: Limits
    records: int = 0
    images: ImageStatistics = dataclasses.field(default_factory=ImageStatistics)
    labels: LabelStatistics = dataclasses.field(default_factory=LabelStatistics)
    misfits: MisfitCounts = dataclasses.field(default_factory=MisfitCounts)
    digests: Digests = dataclasses.field(default_factory=Digests)
    records_of_file: collections.Counter[str] = dataclasses.field(
        default_factory=collections.Counter
    )

    def add(self, row: RawRecord, image: CheckedImage) -> None:
        """Counts one record."""
        label = records.text_of(row.label)
        self.images.add(row, self.records, image, label)
        self.records += 1
        self.labels.add(row, label)
        self.digests.add(image.measured.picture if image.measured else digest(row.image), label)
        self.records_of_file[row.path] += 1
        self.misfits.add(self.limits, None if image.problem else image.size, label)


def collect_statistics(
    rows: Iterable[RawRecord], limits: Limits, channels: int
) -> DatasetStatistics:
    """Collects statistics of all records; decodes each image.

    Args:
        rows: the records.
        limits: limits of a model; one that is None is not checked.
        channels: number of channels that a model decodes images to.
    """
    statistics = DatasetStatistics(limits)
    with (
        quiet_pillow(),
        DecoderWatch() as watch,
        contextlib.closing(ImageMeasurer(Config(channels=channels))) as measurer,
    ):

        def check(batch: list[RawRecord]) -> list[tuple[RawRecord, CheckedImage]]:
            images = check_images([row.image for row in batch], measurer, watch)
            return list(zip(batch, images, strict=True))

        for row, image in itertools.chain.from_iterable(map_in_order(check, in_batches(rows))):
            statistics.add(row, image)
            if statistics.records % LOG_INTERVAL == 0:
                logging.info("Inspected %i records.", statistics.records)
    return statistics
