"""95 % confidence intervals, from running sums."""

from __future__ import annotations

import math
from typing import NamedTuple

Z = 1.959963984540054
"""The normal distribution has 95 % of its mass within so many standard deviations."""


class Interval(NamedTuple):
    """Both ends."""

    low: float
    high: float

    def within(self, low: float, high: float) -> Interval:
        """The part of it between two values."""
        return Interval(min(max(self.low, low), high), min(max(self.high, low), high))


def wilson(successes: float, trials: int) -> Interval | None:
    """The score interval of a proportion (Wilson 1927); None without a trial.

    It holds also for few trials and for proportions near 0 and 1, where the normal approximation
    fails.
    """
    if not trials:
        return None
    share, weight = successes / trials, Z * Z / trials
    middle = (share + weight / 2) / (1 + weight)
    half = Z * math.sqrt(share * (1 - share) / trials + weight / (4 * trials)) / (1 + weight)
    # exactly 0 and 1 where all or none succeed, which rounding misses
    low = middle - half if successes else 0.0
    high = middle + half if successes < trials else 1.0
    return Interval(low, high).within(0, 1)


class Ratio:
    """The sum of numerators over the sum of denominators, as of edits over characters.

    Its variance is that of the ratio estimator of survey sampling, by the delta method: with `r`
    the ratio, `n` the number of pairs `(y, x)`, it is `n / (n - 1) sum((y - r x)^2) / sum(x)^2`.
    """

    def __init__(self) -> None:
        self._count = 0
        self._y = self._x = self._yy = self._xy = self._xx = 0.0

    def add(self, numerator: float, denominator: float) -> None:
        """Counts one pair."""
        self._count += 1
        self._y += numerator
        self._x += denominator
        self._yy += numerator * numerator
        self._xy += numerator * denominator
        self._xx += denominator * denominator

    def interval(self) -> Interval | None:
        """By the normal approximation; None for fewer than two pairs, or pairs that do not vary."""
        if self._count < 2 or not self._x:
            return None
        ratio = self._y / self._x
        squares = self._yy - 2 * ratio * self._xy + ratio * ratio * self._xx
        # no more than what the subtractions leave of no variation at all, or not a number
        if not squares > 1e-10 * (self._yy + ratio * ratio * self._xx):
            return None
        half = Z * math.sqrt(self._count / (self._count - 1) * squares) / self._x
        return Interval(ratio - half, ratio + half)


class Mean:
    """The mean of values: a ratio whose denominators are all 1."""

    def __init__(self) -> None:
        self._ratio = Ratio()

    def add(self, value: float) -> None:
        """Counts one value."""
        self._ratio.add(value, 1)

    def interval(self) -> Interval | None:
        """By the normal approximation; None for fewer than two values, or all the same."""
        return self._ratio.interval()
