"""TFRecords to batches, in the graph (tf.data)."""

from __future__ import annotations

import bisect
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from aocr.charset import EOS_ID, FIRST_CHARACTER_ID, PAD_ID
from aocr.config import IMAGE_HEIGHT, Config
from aocr.data import records
from aocr.data.preprocessing import prepare

SHUFFLE_BUFFER = 4096
"""Records that are shuffled among each other; bounds the memory of a large dataset."""

DECODING_THREADS = os.cpu_count() or 1
PREFETCHED_BATCHES = 2

as_written = tf.autograph.experimental.do_not_convert
"""For functions of a dataset: they are of TensorFlow's operations already, and translating them
takes longer than the rest of the graph."""


class TrainingBatch(NamedTuple):
    """A batch to train on.

    Attributes:
        images: float32 `[N, 32, W, C]`.
        widths: int32 `[N]`, of the images without padding.
        targets: int32 `[N, S]`, see `targets_of`.
        places: int64 `[N]`, of the records in the dataset, from 0.
        comments: string `[N]`, the images' paths, or empty.
    """

    images: tf.Tensor
    widths: tf.Tensor
    targets: tf.Tensor
    places: tf.Tensor
    comments: tf.Tensor


class Order(NamedTuple):
    """Which records a step is trained on: a function of these numbers.

    Attributes:
        batch_size: records a step.
        seed: of the shuffling; each pass over the records has its own order.
        first_epoch: the pass to begin with, from 0.
        skipped: batches of that pass to leave out.
    """

    batch_size: int
    seed: int = 0
    first_epoch: int = 0
    skipped: int = 0


class EvaluationBatch(NamedTuple):
    """A batch in dataset order.

    Attributes:
        place: int64 `[N]`, of the record in the dataset, from 0.
        images: float32 `[N, 32, W, C]`; of an image that cannot be decoded, zeros.
        widths: int32 `[N]`, of the images without padding; of one that cannot be decoded, 0.
        targets: int32 `[N, S]`; all padding for a label that the model cannot transcribe.
        labels: string `[N]`.
        comments: string `[N]`, the image's path, or empty.
        encoded: string `[N]`, the image files.
    """

    place: tf.Tensor
    images: tf.Tensor
    widths: tf.Tensor
    targets: tf.Tensor
    labels: tf.Tensor
    comments: tf.Tensor
    encoded: tf.Tensor


def training_batches(
    paths: list[str], config: Config, rejected: Sequence[int], order: Order
) -> tf.data.Dataset:
    """Endless passes over the usable records, each shuffled anew; its last batch may be smaller.

    With `config.bucket_widths`, images that fill the same bucket are batched together, and the
    last batch of each bucket may be smaller.

    Args:
        paths: TFRecord files, read in this order.
        config: sizes and characters.
        rejected: places of records to leave out (see `survey`).
        order: seed and beginning.
    """

    @as_written
    def to_example(place: tf.Tensor, serialized: tf.Tensor) -> TrainingBatch:
        record = records.parse(serialized)
        pixels, width = prepare(record.image, config)
        targets = targets_of(record.label, config)
        return TrainingBatch(pixels, width, targets, place, record.comment)

    bad = tf.constant(np.array(rejected, np.int64))

    @as_written
    def is_usable(place: tf.Tensor, serialized: tf.Tensor) -> tf.Tensor:
        del serialized
        return tf.reduce_all(tf.not_equal(place, bad))

    usable = tf.data.TFRecordDataset(paths).enumerate().filter(is_usable)

    @as_written
    def one_pass(epoch: tf.Tensor) -> tf.data.Dataset:
        skipped = tf.where(tf.equal(epoch, order.first_epoch), order.skipped, 0)
        skipped = tf.cast(skipped, tf.int64)
        shuffled = usable.shuffle(SHUFFLE_BUFFER, _seed_of_pass(order.seed, epoch))
        if config.padding_counts:
            examples = shuffled.skip(skipped * order.batch_size).map(to_example, DECODING_THREADS)
            return examples.batch(order.batch_size)
        examples = shuffled.map(to_example, DECODING_THREADS)
        return _bucketed(examples, config.widths, order.batch_size).skip(skipped)

    epochs = tf.data.Dataset.range(order.first_epoch, np.iinfo(np.int64).max)
    return without_autotuning(epochs.flat_map(one_pass).prefetch(PREFETCHED_BATCHES))


