"""Reads TFRecords as batches, in the graph (tf.data)."""

from __future__ import annotations

import bisect
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from aocr.config import IMAGE_HEIGHT, Config
from aocr.data.augmentation.augment import NO_AUGMENTATION, augment_batch
from aocr.data.batches.shuffling import ShuffleOrder, contains, shuffled, without
from aocr.data.images.preprocessing import Prepared, prepare
from aocr.data.labels import encode_label
from aocr.data.records import schema

DECODING_THREADS = os.cpu_count() or 1
PREFETCHED_BATCHES = 2

without_autograph = tf.autograph.experimental.do_not_convert
"""For functions that tf.data calls. They need no conversion, and converting them takes longer than
building the rest of the graph."""


class TrainingBatch(NamedTuple):
    """Holds a batch to train on.

    Attributes:
        images: float32 `[N, 32, W, C]`.
        widths: int32 `[N]`, widths of the images without padding, in pixels.
        targets: int32 `[N, S]`, see `targets.encode_label`.
        record_indices: int64 `[N]`, positions of the records in the dataset, from 0.
        comments: string `[N]`, paths of the images, or empty.
    """

    images: tf.Tensor
    widths: tf.Tensor
    targets: tf.Tensor
    record_indices: tf.Tensor
    comments: tf.Tensor


class EvaluationBatch(NamedTuple):
    """Holds a batch in the order of the dataset.

    Attributes:
        record_indices: int64 `[N]`, positions of the records in the dataset, from 0.
        images: float32 `[N, 32, W, C]`; zeros for an image that cannot be decoded.
        widths: int32 `[N]`, widths of the images without padding, in pixels; 0 for an image that
            cannot be decoded.
        targets: int32 `[N, S]`; padding only for a label that exceeds the model's limits.
        labels: string `[N]`.
        comments: string `[N]`, paths of the images, or empty.
        encoded: string `[N]`, image files.
    """

    record_indices: tf.Tensor
    images: tf.Tensor
    widths: tf.Tensor
    targets: tf.Tensor
    labels: tf.Tensor
    comments: tf.Tensor
    encoded: tf.Tensor


def training_batches(
    files: list[str],
    config: Config,
    excluded: Sequence[int],
    order: ShuffleOrder,
    augmentation: str = NO_AUGMENTATION,
) -> tf.data.Dataset:
    """Yields batches endlessly, epoch after epoch, each epoch in another order.

    The last batch of an epoch may be smaller. With `config.bucket_widths`, a batch holds images of
    one bucket, and the last batch of each bucket may be smaller.

    Args:
        files: TFRecord files, read in this order.
        config: defines the sizes and the characters.
        excluded: indices of records to leave out (see `dataset_scan.DatasetScan.untrainable`).
        order: the batch size, the random seed and where to begin.
        augmentation: `none`, or a name of `augmentation.STRENGTHS`.

    Returns:
        A dataset of `TrainingBatch`.
    """

    @without_autograph
    def to_example(index: tf.Tensor, serialized: tf.Tensor) -> TrainingBatch:
        return training_example(index, serialized, config)

    included = without(excluded, tf.data.TFRecordDataset(files).enumerate())

    @without_autograph
    def one_epoch(epoch: tf.Tensor) -> tf.data.Dataset:
        skipped = tf.where(tf.equal(epoch, order.first_epoch), order.skipped_batches, 0)
        skipped = tf.cast(skipped, tf.int64)
        records_in_order = shuffled(included, order.seed, epoch)
        if config.padding_counts:
            rest = records_in_order.skip(skipped * order.batch_size)
            batches = rest.map(to_example, DECODING_THREADS).batch(order.batch_size)
        else:
            examples = records_in_order.map(to_example, DECODING_THREADS)
            batches = _bucketed(examples, config.widths, order.batch_size).skip(skipped)
        return augmented(batches, order.seed, epoch, augmentation)

    epochs = tf.data.Dataset.range(order.first_epoch, np.iinfo(np.int64).max)
    return prefetched(epochs.flat_map(one_epoch))


