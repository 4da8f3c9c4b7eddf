"""Annotations to TFRecords; what cannot be used is named with its line (COMPAT.md, section 2)."""

from __future__ import annotations

import contextlib
import functools
import itertools
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import tensorflow as tf

from aocr.config import MAX_PIXELS, Limits
from aocr.data import image_files, labels, records
from aocr.data.annotations import Annotations
from aocr.data.batch_decoding import BATCH, MOST_PIXELS, BatchDecoder
from aocr.data.build_log import Tally, log_summary, progress
from aocr.data.file_reading import read_file
from aocr.data.rejections import Rejection, Rejects, Row
from aocr.util import files as output_files
from aocr.util.errors import UserError, first_line
from aocr.util.parallel import map_in_order

REPORT = ".rejected.tsv"
"""What the name of the list of rejects adds to the output's."""

REMOTE_READERS = 32
"""Threads that read from afar."""


class Options(NamedTuple):
    """How a dataset is built.

    Attributes:
        force_uppercase: labels are upper-cased.
        normalize: labels are put into Unicode's form NFC.
        save_filename: the image's path is kept in the record's comment.
        base_dir: the folder that relative paths start from; empty: the working directory.
        delimiter: what separates path and label, a key of `annotations.DELIMITERS`.
        strict: the first line that cannot be used is an error.
        max_pixels: images of more are rejected.
        shards: files that the records are dealt to, by line number.
        shard_index: the only shard to build, from 0; None for all.
        log_step: records between two lines of progress.
        fit: what is wider, higher, longer or of other characters is rejected.
    """

    force_uppercase: bool = True
    normalize: bool = True
    save_filename: bool = False
    base_dir: str = ""
    delimiter: str = "space"
    strict: bool = False
    max_pixels: int = MAX_PIXELS
    shards: int = 1
    shard_index: int | None = None
    log_step: int = 500
    fit: Limits = Limits()


class _Opened(NamedTuple):
    """A row, its label as it is written, and its file; or why it is not written.

    `image` is what the file is if it proves whole; None where its header does not say.
    """

    row: Row
    label: str
    encoded: bytes = b""
    image: image_files.Readable | None = None
    rejection: Rejection | None = None


class _Checked(NamedTuple):
    """A row, and its image and label as they are written, or why they are not."""

    row: Row
    image: image_files.Readable | None
    label: str
    rejection: Rejection | None


def build(annotations: str, output: str, options: Options) -> int:
    """Writes the images named in an annotation file, with their labels, as TFRecords.

    The output appears under its name when it is complete; a former one stays until then. Rejects
    go to the log and to `OUTPUT.rejected.tsv`, which there is only if there are any.

    Args:
        annotations: one `path label` a line, UTF-8; or a folder of images named `LABEL.png`.
        output: TFRecord file; if there are several shards, each has its number in the name.
        options: see `Options`.

    Returns:
        How many pairs were written.

    Raises:
        UserError: no annotations, nothing to write, no place to write it, no such shard, or, if
            that is an error, a line that cannot be used.
    """
    source = Annotations(annotations, options.delimiter, options.base_dir)
    shards = _shards(output, options)
    target = shards[0] if len(shards) == 1 else output
    reports = [f"{name}{REPORT}" for name in dict.fromkeys([target, *shards])]
    try:
        with output_files.replacing([*shards, *reports]) as temporaries:
            report = temporaries[len(shards)]
            rejects = Rejects(f"{annotations}, {source.unit}", report, options.strict)
            with contextlib.closing(rejects):
                tally = _write(source, temporaries[: len(shards)], rejects, options)
            if not tally.pairs and (rejects.counts or options.shard_index is None):
                raise UserError(
                    f"{annotations}: none of its {rejects.counts.total()} {source.unit}s can be "
                    f"used, {target} is not written"
                )
    except tf.errors.OpError as error:
        raise UserError(f"cannot write {target}: {first_line(error)}") from error
    log_summary(tally, rejects.counts, target, reports[0], source.unit)
    return tally.pairs


def _shards(output: str, options: Options) -> list[str]:
    """The names of the files to write."""
    index, shards = options.shard_index, options.shards
    if index is not None and not 0 <= index < shards:
        raise UserError(f"--shard-index={index} is not from 0 to {shards - 1} (--shards={shards})")
    if shards == 1:
        return [output]
    indices = range(shards) if index is None else [index]
    return [output_files.shard_name(output, shard, shards) for shard in indices]


