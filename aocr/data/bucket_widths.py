"""Chooses the widths that batches are padded to, from the widths of a dataset's images."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Mapping

from aocr.config import COLUMN_WIDTH

MAX_BUCKETS = 4
"""Number of widths, the full width included: each costs partial batches at the end of an epoch."""

MIN_SHARE = 0.1
"""Smallest share of the records that a bucket is made for."""


def choose_bucket_widths(records_by_width: Mapping[int, float], full_width: int) -> tuple[int, ...]:
    """Returns the bucket widths that leave the least padding, without the full width.

    Args:
        records_by_width: number of records, or their share of a mixture, by the prepared width of
            their images, in pixels.
        full_width: width in pixels that the widest images are padded to.

    Returns:
        At most `MAX_BUCKETS - 1` multiples of `COLUMN_WIDTH` below the full width, in increasing
        order. Each bucket, and the rest at the full width, holds `MIN_SHARE` of the records or
        more; no bucket pays if there is none.
    """
    counts = _by_column_width(records_by_width, full_width)
    widths = sorted(counts)
    before = [0, *itertools.accumulate(counts[width] for width in widths)]
    least = MIN_SHARE * before[-1]
    # cheapest[i]: columns of the records of the first i widths, and the widths of their buckets.
    cheapest: dict[int, tuple[float, tuple[int, ...]]] = {0: (0, ())}
    best = before[-1] * full_width, ()  # type: tuple[float, tuple[int, ...]]
    for _ in range(MAX_BUCKETS - 1):
        longer: dict[int, tuple[float, tuple[int, ...]]] = {}
        for start, (cost, chosen) in cheapest.items():
            for end in range(start + 1, len(widths)):
                size = before[end] - before[start]
                if size < least or before[-1] - before[end] < least:
                    continue
                candidate = cost + size * widths[end - 1], (*chosen, widths[end - 1])
                longer[end] = min(longer.get(end, candidate), candidate)
        for end, (cost, chosen) in longer.items():
            best = min(best, (cost + (before[-1] - before[end]) * full_width, chosen))
        cheapest = longer
    return best[1]


def _by_column_width(records_by_width: Mapping[int, float], full_width: int) -> dict[int, float]:
    """Counts records by the width rounded up to whole columns, at most the full width."""
    counts: defaultdict[int, float] = defaultdict(int)
    for width, count in records_by_width.items():
        counts[min(-(-width // COLUMN_WIDTH) * COLUMN_WIDTH, full_width)] += count
    return counts
