"""Runs `aocr inspect`: reports what TFRecords hold and which model would fit them."""

from __future__ import annotations

import dataclasses
import itertools
import logging
from collections.abc import Mapping, Sequence
from typing import Any

import tensorflow as tf

from aocr.config import IMAGE_HEIGHT, Config
from aocr.data.augmentation.augment import NO_AUGMENTATION
from aocr.data.images.decoder_complaints import hidden_complaints
from aocr.data.label_sanity import MAX_NAMED, ProblemCount
from aocr.data.limits import Limits
from aocr.data.records import files as record_files
from aocr.data.records import schema
from aocr.data.records.files import RawRecord
from aocr.inspection import contact_sheet
from aocr.inspection.completeness import check_completeness
from aocr.inspection.gray_contrast import compare_with_gray, have_colors
from aocr.inspection.shared_images import SharedImages, find_shared
from aocr.inspection.statistics import collect_statistics
from aocr.inspection.summary import DatasetFiles, DatasetSummary, find_duplicates, summarize
from aocr.inspection.text_report import format_report
from aocr.util.errors import UserError
from aocr.util.terminal.console import print_text, require_stdout
from aocr.util.text.characters import visible_text
from aocr.util.text.plurals import counted

MAX_SHEET_WIDTH = 2048
"""Largest width in pixels of a prepared image on the contact sheet. If the flags lead to a larger
one, images are shrunk to this width."""


@dataclasses.dataclass(frozen=True)
class InspectionOptions:
    """Holds what the flags of `aocr inspect` ask for.

    Attributes:
        limits: limits of a model; the report counts the records that exceed them.
        as_json: print JSON instead of text.
        sheet: PNG file for the contact sheet, local or remote; None for no contact sheet.
        color: decode and draw images in 3 channels instead of 1.
        recipe: flag of the recipe that the recommended flags begin with; empty for the default one.
        preparation: fields of `Config` by which that recipe prepares images otherwise.
        augmentation: `none`, or a name of `augmentation.STRENGTHS` to show on the contact sheet.
    """

    limits: Limits
    as_json: bool = False
    sheet: str | None = None
    color: bool = False
    recipe: str = ""
    preparation: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    augmentation: str = NO_AUGMENTATION

    @property
    def channels(self) -> int:
        """Number of channels that images are decoded to."""
        return 3 if self.color else 1


def inspect(paths: Sequence[str], options: InspectionOptions) -> None:
    """Prints a report about a dataset to stdout, and draws a contact sheet if asked for one.

    Args:
        paths: files, folders and globs of TFRecords.
        options: what the flags ask for.

    Raises:
        UserError: the dataset does not exist, is empty or is broken, or stdout or the contact
            sheet cannot be written.
    """
    require_stdout()
    files = record_files.expand(paths)
    record_files.warn_about_empty_files(files)
    dataset = _dataset_files(files)
    statistics = collect_statistics(record_files.read(files), options.limits, options.channels)
    if not statistics.records:
        raise UserError(f"the dataset is empty: no record in {', '.join(files)}")
    digests = statistics.digests
    duplicates = find_duplicates(digests.images, digests.labels, MAX_NAMED)
    shared = find_shared(digests.images, statistics.records_of_file, MAX_NAMED)
    looks = have_colors(statistics.images.kinds)
    samples = contact_sheet.sample_indices(statistics.records) if options.sheet or looks else []
    named = itertools.chain(*duplicates.examples, *(each.first for each in shared))
    sizes = statistics.images.sizes
    absurd = sizes.absurd().nonzero()[0].tolist()
    described = {sizes.records[n]: sizes.describe(n) for n in absurd[:MAX_NAMED]}
    rows = _read_rows(files, {*samples, *named, *described})
    examples = [[_describe(rows[index]) for index in group] for group in duplicates.examples]
    absurd_sizes = ProblemCount(
        len(absurd),
        [f"{visible_text(rows[index].name)}: {size}" for index, size in described.items()],
    )
    shared_images = [
        SharedImages(*each[:3], [_describe(rows[index]) for index in each.first]) for each in shared
    ]
    summary = summarize(
        dataset,
        statistics,
        duplicates,
        examples,
        absurd_sizes=absurd_sizes,
        shared_images=shared_images,
        gray_contrast=compare_with_gray([rows[index].image for index in samples]),
    )
    if options.recipe:
        flags = {share: [options.recipe, *each] for share, each in summary.flags.items()}
        summary = dataclasses.replace(summary, flags=flags)
    print_text(summary.to_json() if options.as_json else format_report(summary, options.limits))
    if options.sheet:
        config = _sheet_config(summary, options)
        variation = None
        if options.augmentation != NO_AUGMENTATION:
            variation = contact_sheet.Variation(options.augmentation, samples)
        _draw_contact_sheet(options.sheet, [rows[index] for index in samples], config, variation)


def _dataset_files(files: list[str]) -> DatasetFiles:
    """Returns the files with their total size, and whether they are complete."""
    size = sum(tf.io.gfile.stat(path).length for path in files)
    return DatasetFiles(files, size, check_completeness(files))


def _read_rows(files: list[str], indices: set[int]) -> dict[int, RawRecord]:
    """Returns the records at some indices, which count from 0."""
    last = max(indices, default=-1)
    rows = zip(range(last + 1), record_files.read(files), strict=False)
    return {index: row for index, row in rows if index in indices}


def _describe(row: RawRecord) -> str:
    return f"{visible_text(row.name)}: {visible_text(schema.text_of(row.label))}"


def _draw_contact_sheet(
    path: str, rows: Sequence[RawRecord], config: Config, variation: contact_sheet.Variation | None
) -> None:
    with hidden_complaints():  # which the report names
        contact_sheet.write(path, rows, config, variation)
    logging.info(
        "%s shows %s, prepared with --max-width=%i --max-height=%i.",
        path,
        counted(len(rows), "record"),
        config.max_width,
        config.max_height,
    )


def _sheet_config(summary: DatasetSummary, options: InspectionOptions) -> Config:
    """Returns the image preparation of the given flags, or one that shrinks no image."""
    limits, recommended = options.limits, summary.coverage[-1]
    config = Config(
        max_width=limits.max_width or recommended.max_width or Config.max_width,
        max_height=limits.max_height or recommended.max_height or Config.max_height,
        channels=options.channels,
        **options.preparation,
    )
    if config.image_width <= MAX_SHEET_WIDTH:
        return config
    return dataclasses.replace(config, max_width=MAX_SHEET_WIDTH, max_height=IMAGE_HEIGHT)
