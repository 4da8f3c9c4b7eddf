"""Measures calibration: whether predictions are correct as often as their probabilities say."""

from __future__ import annotations

import bisect
import itertools
import math
from typing import NamedTuple

BINS = 10
EDGES = [number / BINS for number in range(BINS + 1)]


class Bin(NamedTuple):
    """Summarizes the predictions whose probability lies in a range.

    Attributes:
        low: lower end of the range, excluded except in the first bin, which includes 0.
        high: upper end of the range, included.
        predictions: number of predictions.
        correct: number of predictions that are correct.
        mean_probability: NaN without a prediction.
    """

    low: float
    high: float
    predictions: int
    correct: int
    mean_probability: float

    @property
    def accuracy(self) -> float:
        """Share of the predictions that are correct; NaN without a prediction."""
        return self.correct / self.predictions if self.predictions else math.nan


class Calibration:
    """Adds up predictions in bins of equal width (Guo et al. 2017)."""

    def __init__(self) -> None:
        self._counts, self._correct = [0] * BINS, [0] * BINS
        self._probabilities = [0.0] * BINS
        self._squares = 0.0

    def add(self, probability: float, correct: bool) -> None:
        """Adds one prediction.

        Args:
            probability: probability of the prediction, from 0 to 1.
            correct: whether the prediction is correct.
        """
        index = bisect.bisect_left(EDGES, probability, 1, BINS) - 1
        self._counts[index] += 1
        self._correct[index] += correct
        self._probabilities[index] += probability
        self._squares += (probability - correct) ** 2

    @property
    def count(self) -> int:
        """Number of predictions."""
        return sum(self._counts)

    @property
    def bins(self) -> list[Bin]:
        """All bins, from low to high probabilities."""
        ranges = itertools.pairwise(EDGES)
        sums = zip(self._counts, self._correct, self._probabilities, strict=True)
        return [
            Bin(low, high, count, correct, total / count if count else math.nan)
            for (low, high), (count, correct, total) in zip(ranges, sums, strict=True)
        ]

    @property
    def expected_error(self) -> float:
        """Expected calibration error (ECE): the mean of |accuracy - mean probability| of the bins.

        Each bin is weighted by its number of predictions. NaN without a prediction.
        """
        gaps = [
            filled.predictions * abs(filled.accuracy - filled.mean_probability)
            for filled in self.bins
            if filled.predictions
        ]
        return sum(gaps) / self.count if gaps else math.nan

    @property
    def brier(self) -> float:
        """Brier score: the mean of (probability - 1 if correct else 0)^2 (Brier 1950).

        NaN without a prediction.
        """
        return self._squares / self.count if self.count else math.nan
