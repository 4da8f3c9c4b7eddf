"""Reports the annotations that are left out of a dataset: in the log, in a TSV file, as counts."""

from __future__ import annotations

import collections
import logging
from collections.abc import Iterator

import tensorflow as tf

from aocr.data.building.missing_files import NO_FOLDER
from aocr.data.images.files import NO_SUCH_FILE
from aocr.data.sources.annotations import Annotation, Rejection, Source
from aocr.util.errors import UserError, first_line
from aocr.util.text.characters import escape, shorten, visible_text
from aocr.util.text.plurals import counted

HEADER = "line\tpath\tlabel\treason\n"
COLUMNS = len(HEADER.split("\t"))

MAX_LOGGED = 10
"""Number of missing files that the log names: they mostly have one cause. The list has them all."""


class RejectionLog:
    """Logs, lists and counts rejected annotations.

    Args:
        source: the annotations and their unit, as they are named in the log before the number.
        path: TSV file for the list; it is created with the first rejection.
        strict: treat the first rejection as an error.

    Attributes:
        counts: number of rejections by reason.
    """

    def __init__(self, source: str, path: str, strict: bool) -> None:
        self.counts: collections.Counter[str] = collections.Counter()
        self._causes: collections.Counter[str] = collections.Counter()
        self._source, self._path, self._strict = source, path, strict
        self._file: tf.io.gfile.GFile | None = None

    def add(self, annotation: Annotation, rejection: Rejection) -> None:
        """Logs, lists and counts a rejected annotation.

        Raises:
            UserError: rejections are errors (`strict`).
        """
        detail = f" ({rejection.detail})" if rejection.detail else ""
        value = visible_text(escape(shorten(rejection.value)))
        place = annotation.place or f"{self._source} {annotation.number}"
        message = f"{place}: {rejection.reason}: {value}{escape(detail)}"
        if self._strict:
            cause = f"; {rejection.cause}" if rejection.cause else ""
            raise UserError(f"{message}{cause}; nothing is written, because of --strict")
        if rejection.reason != NO_SUCH_FILE or self.counts[NO_SUCH_FILE] < MAX_LOGGED:
            logging.error("%s", message)
        if rejection.cause:
            self._causes[rejection.cause] += 1
        reason = f"{rejection.reason}{detail}"
        columns = (str(annotation.number), annotation.path, annotation.label, reason)
        self._write("\t".join(map(escape, columns)) + "\n")
        self.counts[rejection.reason] += 1

    def log_causes(self, source: Source) -> None:
        """Logs how many missing files were not named, and each cause of rejections once."""
        if (more := self.counts[NO_SUCH_FILE] - MAX_LOGGED) > 0:
            logging.error("%s: %s more: no such file.", source.path, counted(more, source.unit))
        for cause, count in self._causes.most_common():
            if cause == NO_FOLDER and count == 1:  # its line says enough
                continue
            logging.error("%s: %s: %s.", source.path, counted(count, source.unit), cause)

    def close(self) -> None:
        """Closes the TSV file, if there is one."""
        if self._file:
            self._file.close()

    def _write(self, line: str) -> None:
        if not self._file:
            self._file = tf.io.gfile.GFile(self._path, "wb")
            self._file.write(HEADER.encode())
        self._file.write(line.encode())


def read_rejections(path: str) -> Iterator[tuple[int, str]]:
    """Yields the number and the reason, without its detail, of each annotation in a TSV file.

    Args:
        path: a file that `RejectionLog` wrote, local or remote.

    Raises:
        UserError: it cannot be read, or something else wrote it.
    """
    try:
        with tf.io.gfile.GFile(path, "rb") as file:
            lines = (line.decode("utf-8", "replace") for line in file)
            if next(lines, "") != HEADER:
                raise _not_a_list(path, 1)
            for place, line in enumerate(lines, start=2):
                number, *others = line.rstrip("\n").split("\t")
                if len(others) != COLUMNS - 1 or not number.isdecimal():
                    raise _not_a_list(path, place)
                yield int(number), others[-1].partition(" (")[0]
    except tf.errors.OpError as error:
        raise UserError(f"cannot read {path}: {first_line(error)}") from error


def _not_a_list(path: str, line: int) -> UserError:
    return UserError(
        f"{path}, line {line}: 'aocr dataset' writes its list of rejected annotations otherwise: "
        "move this file to another folder"
    )
