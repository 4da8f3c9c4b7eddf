"""Do probabilities mean what they say? Reliability by bins, calibration error, Brier score."""

from __future__ import annotations

import bisect
import math
from typing import NamedTuple

BINS = 10
EDGES = [number / BINS for number in range(BINS + 1)]


class Bin(NamedTuple):
    """The readings whose probability is above `low` and at most `high`; the first bin holds 0 too.

    Attributes:
        readings: how many.
        correct: how many of them are right.
        probability: their mean one; NaN without a reading.
    """

    low: float
    high: float
    readings: int
    correct: int
    probability: float

    @property
    def accuracy(self) -> float:
        """Share that is right; NaN without a reading."""
        return self.correct / self.readings if self.readings else math.nan


class Calibration:
    """Running sums over readings, in bins of equal width (Guo et al. 2017)."""

    def __init__(self) -> None:
        self._counts, self._correct = [0] * BINS, [0] * BINS
        self._probabilities = [0.0] * BINS
        self._squares = 0.0

    def add(self, probability: float, correct: bool) -> None:
        """Counts one reading.

        Args:
            probability: from 0 to 1, that the model gave it.
            correct: whether it is right.
        """
        place = bisect.bisect_left(EDGES, probability, 1, BINS) - 1
        self._counts[place] += 1
        self._correct[place] += correct
        self._probabilities[place] += probability
        self._squares += (probability - correct) ** 2

    @property
    def count(self) -> int:
        """How many readings."""
        return sum(self._counts)

    @property
    def bins(self) -> list[Bin]:
        """All of them, from low to high."""
        sums = zip(self._counts, self._correct, self._probabilities, strict=True)
        return [
            Bin(EDGES[n], EDGES[n + 1], count, correct, total / count if count else math.nan)
            for n, (count, correct, total) in enumerate(sums)
        ]

    @property
    def expected_error(self) -> float:
        """Mean over the readings of |accuracy - mean probability| of their bin (ECE)."""
        gaps = [b.readings * abs(b.accuracy - b.probability) for b in self.bins if b.readings]
        return sum(gaps) / self.count if gaps else math.nan

    @property
    def brier(self) -> float:
        """Mean of (probability - 1 or 0)^2 (Brier 1950); NaN without a reading."""
        return self._squares / self.count if self.count else math.nan
