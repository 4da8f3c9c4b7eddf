"""Formats the results of `aocr predict`: log lines, lines of TSV and lines of JSON."""

from __future__ import annotations

import logging

from aocr.data.decoder_complaints import warning_text
from aocr.model.postprocessing import Reading
from aocr.model.search.text_search import inexact_text
from aocr.report.predictions_file import (
    json_line,
    readings_of,
    six_digits,
    with_probabilities,
)
from aocr.serving.predictor import FilePrediction
from aocr.util.characters import escape


def log_prediction(prediction: FilePrediction) -> None:
    """Logs the text, or that the file cannot be read (docs/compatibility.md, "Log lines").

    A complaint of the decoder comes before it.
    """
    if prediction.complaint:
        logging.warning("%s", warning_text(prediction.path, prediction.complaint))
    if prediction.failure:
        logging.error("Result: error while opening file %s.", prediction.path)
        logging.error("%s: %s", prediction.path, prediction.failure)
    else:
        logging.info("Result: OK. %.2f %s", prediction.probability, prediction.text)


def tsv_line_of(prediction: FilePrediction) -> str:
    """Returns path, text and probability, separated by tabs, as one line with its end.

    Further readings follow, each with its probability. Control characters are escaped as in the
    file of `aocr test --predictions`.
    """
    first = Reading(prediction.text, prediction.probability)
    readings = [first, *prediction.readings[1:]]
    cells = [f"\t{escape(text)}\t{probability:.6f}" for text, probability in readings]
    return escape(prediction.path) + "".join(cells) + "\n"


def json_line_of(prediction: FilePrediction) -> str:
    """Returns the prediction as one line of JSON with its end.

    The object has the keys `path`, `text`, `probability` and `characters`, the last with the
    probability of each character; or `path` and `error` for a file that cannot be read. After a
    search it also has `readings`, the most probable texts, and `exact`.
    """
    if prediction.failure:
        return json_line({"path": prediction.path, "error": prediction.failure})
    return json_line(
        {
            "path": prediction.path,
            "text": prediction.text,
            "probability": six_digits(prediction.probability),
            "characters": with_probabilities(prediction.text, prediction.character_probabilities),
            **readings_of(prediction.readings, prediction.is_exact),
        }
    )


def log_inexact(count: int, images: int) -> None:
    """Logs how many readings may not be the most probable texts."""
    logging.warning("%s", inexact_text(count, images))
