"""Adds up the metrics of a test and summarizes them."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import NamedTuple

from aocr.evaluation.confidence_intervals import Interval, Ratio
from aocr.evaluation.metrics import METRICS, IntervalKind, Metric
from aocr.evaluation.result import Result


class Measurement(NamedTuple):
    """Holds a metric, its value over all images, and its 95 % confidence interval.

    Attributes:
        metric: the row of `METRICS`.
        value: NaN if the metric means nothing for the images.
        interval: None if there are too few images, or if they do not vary.
        images: number of images that the value is computed from.
    """

    metric: Metric
    value: float
    interval: Interval | None
    images: int


class Summary(NamedTuple):
    """Summarizes a test.

    Attributes:
        images: number of images tested.
        exact: number of images read exactly.
        measurements: one for each row of `METRICS`, by its key, in the same order.
    """

    images: int
    exact: int
    measurements: Mapping[str, Measurement]

    @property
    def images_with_loss(self) -> int:
        """Number of images that can be decoded and have a label that the model can write."""
        return self.measurements["loss"].images

    def value(self, key: str) -> float:
        """Returns the value of a metric; NaN if it means nothing for the images."""
        return self.measurements[key].value

    def numbers(self) -> dict[str, float]:
        """Returns the counts and the values of all metrics, by their names in JSON."""
        values = {key: measurement.value for key, measurement in self.measurements.items()}
        counts = {"images": self.images, "exact": self.exact}
        return counts | values | {"images_with_loss": self.images_with_loss}

    def to_json(self) -> str:
        """Returns the numbers as one line of JSON, with null for NaN and infinity."""
        numbers = self.numbers().items()
        return json.dumps({name: n if math.isfinite(n) else None for name, n in numbers})


class MetricSum:
    """Adds up one metric over the images of a test.

    Args:
        metric: a row of `METRICS`.
    """

    def __init__(self, metric: Metric) -> None:
        self._metric = metric
        self._ratio = Ratio()
        self._images = 0
        self._applies = metric.applies is None

    def add(self, result: Result) -> None:
        """Adds one image."""
        fraction = self._metric.fraction(result)
        if fraction is not None:
            self._ratio.add(fraction.numerator, fraction.denominator)
            self._images += 1
        if self._metric.applies is not None:
            self._applies |= self._metric.applies(result)

    @property
    def value(self) -> float:
        """The metric of the images added so far; NaN if it means nothing for them."""
        if not self._applies:
            return math.nan
        return self._metric.transform(self._ratio.value)

    def measurement(self) -> Measurement:
        """Returns the metric of the images added so far, with its confidence interval."""
        return Measurement(self._metric, self.value, self._interval(), self._images)

    def _interval(self) -> Interval | None:
        """Returns the confidence interval, clipped to possible values and transformed."""
        if self._metric.interval is IntervalKind.WILSON:
            interval = self._ratio.wilson_interval()
        else:
            interval = self._ratio.normal_interval()
        if interval is None:
            return None
        low, high = interval.clipped(0, self._metric.maximum)
        return Interval(self._metric.transform(low), self._metric.transform(high))


class MetricSums:
    """Adds up all metrics over the images of a test."""

    def __init__(self) -> None:
        self._images = self._exact = 0
        self._sums = {metric.key: MetricSum(metric) for metric in METRICS}

    def add(self, result: Result) -> None:
        """Adds one image."""
        self._images += 1
        self._exact += result.exact
        for metric_sum in self._sums.values():
            metric_sum.add(result)

    def value(self, key: str) -> float:
        """Returns a metric of the images added so far; NaN if it means nothing for them."""
        return self._sums[key].value

    def summary(self) -> Summary:
        """Returns all metrics of the images added so far."""
        measurements = {key: metric_sum.measurement() for key, metric_sum in self._sums.items()}
        return Summary(self._images, self._exact, measurements)
