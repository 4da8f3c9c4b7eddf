"""Builds TFRecords from annotated images (docs/compatibility.md, "Files")."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from aocr.data.building.checking import Checked, Options, check_all
from aocr.data.building.log import (
    BuildCounts,
    log_complaint,
    log_pair,
    log_parts,
    log_start,
    log_summary,
    progress,
)
from aocr.data.building.rejections import RejectionLog
from aocr.data.images.files import quiet_pillow
from aocr.data.records import schema
from aocr.data.records.shards import output_names, split_names
from aocr.data.sources.annotations import Annotations, Source
from aocr.data.sources.opening import open_sources
from aocr.util.errors import UserError, first_line
from aocr.util.paths.checks import identity
from aocr.util.paths.files import replacing
from aocr.util.text.plurals import counted

SHOWN = 3
"""Number of pairs that are shown, so that one sees whether the annotations are read as meant."""


def build(sources: Sequence[str], output: str, options: Options) -> int:
    """Writes annotated images as TFRecords.

    The output appears under its name when it is complete; an earlier output stays until then.
    Rejected annotations are logged and listed in `OUTPUT.rejected.tsv`. That file exists only if
    there are any.

    Args:
        sources: files and folders of annotations in any form of `formats.FORMATS`, at least one.
        output: TFRecord file. With several shards, each file has its number in the name.
        options: what the flags ask for.

    Returns:
        The number of pairs written.

    Raises:
        UserError: the annotations cannot be read, none can be used, the output cannot be written,
            the shard does not exist, or `options.strict` forbids a rejection.
    """
    annotations = " ".join(sources)
    log_start(annotations, output)
    source = open_sources(sources, options.format, options.source)
    names = output_names(output, options.shards, options.shard_index)
    if options.split:
        names = split_names(output, len(options.split))
    try:
        with quiet_pillow(), replacing(names.files) as temporaries:
            files, report = temporaries[: len(names.shards)], temporaries[len(names.shards)]
            rejections = RejectionLog(f"{annotations}, {source.unit}", report, options.strict)
            with contextlib.closing(rejections):
                counts = _write(source, files, rejections, options, names.identities())
            rejections.log_causes(source)
            rejected = rejections.counts.total()
            if not counts.pairs and (rejected or options.shard_index is None):
                raise UserError(
                    f"{annotations} has no usable {source.unit} "
                    f"({counted(rejected, source.unit)} rejected): {names.dataset} is not written"
                )
    except tf.errors.OpError as error:
        raise UserError(f"cannot write {names.dataset}: {first_line(error)}") from error
    counts.log_places(source)
    if options.split:
        log_parts(names.shards, counts.pairs_of_file)
    log_summary(counts, rejections.counts, names.dataset, names.report, source.unit)
    return counts.pairs


def _write(
    source: Source,
    files: list[str],
    rejections: RejectionLog,
    options: Options,
    replaced: frozenset[object],
) -> BuildCounts:
    """Writes the usable annotations to the shards' files in order, and reports the others.

    `replaced` are the identities of the files that the build will replace.
    """
    is_plain = isinstance(source, Annotations) and source.unit == "line"
    shown = 0 if is_plain else SHOWN
    counts, division = BuildCounts(options), _Division(options.split or [1], options.seed)
    share = len(files) / options.shards
    with contextlib.ExitStack() as stack:
        writers = [stack.enter_context(tf.io.TFRecordWriter(name)) for name in files]
        checked = stack.enter_context(contextlib.closing(check_all(source, options)))
        advance = stack.enter_context(progress(source.estimate_count, share, options.log_step))
        for each in checked:
            annotation = each.annotation
            if each.rejection:
                rejections.add(annotation, each.rejection)
            if each.image:
                _refuse_if_replaced(annotation.path, replaced)
                comment = annotation.path if options.save_filename else None
                file = (annotation.number - 1) % len(writers)
                if options.split:
                    file = division.part_of(each)
                writers[file].write(schema.serialize(each.image.encoded, each.label, comment))
                place = annotation.place or f"{source.unit} {annotation.number}"
                counts.add(each, place)
                counts.pairs_of_file[file] += 1
                if counts.pairs <= shown:
                    log_pair(annotation.path, each.label)
                if each.complaint:
                    where = place if annotation.place else f"{source.path}, {place}"
                    log_complaint(where, annotation.path, each.complaint)
            advance(counts.pairs)
    return counts


class _Division:
    """Draws the part of each image so that each part has its share of the images so far.

    Args:
        shares: the shares of the parts.
        seed: random seed.
    """

    def __init__(self, shares: Sequence[float], seed: int) -> None:
        self._shares = np.array(shares) / sum(shares)
        self._counts, self._parts = np.zeros(len(shares)), dict[int, int]()
        self._generator = np.random.default_rng(seed)

    def part_of(self, checked: Checked) -> int:
        """Returns the index of the part; images of the same pixels have the same."""
        picture = checked.measured.picture if checked.measured else checked.annotation.number
        if picture not in self._parts:
            lacking = np.maximum(self._shares * (self._counts.sum() + 1) - self._counts, 0)
            chances = lacking / lacking.sum()
            self._parts[picture] = int(self._generator.choice(len(chances), p=chances))
        self._counts[self._parts[picture]] += 1
        return self._parts[picture]


def _refuse_if_replaced(image: str, replaced: frozenset[object]) -> None:
    """Raises UserError if the build would replace one of its images."""
    if replaced and identity(image) in replaced:
        raise UserError(f"the output would replace the image {image}: give it another name")
