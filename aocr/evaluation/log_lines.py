"""Logs each tested image and the summary (docs/compatibility.md, "Log lines")."""

from __future__ import annotations

import logging
import math

from aocr.evaluation.metric_sums import Measurement, Summary
from aocr.evaluation.metrics import perplexity
from aocr.evaluation.result import Result
from aocr.util.text.plurals import counted


def log_result(result: Result, accuracy: float, mean_accuracy: float) -> None:
    """Logs the line of one image, which programs parse.

    Args:
        result: the image.
        accuracy: accuracy of this image, from 0 to 1.
        mean_accuracy: mean accuracy of all images up to this one.
    """
    texts = f"({result.label})"
    if accuracy < 1:
        texts = f"({result.prediction} vs {result.label}) {result.comment}".rstrip()
    line = (
        f"Step {result.place + 1} ({result.seconds:.3f}s). Accuracy: {mean_accuracy:6.2%}, "
        f"loss: {result.loss:f}, perplexity: {perplexity_text(perplexity(result.loss))}, "
        f"probability: {result.probability:6.2%} {accuracy:>4.0%} {texts}"
    )
    logging.info("%s", line)


def perplexity_text(value: float) -> str:
    """Returns six digits, padded with zeros to seven characters, as 0.7.6 prints a perplexity.

    A number with an exponent, infinity and NaN are not padded.
    """
    text = f"{value:.6}"
    return text if "e" in text or "n" in text else f"{text:0<7}"


def log_summary(summary: Summary) -> None:
    """Logs the counts of images and a line for each metric."""
    images = counted(summary.images, "image")
    logging.info("Tested %s: %i read exactly.", images, summary.exact)
    for measurement in summary.measurements.values():
        if measurement.metric.applies is None or not math.isnan(measurement.value):
            logging.info("%s: %s", measurement.metric.title, value_text(measurement))


def value_text(measurement: Measurement) -> str:
    """Returns the value of a metric with its unit."""
    unit = measurement.metric.unit
    images = counted(measurement.images, "image")
    return unit.log.format(value=unit.factor * measurement.value, images=images)
