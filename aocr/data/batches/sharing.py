"""Divides the records of a dataset among processes that train together.

Each process reads files of its own where there are enough of them, of similar size. Of too few
files, all processes read all records, in the same order, and each decodes its part of every batch.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from aocr.config import Config
from aocr.data.augmentation.augment import NO_AUGMENTATION
from aocr.data.batches.pipeline import (
    DECODING_THREADS,
    TrainingBatch,
    augmented,
    prefetched,
    training_example,
    without_autograph,
)
from aocr.data.batches.shuffling import SHUFFLE_BUFFER, ShuffleOrder, shuffled, without

TOLERATED_EXCESS = 1.1
"""Files are divided if no process gets more bytes than this number times the mean."""

FILLING = -1
"""Index of a record that stands for an empty part of a batch. It has no weight in the update."""


class Share(NamedTuple):
    """Names a part of each batch.

    Attributes:
        number: of the part, from 0.
        parts: how many there are.
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
        sizes: of the files in bytes.
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


READ_AT_A_TIME = 16
"""Number of places of the dataset that records are read from at the same time, by turns. Together
with the shuffling it mixes the labels of a dataset that is sorted by label."""


class SharedRecords(NamedTuple):
    """Holds the records that a process reads, and its share of their batches.

    Attributes:
        files: TFRecord files.
        counts: their numbers of records.
        excluded: indices of records to leave out, from 0.
        widths: int32 `[R]`, the prepared width in pixels of each record's image.
        batch_size: number of records of a batch before it is shared.
        batches: number of batches of an epoch, of all processes. One with fewer batches adds some
            of a single record that does not count.
        share: the part of each batch that is decoded.
        seed_offset: added to the seed of the run.
    """

    files: Sequence[str]
    counts: Sequence[int]
    excluded: Sequence[int]
    widths: np.ndarray
    batch_size: int
    batches: int
    share: Share = WHOLE
    seed_offset: int = 0


class _Piece(NamedTuple):
    """Names neighbouring records of a file.

    Attributes:
        file: path of the file.
        skipped: number of records of the file before them.
        size: number of the records.
        first_index: index of the first of them in the dataset.
    """

    file: str
    skipped: int
    size: int
    first_index: int


def shared_batches(
    source: SharedRecords, config: Config, order: ShuffleOrder, augmentation: str = NO_AUGMENTATION
) -> tf.data.Dataset:
    """Yields a share of batches endlessly, epoch after epoch, each epoch in another order.

    Up to `SHUFFLE_BUFFER` records, the batches are those of `input_pipeline.training_batches`.

    Args:
        source: the records and the share.
        config: defines the sizes and the characters.
        order: the random seed and where to begin; the batch size is that of `source`.
        augmentation: `none`, or a name of `augmentation.STRENGTHS`.

    Returns:
        A dataset of `TrainingBatch`. The index of a record that does not count is `FILLING`.
    """
    pieces = _pieces(source)
    order = order._replace(batch_size=source.batch_size, seed=order.seed + source.seed_offset)

    @without_autograph
    def to_example(index: tf.Tensor, serialized: tf.Tensor) -> TrainingBatch:
        return training_example(index, serialized, config)

    @without_autograph
    def to_part(indices: tf.Tensor, serialized: tf.Tensor) -> tf.data.Dataset:
        part = part_of_batch(source.share, indices, serialized)
        examples = tf.data.Dataset.from_tensor_slices(part).map(to_example, DECODING_THREADS)
        return examples.batch(order.batch_size)

    @without_autograph
    def one_epoch(epoch: tf.Tensor) -> tf.data.Dataset:
        skipped = tf.where(tf.equal(epoch, order.first_epoch), order.skipped_batches, 0)
        included = without(source.excluded, _read(pieces, order.seed, epoch))
        encoded = shuffled(included, order.seed, epoch)
        if config.padding_counts:
            batches = encoded.batch(order.batch_size)
        else:
            batches = _bucketed(encoded, _buckets(source, config), order.batch_size)
        batches = batches.concatenate(_filling(included)).take(source.batches)
        parts = batches.skip(tf.cast(skipped, tf.int64)).flat_map(to_part)
        return augmented(parts, order.seed, epoch, augmentation)

    epochs = tf.data.Dataset.range(order.first_epoch, np.iinfo(np.int64).max)
    return prefetched(epochs.flat_map(one_epoch))


