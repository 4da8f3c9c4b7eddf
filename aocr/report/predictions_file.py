"""`aocr test --predictions`: a row an image, as TSV or as JSON Lines."""

from __future__ import annotations

import contextlib
import json
import math
import os
from collections.abc import Callable, Iterator, Sequence

import tensorflow as tf

from aocr.evaluation.metrics import edit_distance
from aocr.evaluation.result import Result
from aocr.util.characters import escape
from aocr.util.errors import UserError, first_line
from aocr.util.files import replacing

HEADER = "number\tpath\tlabel\tprediction\tprobability\tcorrect\tedit_distance\tloss\n"
COLUMNS = HEADER.split()


@contextlib.contextmanager
def writing(path: str) -> Iterator[Callable[[Result], None]]:
    r"""Takes images one by one; the file appears under its name at the end of the block.

    TSV has a header, `correct` as 1 or 0, and nothing for a loss that there is not; quotes mean
    nothing in it, and what would break a row stands as `\t`, `\n`, `\x00` and the like. JSON Lines
    have the columns as keys, the texts as they are, `correct` as a boolean, null for a loss that
    there is not, and `characters` (see `characters_of`). Both are UTF-8.

    Args:
        path: ends in `.tsv` or `.jsonl`; local or not.

    Raises:
        UserError: another suffix, or the file cannot be written.
    """
    header, row_of = _form(path)
    with _told(path):
        if tf.io.gfile.exists(path) and tf.io.gfile.isdir(path):
            raise UserError(f"--predictions={path} is a folder: name a file")
    with replacing([path]) as (temporary,):
        file = tf.io.gfile.GFile(temporary, "wb")
        with _told(path):
            file.write(header.encode())

        def add(tested: Result) -> None:
            with _told(path):
                file.write(row_of(tested).encode())

        try:
            yield add
        finally:
            with _told(path):
                file.close()


def characters_of(text: str, probabilities: Sequence[float]) -> list[dict[str, object]]:
    """`{"character": "A", "probability": 0.99}` for each character of a text, for JSON."""
    pairs = zip(text, probabilities, strict=True)
    return [{"character": c, "probability": six_digits(p)} for c, p in pairs]


def six_digits(value: float) -> float | None:
    """As many digits as float32, in which the model counts, is sure of; None for NaN, infinity."""
    return float(f"{value:.6g}") if math.isfinite(value) else None


def json_line(facts: dict[str, object]) -> str:
    r"""An object on a line, its end included; a path's bytes that are not UTF-8 as `\udcff`."""
    text = json.dumps(facts, ensure_ascii=False)
    return text.encode("utf-8", "backslashreplace").decode() + "\n"


@contextlib.contextmanager
def _told(path: str) -> Iterator[None]:
    """TensorFlow's errors in the block as one about the file."""
    try:
        yield
    except tf.errors.OpError as error:
        reason = first_line(error)
        raise UserError(f"cannot write --predictions={path}: {reason}") from error


def _form(path: str) -> tuple[str, Callable[[Result], str]]:
    """The header and the way to write a row that a file's suffix asks for."""
    suffix = os.path.splitext(path)[1]
    if suffix == ".tsv":
        return HEADER, _tsv_row
    if suffix == ".jsonl":
        return "", _json_row
    raise UserError(f"--predictions={path}: its name must end in .tsv or .jsonl, not {suffix!r}")


def _facts(tested: Result) -> list:
    """The values of the columns."""
    return [
        tested.place + 1,
        tested.comment,
        tested.label,
        tested.prediction,
        six_digits(tested.probability),
        tested.prediction == tested.label,
        edit_distance(tested.prediction, tested.label),
        six_digits(tested.loss),
    ]


def _tsv_row(tested: Result) -> str:
    """None as nothing, booleans as 1 and 0."""
    cells = ("" if fact is None else fact for fact in _facts(tested))
    cells = (int(cell) if isinstance(cell, bool) else cell for cell in cells)
    return "\t".join(escape(str(cell)) for cell in cells) + "\n"


def _json_row(tested: Result) -> str:
    characters = characters_of(tested.prediction, tested.character_probabilities)
    return json_line(dict(zip(COLUMNS, _facts(tested), strict=True)) | {"characters": characters})
