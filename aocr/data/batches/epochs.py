"""Reads TFRecords as training batches, in the graph (tf.data).

An epoch's records are read, those to leave out are dropped, the others are shuffled and batched by
the widths of their images. A process that shares its batches with others takes its part of each.
Only then are images decoded and varied. `mixing.Mixture` has an order of its own, and shares the
rest.
"""

from __future__ import annotations

import bisect
import itertools
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

import numpy as np
import tensorflow as tf

from aocr.config import Config
from aocr.data.augmentation.augment import NO_AUGMENTATION, Identity, augment
from aocr.data.batches.common import DECODING_THREADS, prefetched, without, without_autograph
from aocr.data.batches.sharing import FILLING, WHOLE, Share, part_of_batch
from aocr.data.images.preprocessing import prepare
from aocr.data.labels import encode_label
from aocr.data.records import schema

SHUFFLE_BUFFER = 4096
"""Number of records that are shuffled at a time, which bounds the memory for a large dataset."""

READ_AT_A_TIME = 16
"""Number of places of a dataset that processes of a cluster read from at the same time, by turns.
Together with the shuffling it mixes the labels of a dataset that is sorted by label."""


class TrainingBatch(NamedTuple):
    """Holds a batch to train on.

    Attributes:
        images: float32 `[N, 32, W, C]`.
        widths: int32 `[N]`, widths of the images without padding, in pixels.
        targets: int32 `[N, S]`, see `labels.encode_label`.
        record_indices: int64 `[N]`, positions of the records in the dataset, from 0.
        comments: string `[N]`, paths of the images, or empty.
    """

    images: tf.Tensor
    widths: tf.Tensor
    targets: tf.Tensor
    record_indices: tf.Tensor
    comments: tf.Tensor


class ShuffleOrder(NamedTuple):
    """Determines, with the records, which of them each training step gets.

    Attributes:
        seed: random seed of the shuffling; each epoch has another order.
        first_epoch: epoch to begin with, from 0.
        skipped_batches: number of batches of that epoch to leave out.
    """

    seed: int = 0
    first_epoch: int = 0
    skipped_batches: int = 0


class Draws(NamedTuple):
    """Holds records in the order of training: scalars, or a batch `[N]`.

    Attributes:
        index: int64, position of the record in the dataset, from 0; `FILLING` for one that does
            not count.
        serialized: string, the record.
        reading: int64, how often the dataset was read to its end before.
    """

    index: tf.Tensor
    serialized: tf.Tensor
    reading: tf.Tensor


class Source(Protocol):
    """Names what a process trains on: `Records`, or `mixing.Mixture`."""

    @property
    def batch_size(self) -> int:
        """Number of records of a batch, before it is shared."""

    @property
    def share(self) -> Share:
        """The part of each batch that is decoded."""

    @property
    def seed_offset(self) -> int:
        """Number to add to the seed of the run."""

    def batches(self, config: Config, order: ShuffleOrder) -> tf.data.Dataset:
        """Yields whole batches endlessly, still encoded: `Draws` of `[N]`."""


