"""A pass over a dataset before it is used: what in it cannot be used as it is, by name."""

from __future__ import annotations

import contextlib
import dataclasses
import logging
from collections import Counter
from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf

from aocr.charset import Charset
from aocr.config import Config
from aocr.data import records
from aocr.data.input_pipeline import DECODING_THREADS, as_written, without_autotuning
from aocr.data.preprocessing import measure
from aocr.util.errors import UserError, first_line
from aocr.util.session import open_on_cpu

NAMED = 10
"""How many items of each kind are named; all are counted."""

BATCH = 64
"""Records that are looked at together: one by one, each would cost twice as much."""

UNDECODABLE = (-1, -1, -1)
"""The sizes of an image that cannot be decoded."""


@dataclasses.dataclass
class Finding:
    """One kind of problem: the places of all records that have it, and the first few by name."""

    places: list[int] = dataclasses.field(default_factory=list)
    named: list[str] = dataclasses.field(default_factory=list)

    def add(self, place: int, description: str) -> None:
        """Counts a record, and names it if it is among the first."""
        self.places.append(place)
        if len(self.named) < NAMED:
            self.named.append(description)

    def log(self, title: str, fate: str) -> None:
        """Says how many there are and what becomes of them, then names the first."""
        if self.places:
            logging.warning("%i %s: %s.", len(self.places), title, fate)
            for description in self.named:
                logging.warning("    %s", description)
            if len(self.places) > len(self.named):
                logging.warning("    and %i more.", len(self.places) - len(self.named))


@dataclasses.dataclass
class DatasetScan:
    """What a pass over the records found."""

    records: int = 0
    too_long: Finding = dataclasses.field(default_factory=Finding)
    unknown: Finding = dataclasses.field(default_factory=Finding)
    undecodable: Finding = dataclasses.field(default_factory=Finding)
    too_wide: Finding = dataclasses.field(default_factory=Finding)
    widths: Counter[int] = dataclasses.field(default_factory=Counter)
    wide_widths: Counter[int] = dataclasses.field(default_factory=Counter)
    """Prepared widths of the records that can be trained on, those too wide apart."""

    def trainable(self, drop_wide: bool) -> Counter[int]:
        """How many records of each prepared width training uses."""
        return self.widths if drop_wide else self.widths + self.wide_widths

    def untrainable(self, drop_wide: bool) -> list[int]:
        """Places of the records that training leaves out, in order, each once."""
        findings = [self.too_long, self.unknown, self.undecodable]
        if drop_wide:
            findings.append(self.too_wide)
        return sorted({place for finding in findings for place in finding.places})


_NOT_RECORDS = tf.errors.DataLossError, tf.errors.InvalidArgumentError
"""What a file raises that holds no, or no whole, records."""


class _Row(NamedTuple):
    label: bytes
    comment: bytes
    sizes: tuple[int, int, int]  # height, width, prepared width


def scan(paths: list[str], config: Config) -> DatasetScan:
    """Reads every record, decodes every image, and checks every label.

    Args:
        paths: TFRecord files.
        config: the sizes and characters to check against.

    Raises:
        UserError: they are not whole TFRecord files.
    """
    found = DatasetScan()
    try:
        _read(found, paths, config, BATCH)
    except _NOT_RECORDS:  # once more, one by one, to say where
        found = DatasetScan()
        try:
            _read(found, paths, config, batch=1)
        except _NOT_RECORDS as error:
            reason = first_line(error)
            raise UserError(
                f"{', '.join(paths)} breaks off or is not a TFRecord file of aocr, after record "
                f"{found.records} ({reason}): make it again with 'aocr dataset'"
            ) from error
    return found


def _read(found: DatasetScan, paths: list[str], config: Config, batch: int) -> None:
    """Adds every record to what was found."""
    charset = Charset(config.characters)
    with tf.Graph().as_default() as graph:
        rows = _rows(paths, as_written(lambda encoded: measure(encoded, config)), batch)
        names, sizes = tf.compat.v1.data.make_one_shot_iterator(rows).get_next()
    with open_on_cpu(graph) as opened, contextlib.suppress(tf.errors.OutOfRangeError):
        while True:
            for label, comment, row_sizes in zip(*opened.run((*names, sizes)), strict=True):
                _inspect(found, config, charset, _Row(label, comment, tuple(row_sizes)))


