"""Computes 95 % confidence intervals from running sums."""

from __future__ import annotations

import math
from typing import NamedTuple

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