class Records(NamedTuple):
    """Holds the records that a process trains on, and its share of their batches.

    Attributes:
        files: TFRecord files.
        counts: their numbers of records.
        excluded: indices of records to leave out, from 0, in increasing order.
        widths: int32 `[R]`, the prepared width in pixels of each record's image.
        batch_size: number of records of a batch before it is shared.
        share: the part of each batch that is decoded.
        batches_per_epoch: number of batches of an epoch, of all processes. One with fewer batches
            adds some of a single record that does not count. None for those of the records.
        seed_offset: number to add to the seed of the run.
        read_at_a_time: number of places to read from by turns, if there are too many records to
            shuffle them as a whole.
    """

    files: Sequence[str]
    counts: Sequence[int]
    excluded: Sequence[int]
    widths: np.ndarray
    batch_size: int
    share: Share = WHOLE
    batches_per_epoch: int | None = None
    seed_offset: int = 0
    read_at_a_time: int = 1

    @property
    def used(self) -> int:
        """Number of records that are not left out."""
        return len(self.widths) - len(self.excluded)

    def batches(self, config: Config, order: ShuffleOrder) -> tf.data.Dataset:
        """Yields batches endlessly, epoch after epoch, each epoch in another order.

        The last batch of an epoch may be smaller. With `config.bucket_widths`, a batch holds images
        of one bucket, and the last batch of each bucket may be smaller.
        """
        seed, buckets = order.seed + self.seed_offset, tf.constant(buckets_of(self.widths, config))

        @without_autograph
        def one_epoch(epoch: tf.Tensor) -> tf.data.Dataset:
            skipped = tf.where(tf.equal(epoch, order.first_epoch), order.skipped_batches, 0)
            draws = one_reading(self, seed, epoch)
            if config.padding_counts:
                batches = draws.batch(self.batch_size)
            else:
                batches = _bucketed(draws, buckets, self.batch_size)
            if self.batches_per_epoch is not None:
                filling = _filling(_included(self, seed, epoch))
                batches = batches.concatenate(filling).take(self.batches_per_epoch)
            return batches.skip(tf.cast(skipped, tf.int64))

        epochs = tf.data.Dataset.range(order.first_epoch, np.iinfo(np.int64).max)
        return epochs.flat_map(one_epoch)


def training_batches(
    source: Source, config: Config, order: ShuffleOrder, augmentation: str = NO_AUGMENTATION
) -> tf.data.Dataset:
    """Yields a process's part of batches endlessly, epoch after epoch.

    Args:
        source: the records and the share.
        config: the config, for the sizes and the characters.
        order: the random seed and where to begin.
        augmentation: `none`, or a name of `augmentation.STRENGTHS`.

    Returns:
        A dataset of `TrainingBatch`.
    """

    @without_autograph
    def to_example(
        index: tf.Tensor, serialized: tf.Tensor, reading: tf.Tensor
    ) -> tuple[TrainingBatch, tf.Tensor]:
        record = schema.parse(serialized)
        pixels, width = prepare(record.image, config)
        targets = encode_label(record.label, config)
        return TrainingBatch(pixels, width, targets, index, record.comment), reading

    @without_autograph
    def to_part(draws: Draws) -> tf.data.Dataset:
        part = tf.data.Dataset.from_tensor_slices(part_of_batch(source.share, *draws))
        return part.map(to_example, DECODING_THREADS).batch(source.batch_size)

    @without_autograph
    def vary(batch: TrainingBatch, readings: tf.Tensor) -> TrainingBatch:
        if augmentation == NO_AUGMENTATION:
            return batch
        identity = Identity(order.seed + source.seed_offset, readings, batch.record_indices)
        return batch._replace(images=augment(batch.images, batch.widths, identity, augmentation))

    threads = None if augmentation == NO_AUGMENTATION else DECODING_THREADS
    return prefetched(source.batches(config, order).flat_map(to_part).map(vary, threads))


def one_reading(records: Records, seed: int, reading: tf.Tensor) -> tf.data.Dataset:
    """Reads all records but those to leave out, shuffled.

    Args:
        records: the records.
        seed: random seed; adjacent ones have no reading in common.
        reading: int64 scalar, how often the records were read before.

    Returns:
        A dataset of `Draws` of scalars.
    """
    return _included(records, seed, reading).shuffle(SHUFFLE_BUFFER, _mixed(seed, reading))


def _included(records: Records, seed: int, reading: tf.Tensor) -> tf.data.Dataset:
    @without_autograph
    def to_draw(index: tf.Tensor, serialized: tf.Tensor) -> Draws:
        return Draws(index, serialized, reading)

    everything = _read(records, _mixed(seed, -1 - reading))
    return without(records.excluded, everything).map(to_draw)


