"""Scans a dataset before it is used: which records do not fit the model, which widths to batch."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import itertools
import logging
from array import array
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping

from aocr.config import ATTENTION, COLUMN_WIDTH, CTC, Config
from aocr.data import limits
from aocr.data.images.measuring import BLANK, ImageMeasurer, Measured, in_batches
from aocr.data.limits import Limits
from aocr.data.records import files as record_files
from aocr.data.records.files import RawRecord
from aocr.data.records.identity import Contents, ScannedFile, stamp_of, sum_of
from aocr.data.records.schema import text_of
from aocr.util.errors import UserError
from aocr.util.text.plurals import counted
from aocr.util.threads import map_in_order

MAX_EXAMPLES = 10
"""Number of records with a problem that are described; all are counted."""


@dataclasses.dataclass
class Finding:
    """Collects the records that have one kind of problem.

    Attributes:
        record_indices: positions of all such records in the dataset, from 0.
        examples: descriptions of the first of them.
    """

    record_indices: list[int] = dataclasses.field(default_factory=list)
    examples: list[str] = dataclasses.field(default_factory=list)

    def add(self, index: int, description: str) -> None:
        """Counts a record, and keeps its description if it is among the first."""
        self.record_indices.append(index)
        if len(self.examples) < MAX_EXAMPLES:
            self.examples.append(description)

    def log(self, singular: str, plural: str, consequence: str) -> None:
        """Logs the number of records, what happens to them, and the first examples.

        Args:
            singular: the problem of one record, such as "image cannot be decoded".
            plural: the problem of several records.
            consequence: what happens to them, such as "left out".
        """
        total = len(self.record_indices)
        if total:
            logging.warning("%s: %s.", counted(total, singular, plural), consequence)
            for description in self.examples:
                logging.warning("    %s", description)
            if total > len(self.examples):
                logging.warning("    and %i more.", total - len(self.examples))


@dataclasses.dataclass
class DatasetScan:
    """Holds the results of a scan.

    Attributes:
        config: the model that the records are compared with.
        records: number of records.
        too_long: records whose label is longer than `max_prediction`.
        unknown: records whose label has characters outside the charset.
        undecodable: records whose image cannot be decoded.
        blank: records whose image shows nothing although they have a label.
        too_wide: records whose image is wider than `max_width`.
        too_narrow: records whose image has fewer columns than CTC needs for the label.
        widths: number of usable records by prepared width in pixels, without those too wide.
        wide_widths: number of records by prepared width that are usable but too wide.
        width_of_record: prepared width of each record's image, 0 if it cannot be decoded.
        files: each file as it was when it was scanned, in order.
    """

    config: Config
    records: int = 0
    too_long: Finding = dataclasses.field(default_factory=Finding)
    unknown: Finding = dataclasses.field(default_factory=Finding)
    undecodable: Finding = dataclasses.field(default_factory=Finding)
    blank: Finding = dataclasses.field(default_factory=Finding)
    too_wide: Finding = dataclasses.field(default_factory=Finding)
    too_narrow: Finding = dataclasses.field(default_factory=Finding)
    widths: Counter[int] = dataclasses.field(default_factory=Counter)
    wide_widths: Counter[int] = dataclasses.field(default_factory=Counter)
    width_of_record: array[int] = dataclasses.field(default_factory=functools.partial(array, "i"))
    files: dict[str, ScannedFile] = dataclasses.field(default_factory=dict)

    @property
    def contents(self) -> Contents:
        """Identifies the records of all files."""
        return sum_of(file.contents for file in self.files.values())

    @property
    def records_of_file(self) -> list[int]:
        """Number of records of each file."""
        return [file.contents.records for file in self.files.values()]

    @functools.cached_property
    def _limits(self) -> Limits:
        return Limits(
            max_width=self.config.max_width,
            max_prediction=self.config.max_prediction,
            characters=self.config.characters,
        )

    def add(self, record: RawRecord, measured: Measured | None) -> None:
        """Counts a record and collects its problems.

        Args:
            record: the record.
            measured: what was measured of its image; None if it cannot be decoded.
        """
        index = self.records
        self.records += 1
        label = text_of(record.label)
        check = limits.check_label(label, self._limits)
        if check.too_long:
            length = counted(len(label), "character")
            self.too_long.add(index, f"{record.name}: {label!r} has {length}")
        if check.unknown:
            self.unknown.add(index, f"{record.name}: {check.unknown!r} in {label!r}")
        self.width_of_record.append(measured.prepared_width if measured else 0)
        if measured is None:
            self.undecodable.add(index, record.name)
            return
        height, width, prepared_width, *_ = measured
        if measured.is_blank and label:
            self.blank.add(index, f"{record.name}: {label!r}")
        too_wide = limits.check_image(width, height, self._limits).too_wide
        if too_wide:
            self.too_wide.add(index, f"{record.name}: {width} pixels wide, {height} high")
        columns, needed = self.config.columns(prepared_width), limits.ctc_columns(label)
        too_narrow = self.config.decoder != ATTENTION and columns < needed
        if too_narrow:
            self.too_narrow.add(index, f"{record.name}: {label!r} needs {needed}, has {columns}")
        if check.fits and not (too_narrow and self.config.decoder == CTC):
            (self.wide_widths if too_wide else self.widths)[prepared_width] += 1

    def trainable(self, drop_wide: bool) -> Counter[int]:
        """Returns the number of records to train on by prepared width in pixels."""
        return self.widths if drop_wide else self.widths + self.wide_widths

    def untrainable(self, drop_wide: bool) -> list[int]:
        """Returns the sorted indices of the records that training leaves out."""
        findings = [self.too_long, self.unknown, self.undecodable]
        if self.config.decoder == CTC:
            findings.append(self.too_narrow)
        if drop_wide:
            findings.append(self.too_wide)
        return sorted({index for finding in findings for index in finding.record_indices})


Observer = Callable[[RawRecord, "Measured | None"], None]
"""Receives each record of a scan with its decoded image, or None if it cannot be decoded."""


def scan(files: list[str], config: Config, observe: Observer | None = None) -> DatasetScan:
    """Reads every record, decodes every image, and compares them with a model's limits.

    Args:
        files: TFRecord files.
        config: the config, for the limits.
        observe: the function that gets each record, too.

    Raises:
        UserError: a file cannot be read, breaks off, or has records of another schema.
    """
    record_files.warn_about_empty_files(files)
    found, stamps = DatasetScan(config), {path: stamp_of(path) for path in files}
    contents = dict.fromkeys(files, Contents())
    with contextlib.closing(ImageMeasurer(config)) as measurer:

        def measure(chunk: list[RawRecord]) -> list[tuple[RawRecord, Measured | None]]:
            return list(zip(chunk, measurer.measure([each.image for each in chunk]), strict=True))

        with contextlib.closing(
            map_in_order(measure, in_batches(record_files.read(files)))
        ) as chunks:
            for record, image in itertools.chain.from_iterable(chunks):
                found.add(record, image)
                contents[record.path] = contents[record.path].with_record(record)
                if observe:
                    observe(record, image)
    found.files = {path: ScannedFile(stamps[path], contents[path]) for path in files}
    return found


def log_for_training(
    found: DatasetScan, config: Config, drop_wide: bool, name: str = "the dataset"
) -> int:
    """Logs what training leaves out and what it shrinks.

    Args:
        found: the result of the scan.
        config: the model.
        drop_wide: whether images wider than `max_width` are left out.
        name: the dataset's, for errors.

    Returns:
        The number of records to train on.

    Raises:
        UserError: there is none.
    """
    _log_labels(found, config, "left out")
    _log_decoding(found, "left out")
    found.blank.log(*BLANK, "trained on nevertheless")
    _log_narrow(found, "left out" if config.decoder == CTC else "trained without the CTC loss")
    _log_wide(found, config, "left out" if drop_wide else "shrunk to fit")
    usable = found.trainable(drop_wide).total()
    logging.info("Training on %i of %s.", usable, counted(found.records, "record"))
    if not usable:
        raise UserError(
            f"no record of {name} can be used for training: see the lines above, and check "
            "--charset, --max-prediction, --drop-wide, and the upper-casing of 'aocr dataset'"
            if found.records
            else f"{name} is empty: no record to train on"
        )
    return usable


def log_for_testing(found: DatasetScan, config: Config) -> None:
    """Logs which records have no loss in a test, which are wrong, and which are shrunk.

    A label that is longer than `max_prediction` can be read nevertheless: decoders take more steps.

    Raises:
        UserError: there is no record.
    """
    _log_labels(found, config, "tested, without a loss")
    _log_decoding(found, "counted as wrong")
    found.blank.log(*BLANK, "tested nevertheless")
    without_loss = ", tested without a loss" if config.reading_decoder == CTC else ""
    _log_narrow(found, f"cannot be read by CTC{without_loss}")
    _log_wide(found, config, "shrunk to fit")
    if not found.records:
        raise UserError("the dataset is empty: no record to test")


def _log_labels(found: DatasetScan, config: Config, consequence: str) -> None:
    limit = f"longer than --max-prediction={config.max_prediction}"
    found.too_long.log(f"label is {limit}", f"labels are {limit}", consequence)
    outside = "characters outside the model's charset"
    found.unknown.log(f"label holds {outside}", f"labels hold {outside}", consequence)


def _log_decoding(found: DatasetScan, consequence: str) -> None:
    found.undecodable.log("image cannot be decoded", "images cannot be decoded", consequence)


def _log_narrow(found: DatasetScan, consequence: str) -> None:
    needs = "fewer columns of 4 pixels than CTC needs for"
    found.too_narrow.log(
        f"image has {needs} its label", f"images have {needs} their labels", consequence
    )


def _log_wide(found: DatasetScan, config: Config, consequence: str) -> None:
    limit = f"wider than --max-width={config.max_width}"
    found.too_wide.log(f"image is {limit}", f"images are {limit}", consequence)


MAX_BUCKETS = 4
"""Number of widths, the full width included: each costs partial batches at the end of an epoch."""

MIN_SHARE = 0.1
"""Smallest share of the records that a bucket is made for."""


def choose_bucket_widths(records_by_width: Mapping[int, float], full_width: int) -> tuple[int, ...]:
    """Returns the bucket widths that leave the least padding, without the full width.

    Args:
        records_by_width: number of records, or their share of a mixture, by the prepared width of
            their images, in pixels.
        full_width: width in pixels that the widest images are padded to.

    Returns:
        At most `MAX_BUCKETS - 1` multiples of `COLUMN_WIDTH` below the full width, in increasing
        order. Each bucket, and the rest at the full width, holds `MIN_SHARE` of the records or
        more; no bucket pays if there is none.
    """
    counts = _by_column_width(records_by_width, full_width)
    widths = sorted(counts)
    before = [0, *itertools.accumulate(counts[width] for width in widths)]
    least = MIN_SHARE * before[-1]
    # cheapest[i]: columns of the records of the first i widths, and the widths of their buckets.
    cheapest: dict[int, tuple[float, tuple[int, ...]]] = {0: (0, ())}
    best = before[-1] * full_width, ()  # type: tuple[float, tuple[int, ...]]
    for _ in range(MAX_BUCKETS - 1):
        longer: dict[int, tuple[float, tuple[int, ...]]] = {}
        for start, (cost, chosen) in cheapest.items():
            for end in range(start + 1, len(widths)):
                size = before[end] - before[start]
                if size < least or before[-1] - before[end] < least:
                    continue
                candidate = cost + size * widths[end - 1], (*chosen, widths[end - 1])
                longer[end] = min(longer.get(end, candidate), candidate)
        for end, (cost, chosen) in longer.items():
            best = min(best, (cost + (before[-1] - before[end]) * full_width, chosen))
        cheapest = longer
    return best[1]


def _by_column_width(records_by_width: Mapping[int, float], full_width: int) -> dict[int, float]:
    """Counts records by the width rounded up to whole columns, at most the full width."""
    counts: defaultdict[int, float] = defaultdict(int)
    for width, count in records_by_width.items():
        counts[min(-(-width // COLUMN_WIDTH) * COLUMN_WIDTH, full_width)] += count
    return counts