def _write(source: Annotations, files: list[str], rejects: Rejects, options: Options) -> Tally:
    """Checks the rows and deals what is good to the files of the shards, in order."""
    tally = Tally()
    with contextlib.ExitStack() as stack:
        writers = [stack.enter_context(tf.io.TFRecordWriter(name)) for name in files]
        rows = _rows_of_shards(source, options)
        check = functools.partial(_check, decoder=BatchDecoder(), options=options)
        chunks = stack.enter_context(
            contextlib.closing(map_in_order(check, _opened(rows, options)))
        )
        share = len(files) / options.shards
        advance = stack.enter_context(progress(source.row_count, share, options.log_step))
        for row, image, label, rejection in itertools.chain.from_iterable(chunks):
            if rejection:
                rejects.add(row, rejection)
            if image:
                comment = row.path if options.save_filename else None
                writer = writers[(row.number - 1) % len(writers)]
                writer.write(records.serialize(image.encoded, label, comment))
                tally.add(label, image.converted)
                if options.force_uppercase:
                    tally.cases.add(row.label)
            advance(tally.pairs)
    return tally


def _rows_of_shards(source: Annotations, options: Options) -> Iterator[Row]:
    """All rows, or those of the only shard to build: each machine knows them by their numbers."""
    for row in source.rows():
        if options.shard_index in (None, (row.number - 1) % options.shards):
            yield row


def _opened(rows: Iterator[Row], options: Options) -> Iterator[list[_Opened]]:
    """Reads files, a batch of rows at a time; from afar by threads, which wait most of the time."""
    with ThreadPoolExecutor(REMOTE_READERS) as threads:
        while batch := list(itertools.islice(rows, BATCH)):
            remote = any("://" in row.path for row in batch)
            read = functools.partial(_open, options=options)
            yield list(threads.map(read, batch) if remote else map(read, batch))


def _open(row: Row, options: Options) -> _Opened:
    """Reads a row's file, and of the image the header."""
    label = labels.prepare(row.label, options.force_uppercase, options.normalize)
    rejection = row.rejection or labels.misfit(label, options.fit)
    if rejection:
        return _Opened(row, label, rejection=rejection)
    try:
        encoded = read_file(row.path)
        header = image_files.open_header(encoded, options.max_pixels)
        image = None
        if image_files.is_plain(encoded, header) and header.width * header.height <= MOST_PIXELS:
            image = image_files.Readable(encoded, False, header.width, header.height)
    except image_files.UnreadableError as error:
        return _Opened(row, label, rejection=Rejection(error.reason, row.path, error.detail))
    return _Opened(row, label, encoded, image)


def _check(opened: list[_Opened], decoder: BatchDecoder, options: Options) -> list[_Checked]:
    """Decodes the files of a batch of rows; runs in threads."""
    plain = [one.image.encoded for one in opened if one.image]
    are_whole = decoder.are_whole(plain)
    return [_check_one(one, one.image if are_whole else None, options) for one in opened]


def _check_one(opened: _Opened, image: image_files.Readable | None, options: Options) -> _Checked:
    """A row with its image, which is decoded, and converted if need be, unless it is given."""
    row, label, rejection = opened.row, opened.label, opened.rejection
    if rejection:
        return _Checked(row, None, label, rejection)
    try:
        image = image or image_files.readable(opened.encoded, options.max_pixels)
        _check_fit(image, options.fit)
    except image_files.UnreadableError as error:
        return _Checked(row, None, label, Rejection(error.reason, row.path, error.detail))
    return _Checked(row, image, label, None)


def _check_fit(image: image_files.Readable, fit: Limits) -> None:
    """Raises UnreadableError for an image that is too large for the model."""
    size = f"{image.width} x {image.height}"
    if fit.max_width is not None and image.width > fit.max_width:
        raise image_files.UnreadableError(f"wider than {fit.max_width} pixels", size)
    if fit.max_height is not None and image.height > fit.max_height:
        raise image_files.UnreadableError(f"higher than {fit.max_height} pixels", size)
