"""`aocr inspect`: what TFRecords hold, and which model would fit them."""

from __future__ import annotations

import itertools
import logging
import sys
from collections.abc import Sequence

import tensorflow as tf

from aocr.config import Config, Fit
from aocr.data import record_files as dataset_files
from aocr.data import records
from aocr.data.preprocessing import decode
from aocr.data.record_files import Row
from aocr.inspection import contact_sheet, duplicates
from aocr.inspection.statistics import NAMED, Decode, tally
from aocr.inspection.summary import Facts, facts_of
from aocr.inspection.text_report import to_text
from aocr.util.characters import visible_text
from aocr.util.errors import UserError

MAX_SHEET_WIDTH = 2048
"""Pixels of a prepared image on the sheet; where the flags say more, it is drawn shrunk to this."""


def inspect(
    paths: Sequence[str],
    fit: Fit,
    as_json: bool,
    sheet: str | None,
    color: bool,
) -> None:
    """Prints a report on stdout, and draws a contact sheet.

    Args:
        paths: files, folders and globs of TFRecords.
        fit: what a model would take; with it the report says what does not fit.
        as_json: print JSON in place of text.
        sheet: PNG file to write, or None.
        color: decode and draw three channels in place of one.

    Raises:
        UserError: no such dataset, an empty or a broken one, or the sheet cannot be written.
    """
    files = dataset_files.expand(paths)
    channels = 3 if color else 1
    compiled = tf.function(
        lambda image: decode(image, channels), input_signature=[tf.TensorSpec([], tf.string)]
    )  # three times as fast as one operation after another
    facts, samples = _look_through(files, fit, compiled, bool(sheet))
    text = facts.to_json() if as_json else to_text(facts, fit)
    sys.stdout.buffer.write(text.encode("utf-8", "surrogateescape"))
    sys.stdout.buffer.flush()
    if sheet:
        _draw(sheet, samples, _sheet_config(facts, fit, channels))


def _draw(sheet: str, samples: list[Row], config: Config) -> None:
    contact_sheet.write(sheet, samples, config)
    logging.info(
        "%s shows %i records, prepared with --max-width=%i --max-height=%i.",
        sheet,
        len(samples),
        config.max_width,
        config.max_height,
    )


def _look_through(
    files: list[str], fit: Fit, decode: Decode, with_samples: bool
) -> tuple[Facts, list[Row]]:
    """One pass that counts, and if records are to be named or drawn, another that fetches them."""
    counts = tally(dataset_files.read(files), fit, decode)
    if not counts.records:
        raise UserError(f"the dataset is empty: no record in {', '.join(files)}")
    found = duplicates.find(counts.digests.images, counts.digests.labels, NAMED)
    drawn = contact_sheet.evenly_spread(counts.records) if with_samples else []
    rows = _fetch(files, {*drawn, *itertools.chain(*found.examples)})
    named = [[_describe(rows[place]) for place in example] for example in found.examples]
    size = sum(tf.io.gfile.stat(path).length for path in files)
    return facts_of(files, size, counts, found, named), [rows[place] for place in drawn]


def _fetch(files: list[str], places: set[int]) -> dict[int, Row]:
    """The records at some places, from 0."""
    last = max(places, default=-1)
    numbered = zip(range(last + 1), dataset_files.read(files), strict=False)
    return {place: row for place, row in numbered if place in places}


def _describe(row: Row) -> str:
    return f"{visible_text(row.name)}: {visible_text(records.text_of(row.label))}"


def _sheet_config(facts: Facts, fit: Fit, channels: int) -> Config:
    """The preparation that the flags ask for, or else one that shrinks no image."""
    suggested = facts.coverage[-1]
    height = fit.max_height or suggested.max_height or Config.max_height
    width = fit.max_width or suggested.max_width or Config.max_width
    config = Config(max_width=width, max_height=height, channels=channels)
    if config.image_width <= MAX_SHEET_WIDTH:
        return config
    return Config(MAX_SHEET_WIDTH, 32, channels=channels)
