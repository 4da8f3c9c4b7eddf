"""Writes the file of `aocr test --predictions`: a row for each image, as TSV or JSON Lines."""

from __future__ import annotations

import contextlib
import functools
import os
from collections.abc import Callable, Iterator
from typing import NamedTuple

from aocr.evaluation.metrics import Result
from aocr.report.json_lines import json_line, readings_of, six_digits, with_probabilities
from aocr.util.errors import UserError
from aocr.util.paths.files import open_row_file
from aocr.util.text.characters import escape

HEADER = "number\tpath\tlabel\tprediction\tprobability\tcorrect\tedit_distance\tloss\n"
COLUMNS = HEADER.split()


class Format(NamedTuple):
    """Defines how a file is written: its header, and a function from a result to a row."""

    header: str
    row: Callable[[Result], str]


@contextlib.contextmanager
def open_predictions_file(path: str, readings: int = 1) -> Iterator[Callable[[Result], None]]:
    r"""Yields a function that adds the row of an image. Files are UTF-8.

    A TSV file has a header, `correct` as 1 or 0, and an empty cell for a missing loss. Quotes
    have no meaning in it. Characters that would break a row are escaped: `\t`, `\n`, `\x00`.
    Further readings of a search are at the end, `reading_2`, `probability_2` and so on; they are
    empty where there are fewer.

    A JSON Lines file has the columns as keys, texts without these escapes, `correct` as a boolean,
    null for a missing loss, `characters` (see `with_probabilities`), and after a search those of
    `readings_of`.

    The file appears under its name at the end of the block, complete.

    Args:
        path: the file, which ends in `.tsv` or `.jsonl`; local or remote.
        readings: readings of each image.

    Raises:
        UserError: the suffix is another one, or the file cannot be written.
    """
    file_format = _format_of(path, readings)
    with open_row_file("--predictions", path) as add_row:
        add_row(file_format.header)
        yield lambda result: add_row(file_format.row(result))


def _format_of(path: str, readings: int) -> Format:
    """Returns the format that the suffix of a file asks for, for some readings of each image."""
    suffix = os.path.splitext(path)[1]
    if suffix == ".tsv":
        more = [f"\treading_{n}\tprobability_{n}" for n in range(2, readings + 1)]
        header = HEADER.rstrip("\n") + "".join(more) + "\n"
        return Format(header, functools.partial(_tsv_row, readings))
    if suffix == ".jsonl":
        return Format("", _json_row)
    raise UserError(f"--predictions={path}: its name must end in .tsv or .jsonl, not {suffix!r}")


def _values(result: Result) -> list:
    """Returns the values of the columns."""
    return [
        result.place + 1,
        result.comment,
        result.label,
        result.prediction,
        six_digits(result.probability),
        result.exact,
        result.edit_distance,
        six_digits(result.loss),
    ]


def _tsv_row(readings: int, result: Result) -> str:
    """Returns a line with None as an empty cell, and booleans as 1 and 0."""
    more = [value for text, p in result.readings[1:readings] for value in (text, six_digits(p))]
    more += [None] * (2 * (readings - 1) - len(more))
    cells = ("" if value is None else value for value in [*_values(result), *more])
    cells = (int(cell) if isinstance(cell, bool) else cell for cell in cells)
    return "\t".join(escape(str(cell)) for cell in cells) + "\n"


def _json_row(result: Result) -> str:
    """Returns a JSON object with the columns and the probability of each character."""
    values = dict(zip(COLUMNS, _values(result), strict=True))
    characters = with_probabilities(result.prediction, result.character_probabilities)
    readings = readings_of(result.readings, result.is_exact)
    return json_line(values | {"characters": characters} | readings)
