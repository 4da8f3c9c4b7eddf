"""Adds up the metrics of a test and summarizes them, with their 95 % confidence intervals."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import NamedTuple

from aocr.evaluation.metrics import METRICS, IntervalKind, Metric, Result
from aocr.util.text.plurals import counted

Z = 1.959963984540054
"""Number of standard deviations around the mean that hold 95 % of a normal distribution."""

ROUNDING = 1e-10
"""A relative sum of squares below this is what rounding leaves of no variation."""


class Interval(NamedTuple):
    """Holds both ends of a confidence interval."""

    low: float
    high: float

    def clipped(self, low: float, high: float) -> Interval:
        """Returns the interval with both ends moved into the range from `low` to `high`."""
        return Interval(min(max(self.low, low), high), min(max(self.high, low), high))


def wilson(successes: float, trials: float) -> Interval | None:
    """Returns the score interval of a proportion (Wilson 1927), or None without a trial.

    It is accurate for few trials and for proportions near 0 and 1 too, where the normal
    approximation fails.
    """
    if not trials:
        return None
    share, weight = successes / trials, Z * Z / trials
    middle = (share + weight / 2) / (1 + weight)
    half = Z * math.sqrt(share * (1 - share) / trials + weight / (4 * trials)) / (1 + weight)
    # Rounding would miss 0 if no trial succeeds, and 1 if all succeed.
    low = middle - half if successes else 0.0
    high = middle + half if successes < trials else 1.0
    return Interval(low, high).clipped(0, 1)


class Ratio:
    """Adds up fractions to a ratio: the sum of numerators over the sum of denominators.

    An error rate is a ratio: edits over characters. A mean is one too: values over ones.

    Its variance is that of the ratio estimator of survey sampling, by the delta method. For a
    ratio `r` of `n` pairs `(y, x)` it is `n / (n - 1) * sum((y - r x)^2) / sum(x)^2`.
    """

    def __init__(self) -> None:
        self._count = 0
        self._y = self._x = self._yy = self._xy = self._xx = 0.0

    def add(self, numerator: float, denominator: float) -> None:
        """Adds one pair of a numerator and a denominator."""
        self._count += 1
        self._y += numerator
        self._x += denominator
        self._yy += numerator * numerator
        self._xy += numerator * denominator
        self._xx += denominator * denominator

    @property
    def value(self) -> float:
        """The ratio; NaN if the denominators add up to 0."""
        return self._y / self._x if self._x else math.nan

    def wilson_interval(self) -> Interval | None:
        """Returns Wilson's interval, for numerators of 0 or 1 and denominators of 1."""
        return wilson(self._y, self._x)

    def normal_interval(self) -> Interval | None:
        """Returns the interval of the normal approximation.

        Returns None for fewer than two pairs, or if the pairs do not vary.
        """
        if self._count < 2 or not self._x:
            return None
        ratio = self.value
        squares = self._yy - 2 * ratio * self._xy + ratio * ratio * self._xx
        # Infinite values make `squares` NaN, for which "not >" is true too.
        if not squares > ROUNDING * (self._yy + ratio * ratio * self._xx):
            return None
        half = Z * math.sqrt(self._count / (self._count - 1) * squares) / self._x
        return Interval(ratio - half, ratio + half)


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

    def text(self) -> str:
        """Returns the value with its unit, as the log shows it."""
        unit = self.metric.unit
        images = counted(self.images, "image")
        return unit.log.format(value=unit.factor * self.value, images=images)


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
