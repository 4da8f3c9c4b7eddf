"""Annotations to TFRecords; what cannot be used is named with its line."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterator
from typing import NamedTuple

import tensorflow as tf

from aocr.util import records
from aocr.util.errors import UserError


class Options(NamedTuple):
    """How a dataset is built.

    Attributes:
        force_uppercase: labels are upper-cased.
        save_filename: the image's path is kept in the record's comment.
        log_step: records between two lines of progress.
    """

    force_uppercase: bool = True
    save_filename: bool = False
    log_step: int = 500


class Pair(NamedTuple):
    """One image and its label."""

    path: str
    image: bytes
    label: str


class RejectedError(ValueError):
    """Why a line of the annotations gives no pair."""


def build(annotations: str, output: str, options: Options) -> int:
    """Writes the images named in an annotation file, with their labels, as TFRecords.

    The output appears under its name when it is complete; a former one stays until then.

    Args:
        annotations: one `path label` a line, UTF-8; the first whitespace separates.
        output: TFRecord file.
        options: see `Options`.

    Returns:
        How many pairs were written.

    Raises:
        UserError: no annotation file, nothing to write, or no place to write it.
    """
    if not tf.io.gfile.exists(annotations) or tf.io.gfile.isdir(annotations):
        raise UserError(f"no annotation file {annotations}: it has one 'path label' a line")
    temporary = f"{output}.{os.getpid()}.tmp"
    try:
        written = _write(annotations, temporary, options)
        if written.pairs:
            tf.io.gfile.rename(temporary, output, overwrite=True)
    except tf.errors.OpError as error:
        reason = str(error.message).splitlines()[0]
        raise UserError(f"cannot build {output} from {annotations}: {reason}") from error
    finally:
        if tf.io.gfile.exists(temporary):
            tf.io.gfile.remove(temporary)
    if not written.pairs:
        raise UserError(
            f"{annotations}: none of its {written.rejected} lines gives an image with a label, "
            f"{output} is not written"
        )
    _log_summary(written, output)
    return written.pairs


class _Written(NamedTuple):
    pairs: int
    rejected: int
    longest_label: str


def _write(annotations: str, temporary: str, options: Options) -> _Written:
    pairs = rejected = 0
    longest = ""
    with tf.io.TFRecordWriter(temporary) as writer:
        for number, line in _lines(annotations):
            try:
                path, image, label = _read_pair(line, options.force_uppercase)
            except RejectedError as reason:
                rejected += 1
                logging.error("%s, line %i: %s", annotations, number, reason)
                continue
            comment = path if options.save_filename else None
            writer.write(records.serialize(image, label, comment))
            pairs += 1
            longest = max(longest, label, key=len)
            if pairs % options.log_step == 0:
                logging.info("Processed %i pairs.", pairs)
    return _Written(pairs, rejected, longest)


def _lines(annotations: str) -> Iterator[tuple[int, bytes]]:
    """The lines with their numbers, from 1; without a byte order mark, and without blank lines."""
    with tf.io.gfile.GFile(annotations, "rb") as file:
        for number, line in enumerate(file, start=1):
            if number == 1:
                line = line.removeprefix(b"\xef\xbb\xbf")
            if line.strip():
                yield number, line.rstrip(b"\r\n")


def _read_pair(line: bytes, force_uppercase: bool) -> Pair:
    """One line with its image.

    Raises:
        RejectedError: no label, not UTF-8, no such file, or not an image.
    """
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError as error:
        raise RejectedError(f"not UTF-8: {line[:80]!r}") from error
    parts = re.fullmatch(r"(\S+)\s(.*)", text)
    if not parts:
        raise RejectedError(f"missing filename or label: {text[:80]!r}")
    path, label = parts.groups()
    return Pair(path, _read_image(path), label.upper() if force_uppercase else label)


def _read_image(path: str) -> bytes:
    """The file's bytes, once they have been decoded to see that they can be."""
    try:
        with tf.io.gfile.GFile(path, "rb") as file:
            image = file.read()
    except tf.errors.NotFoundError as error:
        raise RejectedError(f"no such image: {path}") from error
    except tf.errors.OpError as error:
        raise RejectedError(f"cannot read {path}: {error.message}") from error
    try:
        tf.io.decode_image(image, expand_animations=False)
    except tf.errors.InvalidArgumentError as error:
        raise RejectedError(f"not a whole PNG, JPEG, BMP or GIF image: {path}") from error
    return image


def _log_summary(written: _Written, output: str) -> None:
    logging.info("Longest label (%i): %s", len(written.longest_label), written.longest_label)
    logging.info("Dataset is ready: %i pairs.", written.pairs)
    log = logging.warning if written.rejected else logging.info
    log("%s holds %i pairs; %i lines were rejected.", output, written.pairs, written.rejected)
