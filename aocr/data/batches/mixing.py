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
from aocr.data.batches.common import without_autograph
from aocr.data.batches.epochs import (
    SHUFFLE_BUFFER,
    Draws,
    Records,
    ShuffleOrder,
    buckets_of,
    one_reading,
)
from aocr.data.batches.sharing import WHOLE, Share
from aocr.util.errors import UserError

MAX_DRAWS = 2**31 - 1
"""Largest number of draws of an epoch: products of two of them fit into int64."""


POOL_SIZE = SHUFFLE_BUFFER
"""Largest number of records that are sorted by width at a time, still encoded, in whole batches."""

SEED_DISTANCE = 2**32
"""Distance between the seeds of the datasets of a mixture: more than any seed that is given."""


class Mixture(NamedTuple):
    """Holds the datasets of a mixture; indices of records count through all of them.

    Attributes:
        datasets: the datasets.
        draws: numbers of records that an epoch draws from each dataset.
        batch_size: number of records of a batch before it is shared.
        share: the part of each batch that is decoded.
    """

    datasets: tuple[Records, ...]
    draws: list[int]
    batch_size: int
    share: Share = WHOLE

    @property
    def seed_offset(self) -> int:
        """0: all processes draw the same records."""
        return 0

    @property
    def batches_per_epoch(self) -> int:
        """Number of batches in an epoch; the last may be smaller."""
        return -(-sum(self.draws) // self.batch_size)

    def batches(self, config: Config, order: ShuffleOrder) -> tf.data.Dataset:
        """Yields batches endlessly, in the proportion of the mixture: `Draws` of `[N]`."""
        pool_batches = max(1, POOL_SIZE // self.batch_size)
        epoch_size, pool_size = sum(self.draws), pool_batches * self.batch_size
        first_pool, skipped_batches = divmod(order.skipped_batches, pool_batches)
        first_slot = order.first_epoch * epoch_size + first_pool * pool_size
        buckets = tf.concat([buckets_of(each.widths, config) for each in self.datasets], axis=0)

        @without_autograph
        def pool_of(slot: tf.Tensor, _: Draws) -> tf.Tensor:
            return slot % epoch_size // pool_size

        @without_autograph
        def size_of(pool: tf.Tensor) -> tf.Tensor:
            return tf.minimum(epoch_size - pool * pool_size, pool_size)

        @without_autograph
        def collected(_: tf.Tensor, members: tf.data.Dataset) -> tf.data.Dataset:
            return members.batch(pool_size)

        @without_autograph
        def to_batches(slots: tf.Tensor, pool: Draws) -> tf.data.Dataset:
            seed = tf.stack([tf.constant(order.seed, tf.int64), slots[0]])
            places = _batch_order(tf.gather(buckets, pool.index), self.batch_size, seed)
            skipped = tf.where(tf.equal(slots[0], first_slot), skipped_batches, 0)
            places = places[skipped * self.batch_size :]
            ordered = Draws(*(tf.gather(values, places) for values in pool))
            return tf.data.Dataset.from_tensor_slices(ordered).batch(self.batch_size)

        slots = tf.data.Dataset.range(first_slot, np.iinfo(np.int64).max)
        numbered = tf.data.Dataset.zip((slots, _draws(self, order.seed, first_slot)))
        pools = numbered.group_by_window(pool_of, collected, window_size_func=size_of)
        return pools.flat_map(to_batches)


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


def _draws(mixture: Mixture, seed: int, first_slot: int) -> tf.data.Dataset:
    """Draws records endlessly; yields `Draws` of scalars."""
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


def _endless(dataset: Records, seed: int, drawn: int, first_index: int) -> tf.data.Dataset:
    """Reads a dataset again and again, each time in another order.

    Args:
        dataset: the records.
        seed: random seed of the order.
        drawn: number of records to leave out at the beginning.
        first_index: index of its first record in the mixture.

    Returns:
        A dataset of `Draws` of scalars.
    """
    first_reading, skipped = divmod(drawn, dataset.used)

    @without_autograph
    def in_mixture(draw: Draws) -> Draws:
        return draw._replace(index=first_index + draw.index)

    @without_autograph
    def rest_of_reading(reading: tf.Tensor) -> tf.data.Dataset:
        rest = tf.where(tf.equal(reading, first_reading), tf.constant(skipped, tf.int64), 0)
        return one_reading(dataset, seed, reading).skip(rest)

    readings = tf.data.Dataset.range(first_reading, np.iinfo(np.int64).max)
    return readings.flat_map(rest_of_reading).map(in_mixture)


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
