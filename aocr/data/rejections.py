"""What was left out of a dataset and why: a log line and a TSV row each, and counts."""

from __future__ import annotations

import collections
import logging
from typing import NamedTuple

import tensorflow as tf

from aocr.util.characters import escape, shorten
from aocr.util.errors import UserError

HEADER = "line\tpath\tlabel\treason\n"


class Rejection(NamedTuple):
    """Why a line gives no pair.

    Attributes:
        reason: what is counted: the same words for the same problem.
        value: the offending path, label or line.
        detail: what else is known, or empty.
    """

    reason: str
    value: str
    detail: str = ""


class Row(NamedTuple):
    """One line of the annotations; `rejection` says why it cannot be used, else it is None."""

    number: int
    path: str
    label: str
    rejection: Rejection | None = None


class Rejects:
    """Names each reject as it comes.

    Args:
        source: how the log names the annotations, up to the line's number.
        path: TSV file; created with the first reject.
        strict: the first reject is an error.
    """

    def __init__(self, source: str, path: str, strict: bool) -> None:
        self.counts: collections.Counter[str] = collections.Counter()
        self._source, self._path, self._strict = source, path, strict
        self._file: tf.io.gfile.GFile | None = None

    def add(self, row: Row, rejection: Rejection) -> None:
        """Logs, writes and counts one.

        Raises:
            UserError: it is the first one, and they are not tolerated.
        """
        detail = f" ({rejection.detail})" if rejection.detail else ""
        value = escape(shorten(rejection.value))
        message = f"{self._source} {row.number}: {rejection.reason}: {value}{escape(detail)}"
        if self._strict:
            raise UserError(f"{message}; nothing is written, because of --strict")
        logging.error("%s", message)
        columns = (str(row.number), row.path, row.label, f"{rejection.reason}{detail}")
        self._write("\t".join(map(escape, columns)) + "\n")
        self.counts[rejection.reason] += 1

    def close(self) -> None:
        """Closes the file, if there was a reject."""
        if self._file:
            self._file.close()

    def _write(self, line: str) -> None:
        if not self._file:
            self._file = tf.io.gfile.GFile(self._path, "wb")
            self._file.write(HEADER.encode())
        self._file.write(line.encode())
