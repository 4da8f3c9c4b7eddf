"""Describes how counted values are distributed: quantiles and histograms."""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Mapping

import numpy as np

MAX_BINS = 8


@dataclasses.dataclass(frozen=True)
class HistogramBin:
    """Counts the values from `first` to `last`, both included."""

    first: float
    last: float
    count: int


@dataclasses.dataclass(frozen=True)
class Distribution:
    """Describes how values are distributed.

    Attributes:
        smallest: the smallest value.
        median: a value that at least half of the values do not exceed.
        largest: the largest value.
        bins: a histogram of at most `MAX_BINS` bins. If single values would need more bins, the
            width of the bins grows geometrically.
    """

    smallest: float
    median: float
    largest: float
    bins: list[HistogramBin]


def distribution_of(counts: Mapping[int, int]) -> Distribution | None:
    """Returns the distribution of counted values, or None if there are none.

    Args:
        counts: how often each value occurs.
    """
    if not counts:
        return None
    smallest, largest = min(counts), max(counts)
    bins = [
        HistogramBin(first, last, _count_between(counts, first, last))
        for first, last in _bin_ranges(smallest, largest)
    ]
    return Distribution(smallest, quantile(counts, 50), largest, bins)


def divide(distribution: Distribution | None, divisor: int) -> Distribution | None:
    """Returns a distribution with each value divided by a number."""
    if not distribution:
        return None
    return Distribution(
        distribution.smallest / divisor,
        distribution.median / divisor,
        distribution.largest / divisor,
        [HistogramBin(b.first / divisor, b.last / divisor, b.count) for b in distribution.bins],
    )


def quantile(counts: Mapping[int, int], percent: int) -> int:
    """Returns the smallest value that at least a percentage of the values do not exceed.

    Args:
        counts: how often each value occurs; at least one value.
        percent: a percentage from 0 to 100.
    """
    values = sorted(counts)
    at_most = np.cumsum([counts[value] for value in values])  # number of values up to each one
    rank = max(1, math.ceil(sum(counts.values()) * percent / 100))
    return values[int(np.searchsorted(at_most, rank))]


def _count_between(counts: Mapping[int, int], first: int, last: int) -> int:
    return sum(count for value, count in counts.items() if first <= value <= last)


def _bin_ranges(smallest: int, largest: int) -> list[tuple[int, int]]:
    """Returns the first and last value of each bin; together the bins hold all whole numbers."""
    if largest - smallest < MAX_BINS:
        return [(value, value) for value in range(smallest, largest + 1)]
    edges = np.geomspace(max(smallest, 1), largest + 1, MAX_BINS + 1).round().astype(int).tolist()
    starts = sorted({smallest, *edges[1:]})
    return [(first, after - 1) for first, after in itertools.pairwise(starts)]
