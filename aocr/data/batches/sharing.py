"""Divides the records of a dataset among processes that train together.

Each process reads files of its own where there are enough of them, of similar size. Of too few
files, all processes read all records, in the same order, and each decodes its part of every batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import tensorflow as tf

TOLERATED_EXCESS = 1.1
"""Files are divided if no process gets more bytes than this number times the mean."""

FILLING = -1
"""Index of a record that stands for an empty part of a batch. It has no weight in the update."""


class Share(NamedTuple):
    """Names a part of each batch.

    Attributes:
        number: index of the part, from 0.
        parts: number of parts.
    """

    number: int
    parts: int

    def bounds(self, size: Any) -> tuple[Any, Any]:
        """Returns where this part of a batch begins and ends; parts differ by at most one record.

        Args:
            size: number of records of the batch, an int or an integer tensor.
        """
        return self.number * size // self.parts, (self.number + 1) * size // self.parts


WHOLE = Share(0, 1)
"""All of each batch."""


def part_of_batch(share: Share, indices: tf.Tensor, *values: tf.Tensor) -> tuple[tf.Tensor, ...]:
    """Returns a part of a batch, at least one record: an empty part has one that does not count.

    Args:
        share: the part.
        indices: int64 `[N]`, positions of the records in the dataset.
        values: tensors `[N, ...]`.

    Returns:
        The indices, `FILLING` for a record that does not count, and the values.
    """
    size = tf.size(indices)
    begin, end = share.bounds(size)
    is_empty = tf.equal(begin, end)
    begin = tf.minimum(begin, size - 1)
    end = tf.maximum(end, begin + 1)
    kept = tf.where(is_empty, tf.constant(FILLING, tf.int64), indices[begin:end])
    return kept, *(value[begin:end] for value in values)


def divide_files(sizes: Sequence[int], count: int) -> list[list[int]] | None:
    """Divides files among processes.

    Args:
        sizes: sizes of the files in bytes.
        count: number of processes.

    Returns:
        The indices of the files of each process, in increasing order; None if they cannot be
        divided evenly.
    """
    parts: list[list[int]] = [[] for _ in range(count)]
    totals = [0] * count
    for size, index in sorted((-size, index) for index, size in enumerate(sizes)):
        least = totals.index(min(totals))
        parts[least].append(index)
        totals[least] -= size
    if not min(totals) or max(totals) * count > TOLERATED_EXCESS * sum(totals):
        return None
    return [sorted(part) for part in parts]
