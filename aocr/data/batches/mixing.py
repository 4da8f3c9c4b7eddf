"""Reads a mixture of datasets as training batches, in the graph (tf.data): `--mix`.

Datasets but the first are read on from epoch to epoch; whenever all of their records were drawn,
they are shuffled anew. Images of similar width are batched together within pools of at most
`POOL_SIZE` records. Every epoch therefore has the same number of batches, whichever records it
draws, and a run can resume from a step without the steps before it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from aocr.config import Config
from aocr.data.augmentation.augment import NO_AUGMENTATION, augment_batch
from aocr.data.batches.pipeline import (
    DECODING_THREADS,
    TrainingBatch,
    prefetched,
    training_example,
    without_autograph,
)
from aocr.data.batches.sharing import WHOLE, Share, part_of_batch
from aocr.data.batches.shuffling import SHUFFLE_BUFFER, ShuffleOrder, shuffled, without
from aocr.util.errors import UserError

MAX_DRAWS = 2**31 - 1
"""Largest number of draws of an epoch: products of two of them fit into int64."""


class MixedDataset(NamedTuple):
    """Holds one dataset of a mixture.

    Attributes:
        files: TFRecord files, read in this order.
        excluded: indices of its records to leave out, from 0.
        widths: int32 `[R]`, the prepared width in pixels of each record's image.
        draws: number of records that an epoch draws.
    """

    files: list[str]
    excluded: list[int]
    widths: np.ndarray
    draws: int

    @property
    def used(self) -> int:
        """Number of records that are not left out."""
        return len(self.widths) - len(self.excluded)


class Mixture(NamedTuple):
    """Holds the datasets of a mixture; indices of records count through all of them."""

    datasets: tuple[MixedDataset, ...]

    @property
    def draws(self) -> list[int]:
        """Numbers of records that an epoch draws from each dataset."""
        return [each.draws for each in self.datasets]

    def batches_per_epoch(self, batch_size: int) -> int:
        """Returns the number of batches in an epoch; the last may be smaller."""
        return -(-sum(self.draws) // batch_size)


def draws_per_epoch(used: Sequence[int], weights: Sequence[float]) -> list[int]:
    """Returns the numbers of records that an epoch draws from each dataset, at least 1.

    Args:
        used: numbers of records of the datasets.
        weights: their shares of the draws, in any unit.

    Raises:
        UserError: the numbers are too large.
    """
    others = [max(1.0, used[0] * (weight / weights[0])) for weight in weights[1:]]
    total = used[0] + sum(others)
    if not math.isfinite(total) or total > MAX_DRAWS - len(weights):
        raise UserError(
            f"--mix: with these weights, an epoch would draw {total:.3g} records, because it draws "
            "each record of the first dataset once: give weights that differ less, or name the "
            "dataset with the largest weight for its size first"
        )
    return [used[0], *map(round, others)]


def draws_before(slot: Any, draws: Sequence[int]) -> list[Any]:
    """Returns how many of the first draws of an epoch go to each dataset.

    These numbers are in the proportion of `draws`, rounded to whole records, for every slot: with
    two datasets they are off by less than 1, with K by less than K - 1.

    Args:
        slot: number of draws of the epoch so far: an int, or an int64 tensor or array.
        draws: numbers of records that an epoch draws from each dataset.
    """
    counts = []
    for number, own in enumerate(draws[:-1]):
        rest = sum(draws[number + 1 :])
        others = slot * rest // (own + rest)
        counts.append(slot - others)
        slot = others
    return [*counts, slot]


POOL_SIZE = SHUFFLE_BUFFER
"""Largest number of records that are sorted by width at a time, still encoded, in whole batches."""

SEED_DISTANCE = 2**32
"""Distance between the seeds of the datasets of a mixture: more than any seed that is given."""


def mixed_batches(
    mixture: Mixture,
    config: Config,
    order: ShuffleOrder,
    augmentation: str = NO_AUGMENTATION,
    share: Share = WHOLE,
) -> tf.data.Dataset:
    """Yields batches endlessly, in the proportion of the mixture.

    Args:
        mixture: the datasets.
        config: defines the sizes and the characters.
        order: the batch size, the random seed and where to begin.
        augmentation: `none`, or a name of `augmentation.STRENGTHS`.
        share: the part of each batch to decode.

    Returns:
        A dataset of `TrainingBatch`. Its record indices count through all datasets of the mixture.
    """
    pool_batches = max(1, POOL_SIZE // order.batch_size)
    pools = _Pools(sum(mixture.draws), pool_batches * order.batch_size)
    first_pool, skipped_batches = divmod(order.skipped_batches, pool_batches)
    first_slot = order.first_epoch * pools.epoch_size + first_pool * pools.pool_size
    buckets = tf.constant(_buckets(mixture, config))

    @without_autograph
    def to_batch_part(reading: tf.Tensor, index: tf.Tensor, record: tf.Tensor) -> tuple:
        return reading, training_example(index, record, config)

    @without_autograph
    def to_batches(slots: tf.Tensor, pool: _Draws) -> tf.data.Dataset:
        seed = tf.stack([tf.constant(order.seed, tf.int64), slots[0]])
        places = _batch_order(tf.gather(buckets, pool.index), order.batch_size, seed)
        skipped = tf.where(tf.equal(slots[0], first_slot), skipped_batches, 0)
        places = places[skipped * order.batch_size :]
        encoded = tf.data.Dataset.from_tensor_slices(
            tuple(tf.gather(values, places) for values in pool)
        )
        if share == WHOLE:
            return encoded.map(to_batch_part, DECODING_THREADS).batch(order.batch_size)
        return encoded.batch(order.batch_size).flat_map(to_part)

    @without_autograph
    def to_part(readings: tf.Tensor, indices: tf.Tensor, serialized: tf.Tensor) -> tf.data.Dataset:
        indices, readings, serialized = part_of_batch(share, indices, readings, serialized)
        examples = tf.data.Dataset.from_tensor_slices((readings, indices, serialized))
        return examples.map(to_batch_part, DECODING_THREADS).batch(order.batch_size)

    @without_autograph
    def finish(readings: tf.Tensor, batch: TrainingBatch) -> TrainingBatch:
        if augmentation == NO_AUGMENTATION:
            return batch
        return augment_batch(batch, order.seed, readings, augmentation)

    draws = _draws(mixture, order.seed, first_slot)
    batches = pools.collect(draws, first_slot).flat_map(to_batches)
    return prefetched(batches.map(finish, DECODING_THREADS))


class _Draws(NamedTuple):
    """Holds draws.

    Attributes:
        reading: int64, how often the dataset was read to its end before.
        index: int64, position of the record in all datasets of the mixture, from 0.
        serialized: string, the record.
    """

    reading: tf.Tensor
    index: tf.Tensor
    serialized: tf.Tensor


class _Pools(NamedTuple):
    """Divides the draws of each epoch into pools, of which the last may be smaller."""

    epoch_size: int
    pool_size: int

    def collect(self, draws: tf.data.Dataset, first_slot: int) -> tf.data.Dataset:
        """Collects draws in pools: slots int64 `[P]`, and `_Draws` of `[P]`."""

        @without_autograph
        def pool_of(slot: tf.Tensor, draw: _Draws) -> tf.Tensor:
            del draw
            return slot % self.epoch_size // self.pool_size

        @without_autograph
        def size_of(pool: tf.Tensor) -> tf.Tensor:
            return tf.minimum(self.epoch_size - pool * self.pool_size, self.pool_size)

        @without_autograph
        def collected(pool: tf.Tensor, members: tf.data.Dataset) -> tf.data.Dataset:
            del pool
            return members.batch(self.pool_size)

        slots = tf.data.Dataset.range(first_slot, np.iinfo(np.int64).max)
        numbered = tf.data.Dataset.zip((slots, draws))
        return numbered.group_by_window(pool_of, collected, window_size_func=size_of)


def _draws(mixture: Mixture, seed: int, first_slot: int) -> tf.data.Dataset:
    """Draws records endlessly; yields `_Draws` of scalars."""
    per_epoch = mixture.draws
    epoch, slot = divmod(first_slot, sum(per_epoch))
    drawn = [
        epoch * own + before
        for own, before in zip(per_epoch, draws_before(slot, per_epoch), strict=True)
    ]
    streams, first_index = [], 0
    for number, dataset in enumerate(mixture.datasets):
        stream_seed = seed + number * SEED_DISTANCE
        streams.append(_endless(dataset, stream_seed, drawn[number], first_index))
        first_index += len(dataset.widths)

    @without_autograph
    def choice(slot: tf.Tensor) -> tf.Tensor:
        slot %= sum(per_epoch)
        before, after = (tf.stack(draws_before(n, per_epoch)) for n in (slot, slot + 1))
        return tf.argmax(after - before)

    choices = tf.data.Dataset.range(first_slot, np.iinfo(np.int64).max).map(choice)
    return tf.data.Dataset.choose_from_datasets(streams, choices)


def _endless(dataset: MixedDataset, seed: int, drawn: int, first_index: int) -> tf.data.Dataset:
    """Reads a dataset again and again, each time in another order.

    Args:
        dataset: see there.
        seed: of the order.
        drawn: number of records to leave out at the beginning.
        first_index: index of its first record in the mixture.

    Returns:
        A dataset of `_Draws` of scalars.
    """
    included = without(dataset.excluded, tf.data.TFRecordDataset(dataset.files).enumerate())
    first_reading, skipped = divmod(drawn, dataset.used)

    @without_autograph
    def one_reading(reading: tf.Tensor) -> tf.data.Dataset:
        rest = tf.where(tf.equal(reading, first_reading), tf.constant(skipped, tf.int64), 0)

        @without_autograph
        def to_draw(index: tf.Tensor, serialized: tf.Tensor) -> _Draws:
            return _Draws(reading, first_index + index, serialized)

        return shuffled(included, seed, reading).skip(rest).map(to_draw)

    readings = tf.data.Dataset.range(first_reading, np.iinfo(np.int64).max)
    return readings.flat_map(one_reading)


def _buckets(mixture: Mixture, config: Config) -> np.ndarray:
    """Returns the number of the bucket that each record's image belongs to, uint16 `[R]`."""
    widths = np.concatenate([dataset.widths for dataset in mixture.datasets])
    return np.searchsorted(np.array(config.bucket_widths, np.int32), widths).astype(np.uint16)


def _batch_order(buckets: tf.Tensor, batch_size: int, seed: tf.Tensor) -> tf.Tensor:
    """Returns the places of a pool's records in the order of its batches, int32 `[P]`.

    A batch holds neighbours in the order of the buckets. Whole batches come in random order; a
    smaller one is the last, because the records after it are of another epoch.

    Args:
        buckets: uint16 `[P]`.
        batch_size: number of records of a batch.
        seed: int64 `[2]`.
    """
    places = tf.argsort(buckets, stable=True)
    whole = tf.size(places) // batch_size
    rest = places[whole * batch_size :]
    batches = tf.reshape(places[: whole * batch_size], [whole, batch_size])
    turn = tf.argsort(tf.random.stateless_uniform([whole], seed), stable=True)
    return tf.concat([tf.reshape(tf.gather(batches, turn), [-1]), rest], axis=0)