def augmented(
    batches: tf.data.Dataset, seed: int, epoch: tf.Tensor, augmentation: str
) -> tf.data.Dataset:
    """Varies the images of each batch.

    Args:
        batches: `TrainingBatch`es of one epoch.
        seed: of the run.
        epoch: int64 scalar.
        augmentation: `none`, or a name of `augmentation.STRENGTHS`.
    """
    if augmentation == NO_AUGMENTATION:
        return batches

    @without_autograph
    def vary(batch: TrainingBatch) -> TrainingBatch:
        return augment_batch(batch, seed, epoch, augmentation)

    return batches.map(vary, DECODING_THREADS)


def training_example(index: tf.Tensor, serialized: tf.Tensor, config: Config) -> TrainingBatch:
    """Decodes one record; the parts of the result lack the axis `N`.

    Args:
        index: int64 scalar, position of the record in the dataset, from 0.
        serialized: string scalar.
        config: defines the sizes and the characters.
    """
    record = schema.parse(serialized)
    pixels, width = prepare(record.image, config)
    targets = encode_label(record.label, config)
    return TrainingBatch(pixels, width, targets, index, record.comment)


def _bucketed(examples: tf.data.Dataset, widths: Sequence[int], batch_size: int) -> tf.data.Dataset:
    """Batches images that fit into the same bucket; `widths` are those of the buckets."""

    @without_autograph
    def bucket_of(example: TrainingBatch) -> tf.Tensor:
        bucket = tf.searchsorted(tf.constant(widths), example.widths[tf.newaxis])[0]
        return tf.cast(bucket, tf.int64)

    @without_autograph
    def batched(bucket: tf.Tensor, members: tf.data.Dataset) -> tf.data.Dataset:
        del bucket
        return members.batch(batch_size)

    return examples.group_by_window(bucket_of, batched, batch_size)


def batches_per_epoch(
    records_by_width: Mapping[int, int], widths: Sequence[int], batch_size: int
) -> int:
    """Returns the number of batches in an epoch of `training_batches`.

    Args:
        records_by_width: number of records by the prepared width of their images, in pixels.
        widths: those of the buckets, in increasing order, in pixels.
        batch_size: number of records per batch.
    """
    buckets: Counter[int] = Counter()
    for width, count in records_by_width.items():
        buckets[bisect.bisect_left(widths, width)] += count
    return sum(-(-count // batch_size) for count in buckets.values())


def evaluation_batches(
    files: list[str], config: Config, undecodable: Sequence[int], batch_size: int
) -> tf.data.Dataset:
    """Yields every record once, in the order of the dataset.

    Args:
        files: TFRecord files, read in this order.
        config: defines the sizes and the characters.
        undecodable: indices of records whose image cannot be decoded (see `dataset_scan.scan`).
        batch_size: N.

    Returns:
        A dataset of `EvaluationBatch`.
    """
    undecodable_indices = tf.constant(np.array(undecodable, np.int64))

    @without_autograph
    def to_example(index: tf.Tensor, serialized: tf.Tensor) -> EvaluationBatch:
        record = schema.parse(serialized)
        is_undecodable = contains(undecodable_indices, index)
        pixels, width = _blank_or_prepared(is_undecodable, record.image, config)
        return EvaluationBatch(
            record_indices=index,
            images=pixels,
            widths=width,
            targets=encode_label(record.label, config),
            labels=record.label,
            comments=record.comment,
            encoded=record.image,
        )

    dataset = (
        tf.data.TFRecordDataset(files)
        .enumerate()
        .map(to_example, num_parallel_calls=DECODING_THREADS)
        .batch(batch_size)
    )
    return prefetched(dataset)


def _blank_or_prepared(blank: tf.Tensor, encoded: tf.Tensor, config: Config) -> Prepared:
    """Prepares an image, or returns zeros with a width of 0 if `blank` (bool scalar) is true."""
    zeros = tf.zeros([IMAGE_HEIGHT, config.image_width, config.channels])
    pixels, width = tf.cond(blank, lambda: (zeros, 0), lambda: tuple(prepare(encoded, config)))
    return Prepared(pixels, width)


def prefetched(batches: tf.data.Dataset) -> tf.data.Dataset:
    """Prepares the next batches while one is used, without tf.data's tuning thread.

    With that thread, the end of an iterator sometimes stalled for up to a minute.
    """
    options = tf.data.Options()
    options.autotune.enabled = False
    return batches.prefetch(PREFETCHED_BATCHES).with_options(options)
