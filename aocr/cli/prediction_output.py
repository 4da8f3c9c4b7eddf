"""Formats the results of `aocr predict`: log lines, lines of TSV and lines of JSON."""

from __future__ import annotations

import logging

from aocr.report.json_lines import json_line, six_digits, with_probabilities
from aocr.serving.file_prediction import FilePrediction
from aocr.util.characters import escape


def log_prediction(prediction: FilePrediction) -> None:
    """Logs the text, or that the file cannot be read (docs/compatibility.md, "Log lines")."""
    if prediction.failure:
        logging.error("Result: error while opening file %s.", prediction.path)
        logging.error("%s: %s", prediction.path, prediction.failure)
    else:
        logging.info("Result: OK. %.2f %s", prediction.probability, prediction.text)


def tsv_line_of(prediction: FilePrediction, min_probability: float | None = None) -> str:
    """Returns path, text and probability, separated by tabs, as one line with its end.

    Control characters are escaped as in the file of `aocr test --predictions`.

    Args:
        prediction: what was read.
        min_probability: adds a column: `uncertain` for a text with a lower probability, else
            `ok`; None adds nothing.
    """
    path, text = escape(prediction.path), escape(prediction.text)
    mark = ""
    if min_probability is not None:
        mark = "\tuncertain" if is_uncertain(prediction, min_probability) else "\tok"
    return f"{path}\t{text}\t{prediction.probability:.6f}{mark}\n"


def json_line_of(prediction: FilePrediction, min_probability: float | None = None) -> str:
    """Returns the prediction as one line of JSON with its end.

    The object has the keys `path`, `text`, `probability` and `characters`, the last with the
    probability of each character unless a server does not tell them; or `path` and `error` for a
    file that cannot be read.

    Args:
        prediction: what was read.
        min_probability: adds the key `uncertain`: whether the probability is lower than this.
    """
    if prediction.failure:
        return json_line({"path": prediction.path, "error": prediction.failure})
    values: dict[str, object] = {
        "path": prediction.path,
        "text": prediction.text,
        "probability": six_digits(prediction.probability),
    }
    probabilities = prediction.character_probabilities
    if probabilities is not None:
        values["characters"] = with_probabilities(prediction.text, probabilities)
    if min_probability is not None:
        values["uncertain"] = is_uncertain(prediction, min_probability)
    return json_line(values)


def is_uncertain(prediction: FilePrediction, min_probability: float) -> bool:
    """Returns whether a text was read, but with a lower probability than asked for."""
    return not prediction.failure and not prediction.probability >= min_probability