def _rows(paths: list[str], size: Callable[[tf.Tensor], tf.Tensor], batch: int) -> tf.data.Dataset:
    """Batches of labels, comments, and sizes `[N, 3]`, `UNDECODABLE` where that fails."""

    @as_written
    def describe(record: records.Record) -> tf.data.Dataset:
        names = tf.data.Dataset.from_tensors((record.label, record.comment))
        return tf.data.Dataset.zip((names, _sizes(record.image, size)))

    return without_autotuning(
        tf.data.TFRecordDataset(paths)
        .map(as_written(records.parse))
        .batch(batch)
        .interleave(
            describe,
            cycle_length=DECODING_THREADS,
            num_parallel_calls=DECODING_THREADS,
            deterministic=True,
        )
    )


def _sizes(images: tf.Tensor, size: Callable[[tf.Tensor], tf.Tensor]) -> tf.data.Dataset:
    """One element, int32 `[N, 3]`, for N images: together, or where one fails, one by one."""

    @as_written
    def together(images: tf.Tensor) -> tf.Tensor:
        return tf.map_fn(size, images, fn_output_signature=tf.TensorSpec([3], tf.int32))

    @as_written
    def alone(image: tf.Tensor) -> tf.data.Dataset:
        sizes = tf.data.Dataset.from_tensors(image).map(size).ignore_errors()
        return sizes.concatenate(tf.data.Dataset.from_tensors(tf.constant(UNDECODABLE))).take(1)

    @as_written
    def one_by_one(images: tf.Tensor) -> tf.data.Dataset:
        return tf.data.Dataset.from_tensor_slices(images).flat_map(alone).batch(BATCH)

    batch = tf.data.Dataset.from_tensors(images)
    quick, sure = batch.map(together).ignore_errors(), batch.flat_map(one_by_one)
    return quick.concatenate(sure).take(1)


def _inspect(found: DatasetScan, config: Config, charset: Charset, row: _Row) -> None:
    """Adds one record to what was found."""
    place = found.records
    found.records += 1
    label, comment = records.text_of(row.label), records.text_of(row.comment)
    name = f"record {place + 1}" + (f", {comment}" if comment else "")
    if len(label) > config.max_prediction:
        found.too_long.add(place, f"{name}: {label!r} has {len(label)} characters")
    unknown = charset.unknown(label)
    if unknown:
        found.unknown.add(place, f"{name}: {unknown!r} in {label!r}")
    height, width, prepared_width = row.sizes
    if row.sizes == UNDECODABLE:
        found.undecodable.add(place, name)
        return
    too_wide = width > config.max_width
    if too_wide:
        found.too_wide.add(place, f"{name}: {width} pixels wide, {height} high")
    if not unknown and len(label) <= config.max_prediction:
        (found.wide_widths if too_wide else found.widths)[int(prepared_width)] += 1


def log_for_training(found: DatasetScan, config: Config, drop_wide: bool) -> int:
    """Says what training leaves out and what it shrinks, and returns how many records it uses.

    Raises:
        UserError: nothing is left to train on.
    """
    _log_labels(found, config, "left out")
    found.undecodable.log("images cannot be decoded", "left out")
    _log_wide(found, config, "left out" if drop_wide else "shrunk to fit")
    usable = found.trainable(drop_wide).total()
    logging.info("Training on %i of %i records.", usable, found.records)
    if not usable:
        raise UserError(
            "no record of the dataset can be trained on: see the lines above, and mind --charset, "
            "--max-prediction, --drop-wide, and the upper-casing of 'aocr dataset'"
            if found.records
            else "the dataset is empty: no record to train on"
        )
    return usable


def log_for_testing(found: DatasetScan, config: Config) -> None:
    """Says which records cannot be read right; they count as wrong.

    Raises:
        UserError: there is no record.
    """
    _log_labels(found, config, "tested, without a loss")
    found.undecodable.log("images cannot be decoded", "counted as read wrong")
    _log_wide(found, config, "shrunk to fit")
    if not found.records:
        raise UserError("the dataset is empty: no record to test")


def _log_labels(found: DatasetScan, config: Config, fate: str) -> None:
    found.too_long.log(f"labels are longer than --max-prediction={config.max_prediction}", fate)
    found.unknown.log("labels hold characters outside the model's charset", fate)


def _log_wide(found: DatasetScan, config: Config, fate: str) -> None:
    found.too_wide.log(f"images are wider than --max-width={config.max_width}", fate)
