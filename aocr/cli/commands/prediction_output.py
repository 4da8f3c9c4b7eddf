"""Formats the results of `aocr predict`: log lines, lines of TSV and lines of JSON."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from aocr.data.images.decoder_complaints import warning_text
from aocr.data.images.files import NO_SUCH_FILE
from aocr.model.readings import Reading, inexact_text
from aocr.report.json_lines import json_line, readings_of, six_digits, with_probabilities
from aocr.util.terminal.log import DETAIL
from aocr.util.text.characters import escape, escape_name
from aocr.util.text.plurals import counted

if TYPE_CHECKING:
    from aocr.util.paths.alike import AlikeFinder


def hints() -> Callable[[str], str]:
    """Returns `AlikeFinder.hint` of a finder that is made, and imported, when it is needed."""

    @functools.cache
    def finder() -> AlikeFinder:
        from aocr.util.paths.alike import AlikeFinder

        return AlikeFinder()

    return lambda path: finder().hint(path)


def log_prediction(path: str, reading: Reading, hint: Callable[[str], str] | None = None) -> None:
    """Logs the text, or that the file cannot be read (docs/compatibility.md, "Log lines").

    A complaint of the decoder comes before it. Of a file that is not there, one of almost its name
    is named that `hint` tells.
    """
    if reading.complaint:
        logging.warning("%s", warning_text(path, reading.complaint))
    if reading.failure:
        logging.error("Result: error while opening file %s.", path)
        there = hint(path) if hint and reading.failure == NO_SUCH_FILE else ""
        logging.error("%s: %s%s", path, reading.failure, there)
    else:
        logging.info("Result: OK. %.2f %s", reading.probability, reading.text, extra=DETAIL)


def tsv_line_of(path: str, reading: Reading, min_probability: float | None = None) -> str:
    """Returns path, text and probability, separated by tabs, as one line with its end.

    Further readings follow, each with its probability. Control characters are escaped as in the
    file of `aocr test --predictions`.

    Args:
        path: the path of the image file, as it was given.
        reading: what was read.
        min_probability: the number for a column before further readings: `uncertain` for a text
            with a lower probability, else `ok`; None for no such column.
    """
    cells = _text_cells(reading.text, reading.probability)
    if min_probability is not None:
        cells.append("uncertain" if is_uncertain(reading, min_probability) else "ok")
    for text, probability in reading.readings[1:]:
        cells += _text_cells(text, probability)
    return "\t".join([escape_name(path), *map(escape, cells)]) + "\n"


def _text_cells(text: str, probability: float) -> list[str]:
    return [text, f"{probability:.6f}"]


def json_line_of(path: str, reading: Reading, min_probability: float | None = None) -> str:
    """Returns the prediction as one line of JSON with its end.

    The object has the keys `path`, `text`, `probability` and `characters`, the last with the
    probability of each character unless a server does not tell them; or `path` and `error` for a
    file that cannot be read. After a search it also has `readings`, the most probable texts, and
    `exact`.

    Args:
        path: the path of the image file, as it was given.
        reading: what was read.
        min_probability: the number for the key `uncertain`: whether the probability is lower.
    """
    if reading.failure:
        return json_line({"path": path, "error": reading.failure})
    values: dict[str, object] = {
        "path": path,
        "text": reading.text,
        "probability": six_digits(reading.probability),
    }
    probabilities = reading.character_probabilities
    if probabilities is not None:
        values["characters"] = with_probabilities(reading.text, probabilities)
    if min_probability is not None:
        values["uncertain"] = is_uncertain(reading, min_probability)
    return json_line(values | readings_of(reading.readings, reading.is_exact))


def is_uncertain(reading: Reading, min_probability: float) -> bool:
    """Returns whether a text was read, but with a lower probability than asked for."""
    return not reading.failure and not reading.probability >= min_probability


def log_uncertain(min_probability: float, uncertain: int, texts: int) -> None:
    """Logs how many texts have a lower probability than asked for."""
    logging.info(
        "Below --min-probability=%g: %i of %s.", min_probability, uncertain, counted(texts, "text")
    )


def log_inexact(count: int, images: int) -> None:
    """Logs how many readings may not be the most probable texts."""
    logging.warning("%s", inexact_text(count, images))


def log_share(shards: int, shard_index: int, images: int, failed: int) -> None:
    """Logs how many images a shard has, and how many of them could not be read."""
    name = f"{shard_index:05}-of-{shards:05}"
    logging.info("Shard %s: %s, %i not read.", name, counted(images, "image"), failed)