def _bucketed(examples: tf.data.Dataset, widths: Sequence[int], batch_size: int) -> tf.data.Dataset:
    """Batches of images that the same of the widths holds."""

    @as_written
    def bucket_of(example: TrainingBatch) -> tf.Tensor:
        bucket = tf.searchsorted(tf.constant(widths), example.widths[tf.newaxis])[0]
        return tf.cast(bucket, tf.int64)

    @as_written
    def batched(bucket: tf.Tensor, members: tf.data.Dataset) -> tf.data.Dataset:
        del bucket
        return members.batch(batch_size)

    return examples.group_by_window(bucket_of, batched, batch_size)


def batches_a_pass(records: Mapping[int, int], widths: Sequence[int], batch_size: int) -> int:
    """Batches of one pass over the records.

    Args:
        records: how many there are of each prepared width.
        widths: of the buckets, rising.
        batch_size: records a batch.
    """
    buckets: Counter[int] = Counter()
    for width, count in records.items():
        buckets[bisect.bisect_left(widths, width)] += count
    return sum(-(-count // batch_size) for count in buckets.values())


def _seed_of_pass(seed: int, epoch: tf.Tensor) -> tf.Tensor:
    """int64 scalar; two runs whose seeds are neighbours share no pass."""
    mixed = tf.random.stateless_uniform(
        [], tf.stack([tf.constant(seed, tf.int64), epoch]), maxval=2**31 - 1, dtype=tf.int64
    )
    return mixed + 1  # 0 would mean a seed of chance


def evaluation_batches(
    paths: list[str],
    config: Config,
    undecodable: Sequence[int],
    batch_size: int,
) -> tf.data.Dataset:
    """Every record once, in the dataset's order.

    Args:
        paths: TFRecord files, read in this order.
        config: sizes and characters.
        undecodable: places of records whose image cannot be decoded (see `survey`).
        batch_size: N.
    """
    bad = tf.constant(np.array(undecodable, np.int64))
    blank = tf.zeros([IMAGE_HEIGHT, config.image_width, config.channels])

    @as_written
    def to_example(place: tf.Tensor, serialized: tf.Tensor) -> EvaluationBatch:
        record = records.parse(serialized)
        pixels, width = tf.cond(
            tf.reduce_any(tf.equal(place, bad)),
            lambda: (blank, 0),
            lambda: tuple(prepare(record.image, config)),
        )
        return EvaluationBatch(
            place=place,
            images=pixels,
            widths=width,
            targets=targets_of(record.label, config),
            labels=record.label,
            comments=record.comment,
            encoded=record.image,
        )

    dataset = (
        tf.data.TFRecordDataset(paths)
        .enumerate()
        .map(to_example, num_parallel_calls=DECODING_THREADS)
        .batch(batch_size)
        .prefetch(PREFETCHED_BATCHES)
    )
    return without_autotuning(dataset)


def without_autotuning(dataset: tf.data.Dataset) -> tf.data.Dataset:
    """The same dataset without tf.data's tuning thread.

    With it, the end of an iterator was seen to stall, for up to a minute at the end of a pass;
    without it never.
    """
    options = tf.data.Options()
    options.autotune.enabled = False
    return dataset.with_options(options)


def targets_of(label: tf.Tensor, config: Config) -> tf.Tensor:
    """A label's symbols: int32 `[S]`, the characters, EOS, then padding.

    All padding, which weighs nothing in the loss, for a label that is longer than
    `max_prediction` or holds a character that the model lacks.

    Args:
        label: string scalar, UTF-8 or Latin-1.
        config: gives `characters`, `max_prediction` and `decoder_steps` (S).
    """
    ids = _ids_of(records.code_points_of(label), config.characters)
    spellable = tf.reduce_all(tf.not_equal(ids, PAD_ID)) & (tf.size(ids) <= config.max_prediction)
    symbols = tf.concat([ids[: config.max_prediction], [EOS_ID]], axis=0)
    symbols = tf.where(spellable, symbols, PAD_ID)
    padded = tf.pad(symbols, [[0, config.decoder_steps - tf.size(symbols)]])
    return tf.ensure_shape(padded, [config.decoder_steps])


def _ids_of(code_points: tf.Tensor, characters: str) -> tf.Tensor:
    """Ids of int32 code points `[L]`, by binary search; `PAD_ID` for an unknown one."""
    known = np.array([ord(c) for c in characters], np.int32)
    order = np.argsort(known).astype(np.int32)
    ordered = tf.constant(known[order])
    place = tf.minimum(tf.searchsorted(ordered, code_points), len(known) - 1)
    found = tf.equal(tf.gather(ordered, place), code_points)
    return tf.where(found, tf.gather(tf.constant(order), place) + FIRST_CHARACTER_ID, PAD_ID)
