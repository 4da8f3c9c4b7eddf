"""Builds TFRecords from annotated images (docs/compatibility.md, "Files")."""

from __future__ import annotations

import contextlib
import functools
import itertools
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import tensorflow as tf

from aocr.config import MAX_PIXELS
from aocr.data import labels, limits, records
from aocr.data.annotations import Annotation, Annotations, Rejection, is_utf8
from aocr.data.batch_decoding import BATCH_SIZE, MAX_PIXELS_IN_BATCH, BatchDecoder
from aocr.data.build_log import BuildCounts, log_start, log_summary, progress
from aocr.data.dataset_names import output_names
from aocr.data.file_reading import read_file
from aocr.data.image_files import SupportedImage, needs_no_conversion, to_supported_format
from aocr.data.image_header import ImageFileError, quiet_pillow, read_header
from aocr.data.limits import Limits
from aocr.data.rejections import RejectionLog
from aocr.util.errors import UserError, first_line
from aocr.util.files import replacing
from aocr.util.parallel import map_in_order
from aocr.util.path_checks import identity, is_remote
from aocr.util.plurals import counted

REMOTE_READERS = 32
"""Number of threads that read remote files."""


class Options(NamedTuple):
    """Determines how a dataset is built.

    Attributes:
        force_uppercase: convert labels to upper case.
        normalize: convert labels to the Unicode normal form NFC.
        save_filename: store the path of the image in the record's comment.
        base_dir: folder that relative paths start from; empty for the working directory.
        delimiter: separates path and label, a key of `annotations.DELIMITERS`.
        strict: treat the first annotation that cannot be used as an error.
        max_pixels: reject images with more pixels.
        shards: number of files that the annotations are distributed over, by their numbers.
        shard_index: the only shard to build, from 0; None for all shards.
        log_step: number of pairs between log lines.
        limits: those of the model; images and labels that exceed them are rejected.
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
    limits: Limits = Limits()


class _Candidate(NamedTuple):
    """Holds an annotation and its image file before the pixels are checked.

    Attributes:
        annotation: the path and the label.
        label: as it is written.
        encoded: the image file.
        unchanged: what to write if the file is whole; None if the header does not decide it.
        rejection: why the annotation cannot be used, or None.
    """

    annotation: Annotation
    label: str
    encoded: bytes = b""
    unchanged: SupportedImage | None = None
    rejection: Rejection | None = None


class _Checked(NamedTuple):
    """Holds an annotation with either the image to write or a rejection."""

    annotation: Annotation
    label: str
    image: SupportedImage | None
    rejection: Rejection | None


def build(annotations: str, output: str, options: Options) -> int:
    """Writes annotated images as TFRecords.

    The output appears under its name when it is complete; an earlier output stays until then.
    Rejected annotations are logged and listed in `OUTPUT.rejected.tsv`. That file exists only if
    there are any.

    Args:
        annotations: a UTF-8 file with 'path label' on each line, or a folder of images whose names
            are `LABEL.png` or `LABEL_12.png`.
        output: TFRecord file. With several shards, each file has its number in the name.
        options: see `Options`.

    Returns:
        The number of pairs written.

    Raises:
        UserError: the annotations cannot be read, none can be used, the output cannot be written,
            the shard does not exist, or `options.strict` forbids a rejection.
    """
    log_start(annotations, output)
    source = Annotations(annotations, options.delimiter, options.base_dir)
    names = output_names(output, options.shards, options.shard_index)
    try:
        with quiet_pillow(), replacing(names.files) as temporaries:
            files, report = temporaries[: len(names.shards)], temporaries[len(names.shards)]
            rejections = RejectionLog(f"{annotations}, {source.unit}", report, options.strict)
            with contextlib.closing(rejections):
                counts = _write(source, files, rejections, options, names.identities())
            rejected = rejections.counts.total()
            if not counts.pairs and (rejected or options.shard_index is None):
                raise UserError(
                    f"{annotations} has no usable {source.unit} "
                    f"({counted(rejected, source.unit)} rejected): {names.dataset} is not written"
                )
    except tf.errors.OpError as error:
        raise UserError(f"cannot write {names.dataset}: {first_line(error)}") from error
    log_summary(counts, rejections.counts, names.dataset, names.report, source.unit)
    return counts.pairs


def _write(
    source: Annotations,
    files: list[str],
    rejections: RejectionLog,
    options: Options,
    replaced: frozenset[object],
) -> BuildCounts:
    """Writes the usable annotations to the shards' files in order, and reports the others.

    `replaced` are the identities of the files that the build will replace.
    """
    counts = BuildCounts()
    share = len(files) / options.shards
    with contextlib.ExitStack() as stack:
        writers = [stack.enter_context(tf.io.TFRecordWriter(name)) for name in files]
        checked = stack.enter_context(contextlib.closing(_check_all(source, options)))
        advance = stack.enter_context(progress(source.estimate_count, share, options.log_step))
        for annotation, label, image, rejection in checked:
            if rejection:
                rejections.add(annotation, rejection)
            if image:
                _refuse_if_replaced(annotation.path, replaced)
                comment = annotation.path if options.save_filename else None
                writer = writers[(annotation.number - 1) % len(writers)]
                writer.write(records.serialize(image.encoded, label, comment))
                counts.add(label, image.converted)
                if options.force_uppercase:
                    counts.cases.add(annotation.label)
            advance(counts.pairs)
    return counts


def _refuse_if_replaced(image: str, replaced: frozenset[object]) -> None:
    """Raises UserError if the build would replace one of its images."""
    if replaced and identity(image) in replaced:
        raise UserError(f"the output would replace the image {image}: give it another name")


def _check_all(source: Annotations, options: Options) -> Generator[_Checked, None, None]:
    """Yields the annotations in order, checked by threads."""
    candidates = _read_candidates(_annotations_of_shards(source, options), options)
    check = functools.partial(_check_batch, decoder=BatchDecoder(), options=options)
    with contextlib.closing(map_in_order(check, candidates)) as batches:
        for batch in batches:
            yield from batch


def _annotations_of_shards(source: Annotations, options: Options) -> Iterator[Annotation]:
    """Yields the annotations of the shards to build; their numbers decide, on every machine."""
    for annotation in source.read():
        if options.shard_index in (None, (annotation.number - 1) % options.shards):
            yield annotation


def _read_candidates(
    annotations: Iterator[Annotation], options: Options
) -> Iterator[list[_Candidate]]:
    """Reads image files in batches; uses threads for remote files, as their latency is high."""
    read = functools.partial(_read_candidate, options=options)
    with ThreadPoolExecutor(REMOTE_READERS) as threads:
        while batch := list(itertools.islice(annotations, BATCH_SIZE)):
            remote = any(is_remote(annotation.path) for annotation in batch)
            yield list(threads.map(read, batch) if remote else map(read, batch))


def _read_candidate(annotation: Annotation, options: Options) -> _Candidate:
    """Checks the label, and reads the file and its header."""
    label = labels.normalize(annotation.label, options.force_uppercase, options.normalize)
    rejection = annotation.rejection
    if not rejection and options.save_filename and not is_utf8(annotation.path):
        rejection = Rejection("file name that is not UTF-8", annotation.path)
    if not rejection and (problem := limits.label_problem(label, options.limits)):
        rejection = Rejection(problem.reason, label, problem.detail)
    if rejection:
        return _Candidate(annotation, label, rejection=rejection)
    try:
        encoded = read_file(annotation.path)
        unchanged = _if_unchanged(encoded, options.max_pixels)
    except ImageFileError as error:
        rejection = Rejection(error.reason, annotation.path, error.detail)
        return _Candidate(annotation, label, rejection=rejection)
    return _Candidate(annotation, label, encoded, unchanged)


def _if_unchanged(encoded: bytes, max_pixels: int) -> SupportedImage | None:
    """Returns what to write if the header tells that the file can stay unchanged, else None."""
    header = read_header(encoded, max_pixels)
    small = header.width * header.height <= MAX_PIXELS_IN_BATCH
    if small and needs_no_conversion(encoded, header):
        return SupportedImage(encoded, False, header.width, header.height)
    return None


def _check_batch(
    candidates: list[_Candidate], decoder: BatchDecoder, options: Options
) -> list[_Checked]:
    """Checks the images of a batch: in one call if possible, otherwise one by one."""
    unchanged = [each.unchanged.encoded for each in candidates if each.unchanged]
    whole = decoder.are_whole(unchanged)
    return [_check(each, each.unchanged if whole else None, options) for each in candidates]


def _check(candidate: _Candidate, image: SupportedImage | None, options: Options) -> _Checked:
    """Checks the size of an image; decodes and converts it first if None is given."""
    annotation, label, rejection = candidate.annotation, candidate.label, candidate.rejection
    if rejection:
        return _Checked(annotation, label, None, rejection)
    try:
        image = image or to_supported_format(candidate.encoded, options.max_pixels)
        problem = limits.image_problem(image.width, image.height, options.limits)
    except ImageFileError as error:
        problem = limits.Problem(error.reason, error.detail)
    if problem:
        rejection = Rejection(problem.reason, annotation.path, problem.detail)
        return _Checked(annotation, label, None, rejection)
    return _Checked(annotation, label, image, None)
