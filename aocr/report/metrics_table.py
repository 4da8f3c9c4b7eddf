"""Formats the metrics of a test, with their confidence intervals, for the HTML report."""

from __future__ import annotations

import math
from typing import NamedTuple

from aocr.evaluation.metric_sums import Measurement, Summary
from aocr.util.text.plurals import counted


class MetricRow(NamedTuple):
    """Holds the texts of one row of the table; the interval is empty if there is none."""

    title: str
    value: str
    interval: str


def metric_rows(summary: Summary) -> list[MetricRow]:
    """Returns a row for each metric; metrics that are NaN are left out."""
    return [
        _row(measurement, summary.images)
        for measurement in summary.measurements.values()
        if not math.isnan(measurement.value)
    ]


def _row(measurement: Measurement, images: int) -> MetricRow:
    """Returns the row of a metric.

    Args:
        measurement: the metric.
        images: number of images tested; the title says if fewer have this metric.
    """
    metric, unit = measurement.metric, measurement.metric.unit
    title = metric.title
    if measurement.images < images:
        title += f", of {counted(measurement.images, 'image')}"
    value = unit.report.format(unit.factor * measurement.value) + unit.symbol
    if measurement.interval is None:
        return MetricRow(title, value, "")
    ends = (unit.report.format(unit.factor * end) for end in measurement.interval)
    return MetricRow(title, value, " to ".join(ends) + unit.symbol)