def _pieces(source: SharedRecords) -> list[_Piece]:
    """Divides the records into pieces to read from by turns; one a file if they are shuffled whole.

    A file is divided if there are fewer than `READ_AT_A_TIME`. Each of its pieces is reached by
    reading what comes before.
    """
    whole = sum(source.counts) <= SHUFFLE_BUFFER
    parts = 1 if whole else -(-READ_AT_A_TIME // len(source.files))
    pieces, first_index = [], 0
    for file, count in zip(source.files, source.counts, strict=True):
        bounds = [count * part // parts for part in range(parts + 1)]
        for begin, end in itertools.pairwise(bounds):
            if begin < end:
                pieces.append(_Piece(file, begin, end - begin, first_index + begin))
        first_index += count
    return pieces


def _read(pieces: Sequence[_Piece], seed: int, epoch: tf.Tensor) -> tf.data.Dataset:
    """Yields the index and the bytes of each record.

    Up to `SHUFFLE_BUFFER` records come in the order of the files. Of more, pieces are read by
    turns, in an order of the epoch's own.
    """
    columns = tuple(map(tf.constant, zip(*pieces, strict=True)))
    ordered = tf.data.Dataset.from_tensor_slices(
        (columns[0], *(tf.cast(column, tf.int64) for column in columns[1:]))
    )
    total = sum(piece.size for piece in pieces)
    if total > SHUFFLE_BUFFER:
        mixed = tf.random.stateless_uniform(
            [],
            tf.stack([tf.constant(seed, tf.int64), -1 - epoch]),
            maxval=2**31 - 1,
            dtype=tf.int64,
        )
        ordered = ordered.shuffle(len(pieces), mixed + 1)

    @without_autograph
    def records_of(
        file: tf.Tensor, skipped: tf.Tensor, count: tf.Tensor, first_index: tf.Tensor
    ) -> tf.data.Dataset:
        indices = tf.data.Dataset.range(first_index, first_index + count)
        return tf.data.Dataset.zip((indices, tf.data.TFRecordDataset(file).skip(skipped)))

    at_a_time = READ_AT_A_TIME if total > SHUFFLE_BUFFER else 1
    return ordered.interleave(records_of, cycle_length=min(at_a_time, len(pieces)))


def _buckets(source: SharedRecords, config: Config) -> tf.Tensor:
    """Returns the number of the bucket that each record's image belongs to, uint16 `[R]`."""
    return tf.constant(np.searchsorted(config.widths, source.widths).astype(np.uint16))


def _bucketed(encoded: tf.data.Dataset, buckets: tf.Tensor, batch_size: int) -> tf.data.Dataset:
    """Batches records whose images fit into the same bucket."""

    @without_autograph
    def bucket_of(index: tf.Tensor, serialized: tf.Tensor) -> tf.Tensor:
        del serialized
        return tf.cast(tf.gather(buckets, index), tf.int64)

    @without_autograph
    def batched(bucket: tf.Tensor, members: tf.data.Dataset) -> tf.data.Dataset:
        del bucket
        return members.batch(batch_size)

    return encoded.group_by_window(bucket_of, batched, batch_size)


def _filling(included: tf.data.Dataset) -> tf.data.Dataset:
    """Yields batches of one record that does not count, endlessly."""

    @without_autograph
    def not_counted(index: tf.Tensor, serialized: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        return tf.constant(FILLING, tf.int64, index.shape), serialized

    return included.take(1).map(not_counted).batch(1).repeat()