def _mixed(seed: int, reading: tf.Tensor) -> tf.Tensor:
    """Returns a seed from those of the run and of a reading, which is not 0: "choose at random"."""
    pair = tf.stack([tf.constant(seed, tf.int64), reading])
    return 1 + tf.random.stateless_uniform([], pair, maxval=2**31 - 1, dtype=tf.int64)


def _read(records: Records, seed: tf.Tensor) -> tf.data.Dataset:
    """Yields the index and the bytes of each record.

    Up to `SHUFFLE_BUFFER` records come in the order of the files. Of more, places in the files are
    read by turns, in random order, if `records` says so.
    """
    turns = records.read_at_a_time if sum(records.counts) > SHUFFLE_BUFFER else 1
    pieces = _pieces(records, -(-turns // len(records.files)))
    files, *numbers = zip(*pieces, strict=True)
    columns = tf.constant(files), *(tf.constant(each, tf.int64) for each in numbers)
    ordered = tf.data.Dataset.from_tensor_slices(columns)
    if turns > 1:
        ordered = ordered.shuffle(len(pieces), seed)

    @without_autograph
    def records_of(
        file: tf.Tensor, skipped: tf.Tensor, count: tf.Tensor, first_index: tf.Tensor
    ) -> tf.data.Dataset:
        indices = tf.data.Dataset.range(first_index, first_index + count)
        return tf.data.Dataset.zip((indices, tf.data.TFRecordDataset(file).skip(skipped)))

    return ordered.interleave(records_of, cycle_length=min(turns, len(pieces)))


def _pieces(records: Records, parts: int) -> list[tuple[str, int, int, int]]:
    """Divides each file into parts. Each is reached by reading what comes before.

    Returns:
        The file, the number of its records before the part, that of the part, and the index of the
        first of them in the dataset.
    """
    pieces, first_index = [], 0
    for file, count in zip(records.files, records.counts, strict=True):
        bounds = [count * part // parts for part in range(parts + 1)]
        for begin, end in itertools.pairwise(bounds):
            if begin < end:
                pieces.append((file, begin, end - begin, first_index + begin))
        first_index += count
    return pieces


def buckets_of(widths: np.ndarray, config: Config) -> np.ndarray:
    """Returns the number of the bucket that each record's image belongs to, uint16 `[R]`.

    Args:
        widths: int32 `[R]`, prepared widths in pixels.
        config: the config, for the widths of the buckets.
    """
    return np.searchsorted(np.array(config.widths, np.int32), widths).astype(np.uint16)


def _bucketed(draws: tf.data.Dataset, buckets: tf.Tensor, batch_size: int) -> tf.data.Dataset:
    """Batches records whose images fit into the same bucket; `buckets` has that of each record."""

    @without_autograph
    def bucket_of(draw: Draws) -> tf.Tensor:
        return tf.cast(tf.gather(buckets, draw.index), tf.int64)

    @without_autograph
    def batched(_: tf.Tensor, members: tf.data.Dataset) -> tf.data.Dataset:
        return members.batch(batch_size)

    return draws.group_by_window(bucket_of, batched, batch_size)


def _filling(included: tf.data.Dataset) -> tf.data.Dataset:
    """Yields batches of one record that does not count, endlessly."""

    @without_autograph
    def not_counted(draw: Draws) -> Draws:
        return draw._replace(index=tf.constant(FILLING, tf.int64))

    return included.take(1).map(not_counted).batch(1).repeat()


def batches_per_epoch(
    records_by_width: Mapping[int, int], widths: Sequence[int], batch_size: int
) -> int:
    """Returns the number of batches in an epoch of `Records`.

    Args:
        records_by_width: number of records by the prepared width of their images, in pixels.
        widths: widths of the buckets, in increasing order, in pixels.
        batch_size: number of records of a batch.
    """
    buckets: Counter[int] = Counter()
    for width, count in records_by_width.items():
        buckets[bisect.bisect_left(widths, width)] += count
    return sum(-(-count // batch_size) for count in buckets.values())
