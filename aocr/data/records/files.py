"""Finds the files of a dataset and reads their records outside a graph."""

from __future__ import annotations

import contextlib
import logging
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import tensorflow as tf

from aocr.data.records import schema
from aocr.data.records.framing import FramingError, RecordParser, serialized_records
from aocr.data.records.shards import (
    PATTERN,
    REPORT_SUFFIX,
    ShardSet,
    in_different_numbers,
    shard_sets,
)
from aocr.util.errors import UserError, first_line
from aocr.util.paths.checks import identity, is_utf8, kind_of_special_file
from aocr.util.paths.files import TEMPORARY_SUFFIX, matches
from aocr.util.text.plurals import counted

MAX_NAMED = 10
"""Number of files that a warning names."""

NO_RECORDS = (REPORT_SUFFIX, TEMPORARY_SUFFIX)
"""Ends of the names of files beside a dataset that a glob leaves out."""


class RawRecord(NamedTuple):
    """Holds one record as it was written.

    Attributes:
        name: the name in messages: "record 12, images/a.png"; of several files, that of the file
            comes first.
        image: the encoded image file.
        label: text in UTF-8 or Latin-1, see `schema.text_of`.
        path: the file.
    """

    name: str
    image: bytes
    label: bytes
    path: str = ""

    @property
    def full_name(self) -> str:
        """The name after the file's name, also if there is only one file."""
        prefix = f"{self.path}, "
        return prefix + self.name.removeprefix(prefix)


def expand(paths: Sequence[str]) -> list[str]:
    """Finds the TFRecord files that paths stand for, and warns about missing shards.

    Args:
        paths: files, folders or globs, local or remote. A folder stands for its `*.tfrecords`.

    Returns:
        The files in the order of the paths, each once. Those of a folder or a glob are sorted,
        without lists of rejected annotations and files that a killed process left unfinished.

    Raises:
        UserError: a path stands for no file, or its file system cannot be read.
    """
    files: list[str] = []
    for path in paths:
        try:
            files += _find_files(path)
        except tf.errors.OpError as error:
            raise UserError(f"no dataset {path}: {first_line(error)}") from error
    files = _each_once(files)
    _warn_about_shards(shard_sets(files))
    return files


def _each_once(paths: Sequence[str]) -> list[str]:
    """Returns paths without those that lead to the file of an earlier one, and names these."""
    first: dict[object, str] = {}
    for path in paths:
        other = first.setdefault(identity(path), path)
        if other != path:
            logging.info("%s is the file %s, which is read once.", path, other)
    return list(first.values())


def _warn_about_shards(sets: Sequence[ShardSet]) -> None:
    """Warns about shards that are absent although others of their dataset are present."""
    for each in sets:
        for missing in each.missing:
            logging.warning("Missing shard, not read: %s", missing)
    for dataset, numbers in in_different_numbers(sets).items():
        logging.warning(
            "%s is there more than once, in %s shards, so its records are read more than once: "
            "remove the files of the earlier build.",
            dataset,
            " and in ".join(map(str, numbers)),
        )


def warn_about_empty_files(files: Sequence[str]) -> None:
    """Warns about empty files: they hold no record, perhaps because a copy failed."""
    empty = [path for path in files if not tf.io.gfile.stat(path).length]
    if empty:
        named = ", ".join(empty[:MAX_NAMED]) + (", ..." if len(empty) > MAX_NAMED else "")
        holds = counted(len(empty), "file is empty and holds", "files are empty and hold")
        logging.warning("%s no record: %s", holds, named)


def _find_files(path: str) -> list[str]:
    if not is_utf8(path):
        raise UserError(f"no dataset {path}: TensorFlow opens names in UTF-8 only: rename it")
    kind = kind_of_special_file(path)
    if kind:
        raise UserError(f"no dataset {path}: it is {kind}, but records are read more than once")
    if tf.io.gfile.isdir(path):
        return _glob(tf.io.gfile.join(path, PATTERN), f"no {PATTERN} in the folder {path}")
    if tf.io.gfile.exists(path):  # before the glob: a file name may contain brackets
        return [path]
    if re.search(r"[*?[]", path):
        return _glob(path, f"no dataset matches {path}")
    raise UserError(f"no dataset {path}: make one with 'aocr dataset ANNOTATIONS {path}'")


def _glob(pattern: str, complaint: str) -> list[str]:
    names = (path for path in matches(pattern) if not path.endswith(NO_RECORDS))
    found = []
    for path in sorted(names):
        if not is_utf8(path):
            logging.warning("%s is left out: its name is not UTF-8; rename it.", path)
        elif not tf.io.gfile.isdir(path):
            found.append(path)
    if not found:
        raise UserError(f"{complaint}: make one with 'aocr dataset ANNOTATIONS FILE.tfrecords'")
    return found


def read(files: Sequence[str]) -> Iterator[RawRecord]:
    """Yields the records of all files in order.

    Unlike iterating over a `tf.data` dataset, this does not initialize TensorFlow's eager context,
    which may take memory of a GPU.

    Raises:
        UserError: a file cannot be read, breaks off, or has records of another schema. It names the
            file, the record and its place.
    """
    with contextlib.closing(RecordParser()) as parser:
        for path in files:
            prefix = "" if len(files) == 1 else f"{path}, "
            whole_records = 0
            try:
                for image, label, comment in parser.parse(serialized_records(path)):
                    name = f"record {whole_records + 1}"
                    if comment:
                        name = f"{name}, {schema.text_of(comment)}"
                    yield RawRecord(f"{prefix}{name}", image, label, path)
                    whole_records += 1
            except (tf.errors.OpError, OSError, FramingError) as error:
                raise UserError(
                    f"{path} breaks off or is not a TFRecord file of aocr, after record "
                    f"{whole_records} ({first_line(error)}): make it again with 'aocr dataset'"
                ) from error
