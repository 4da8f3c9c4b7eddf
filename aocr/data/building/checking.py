"""Reads and checks annotated images in threads, in the order of their annotations."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from aocr.config import MAX_PIXELS, Config
from aocr.data import labels, limits
from aocr.data.building.missing_files import MissingFiles
from aocr.data.images.conversion import SupportedImage, convert_watched, if_unchanged
from aocr.data.images.decoder_complaints import DecoderWatch
from aocr.data.images.files import NO_SUCH_FILE, ImageFileError, read_file
from aocr.data.images.measuring import ImageMeasurer, Measured, in_batches
from aocr.data.limits import Limits
from aocr.data.sources.annotations import Annotation, Rejection, Source
from aocr.data.sources.common import Request
from aocr.data.sources.formats import AUTO
from aocr.util.paths.checks import is_remote, is_utf8
from aocr.util.threads import map_in_order


class Options(NamedTuple):
    """Determines how a dataset is built.

    Attributes:
        force_uppercase: convert labels to upper case.
        normalize: convert labels to the Unicode normal form NFC.
        strip_labels: take off the blanks at the ends of labels.
        save_filename: store the path of the image in the record's comment.
        source: how the sources are read.
        format: the form of the sources, a key of `formats.FORMATS`, or `AUTO` to find it.
        strict: treat the first annotation that cannot be used as an error.
        max_pixels: reject images with more pixels.
        shards: number of files that the annotations are distributed over, by their numbers.
        shard_index: the only shard to build, from 0; None for all shards.
        split: shares of the training, validation and test images, which go into files of their
            own; empty for one file.
        seed: random seed of the division; images of the same pixels are in one part.
        log_step: number of pairs between log lines.
        limits: limits of the model; images and labels that exceed them are rejected.
    """

    force_uppercase: bool = True
    normalize: bool = True
    strip_labels: bool = False
    save_filename: bool = False
    source: Request = Request()
    format: str = AUTO
    strict: bool = False
    max_pixels: int = MAX_PIXELS
    shards: int = 1
    shard_index: int | None = None
    split: tuple[float, ...] = ()
    seed: int = 0
    log_step: int = 500
    limits: Limits = Limits()


REMOTE_READERS = 32
"""Number of threads that read remote files."""


class _Candidate(NamedTuple):
    """Holds an annotation and its image file before the pixels are checked.

    Attributes:
        annotation: the path and the label.
        label: the label that is written.
        encoded: the image file.
        unchanged: what to write if the file is whole; None if the header does not decide it.
        rejection: why the annotation cannot be used, or None.
    """

    annotation: Annotation
    label: str
    encoded: bytes = b""
    unchanged: SupportedImage | None = None
    rejection: Rejection | None = None


class Checked(NamedTuple):
    """Holds an annotation with either the image to write or a rejection.

    Attributes:
        annotation: the path and the label.
        label: the label that is written.
        image: what to write; None if it is rejected.
        rejection: why the annotation cannot be used, or None.
        complaint: what the decoder complains about, although it decodes the image; or empty.
        measured: what was measured of the image; None if it is rejected.
    """

    annotation: Annotation
    label: str
    image: SupportedImage | None
    rejection: Rejection | None
    complaint: str = ""
    measured: Measured | None = None


def check_all(source: Source, options: Options) -> Generator[Checked, None, None]:
    """Yields the annotations of the shards to build in order, checked by threads."""
    candidates = _read_candidates(source, options)
    with (
        DecoderWatch() as watch,
        contextlib.closing(ImageMeasurer(Config(channels=3))) as measurer,
    ):
        check = functools.partial(_check_batch, measurer=measurer, watch=watch, options=options)
        with contextlib.closing(map_in_order(check, candidates)) as batches:
            for batch in batches:
                yield from batch


def _annotations_of_shards(source: Source, options: Options) -> Iterator[Annotation]:
    """Yields the annotations of the shards to build; their numbers decide, on every machine."""
    for annotation in source.read():
        if options.shard_index in (None, (annotation.number - 1) % options.shards):
            yield annotation


def _read_candidates(source: Source, options: Options) -> Iterator[list[_Candidate]]:
    """Reads image files in batches; uses threads for remote files, as their latency is high."""
    missing = MissingFiles(source)
    read = functools.partial(_read_candidate, source=source, options=options)
    with ThreadPoolExecutor(REMOTE_READERS) as threads:
        for batch in in_batches(_annotations_of_shards(source, options)):
            remote = any(is_remote(annotation.path) for annotation in batch)
            candidates = threads.map(read, batch) if remote else map(read, batch)
            yield [_explained(each, missing) for each in candidates]


def _explained(candidate: _Candidate, missing: MissingFiles) -> _Candidate:
    """Adds to the rejection of a missing file where it is."""
    if not candidate.rejection:
        return candidate
    rejection = missing.explain(candidate.annotation, candidate.rejection)
    return candidate._replace(rejection=rejection)


def _read_candidate(annotation: Annotation, source: Source, options: Options) -> _Candidate:
    """Checks the label, and reads the file and its header."""
    label = labels.normalize(
        annotation.label, options.force_uppercase, options.normalize, options.strip_labels
    )
    rejection = annotation.rejection
    if not rejection and options.save_filename and not is_utf8(annotation.path):
        rejection = Rejection("file name that is not UTF-8", annotation.path)
    if not rejection and (problem := limits.label_problem(label, options.limits)):
        rejection = Rejection(problem.reason, label, problem.detail)
    if rejection:
        return _Candidate(annotation, label, rejection=rejection)
    try:
        annotation, encoded = _read_image(annotation, source)
        unchanged = if_unchanged(encoded, options.max_pixels)
    except ImageFileError as error:
        rejection = Rejection(error.reason, annotation.path, error.detail)
        return _Candidate(annotation, label, rejection=rejection)
    return _Candidate(annotation, label, encoded, unchanged)


def _read_image(annotation: Annotation, source: Source) -> tuple[Annotation, bytes]:
    """Reads the file of an annotation; looks beside the list for what is not where it says.

    Raises:
        ImageFileError: the file cannot be read.
    """
    if annotation.encoded is not None:
        return annotation._replace(encoded=None), annotation.encoded
    try:
        return annotation, read_file(annotation.path)
    except ImageFileError as error:
        beside = source.beside(annotation) if error.reason == NO_SUCH_FILE else ""
        if not beside:
            raise
        return annotation._replace(path=beside, is_beside=True), _read_beside(beside, error)


def _read_beside(path: str, missing: ImageFileError) -> bytes:
    """Reads a file beside the list; raises the error of the path in the list if it is not there."""
    try:
        return read_file(path)
    except ImageFileError as error:
        raise (missing if error.reason == NO_SUCH_FILE else error) from error


def _check_batch(
    candidates: list[_Candidate], measurer: ImageMeasurer, watch: DecoderWatch, options: Options
) -> list[Checked]:
    """Checks the images of a batch: in one call if possible, otherwise one by one."""
    unchanged = [each.unchanged.encoded for each in candidates if each.unchanged]
    found = iter(watch.decode(unchanged, measurer.measure) if unchanged else ())
    checked = [
        _check(each, next(found) if each.unchanged else (None, ""), watch, options)
        for each in candidates
    ]
    converted = [each.image.encoded for each in checked if each.image and not each.measured]
    measured = iter(measurer.measure(converted) if converted else ())
    return [
        each._replace(measured=next(measured)) if each.image and not each.measured else each
        for each in checked
    ]


def _check(
    candidate: _Candidate,
    measured: tuple[Measured | None, str],
    watch: DecoderWatch,
    options: Options,
) -> Checked:
    """Checks the size of an image; decodes and converts it first if that has not been done.

    Args:
        candidate: the annotation and its image file.
        measured: what was measured of the image if it can stay unchanged and is whole, and the
            complaint.
        watch: the listener to the decoder.
        options: what the flags ask for.
    """
    annotation, label, rejection = candidate.annotation, candidate.label, candidate.rejection
    if rejection:
        return Checked(annotation, label, None, rejection)
    look, complaint = measured
    image = candidate.unchanged if look else None
    try:
        if not image:
            image, complaint = convert_watched(candidate.encoded, options.max_pixels, watch)
        problem = limits.image_problem(image.width, image.height, options.limits)
    except ImageFileError as error:
        problem = limits.Problem(error.reason, error.detail)
    if problem:
        rejection = Rejection(problem.reason, annotation.path, problem.detail)
        return Checked(annotation, label, None, rejection)
    return Checked(annotation, label, image, None, complaint, measured=look)
