"""Draws values that have weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Generic, NamedTuple, TypeVar

import numpy as np

Value = TypeVar("Value")


class Weighted(NamedTuple, Generic[Value]):
    """Holds values with their probabilities.

    Attributes:
        values: at least one.
        cumulative: float64 `[N]`, the probability of each value and those before it.
    """

    values: Sequence[Value]
    cumulative: np.ndarray

    def draw(self, rng: np.random.Generator) -> Value:
        """Returns a random value."""
        return self.at(rng.random())

    def at(self, position: float) -> Value:
        """Returns the value at a position from 0 to 1 of the cumulated probability."""
        index = int(np.searchsorted(self.cumulative, position, side="right"))
        return self.values[min(index, len(self.values) - 1)]


def weighted(values: Sequence[Value], weights: np.ndarray | Sequence[float]) -> Weighted[Value]:
    """Returns values with probabilities in proportion to their weights, not all of them 0."""
    sums = np.cumsum(np.asarray(weights, np.float64))
    return Weighted(values, sums / sums[-1])


def weighted_counts(counts: Mapping[int, int]) -> Weighted[int]:
    """Returns counted values in increasing order."""
    values = sorted(counts)
    return weighted(values, [counts[value] for value in values])


def position_of(values: Weighted[int], value: int, within: float) -> float:
    """Returns a position at which `values.at` gives a value, or its neighbour if it is not there.

    Args:
        values: numbers in increasing order.
        value: a number.
        within: from 0 to 1, the part of the value's own probability to go up to.
    """
    index = min(int(np.searchsorted(np.asarray(values.values), value)), len(values.values) - 1)
    before = float(values.cumulative[index - 1]) if index else 0.0
    return before + within * (float(values.cumulative[index]) - before)
