"""Shuffles records so that their order depends on the seed and the epoch alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

SHUFFLE_BUFFER = 4096
"""Number of records that are shuffled at a time, which bounds the memory for a large dataset."""


class ShuffleOrder(NamedTuple):
    """Determines, with the dataset, which records each training step gets.

    Attributes:
        batch_size: number of records per step.
        seed: random seed of the shuffling; each epoch has another order.
        first_epoch: epoch to begin with, from 0.
        skipped_batches: number of batches of that epoch to leave out.
    """

    batch_size: int
    seed: int = 0
    first_epoch: int = 0
    skipped_batches: int = 0


def shuffled(included: tf.data.Dataset, seed: int, epoch: tf.Tensor) -> tf.data.Dataset:
    """Shuffles the records of a dataset for an epoch.

    Args:
        included: a dataset of the records.
        seed: of the run; runs with adjacent seeds have no epoch in common.
        epoch: int64 scalar, from 0.
    """
    mixed = tf.random.stateless_uniform(
        [], tf.stack([tf.constant(seed, tf.int64), epoch]), maxval=2**31 - 1, dtype=tf.int64
    )
    return included.shuffle(SHUFFLE_BUFFER, mixed + 1)  # 0 is "choose a seed at random"


def without(excluded: Sequence[int], enumerated: tf.data.Dataset) -> tf.data.Dataset:
    """Leaves out the records with some indices from a dataset of (index, record).

    Args:
        excluded: indices in increasing order.
        enumerated: the dataset.
    """
    indices = tf.constant(np.array(excluded, np.int64))

    @tf.autograph.experimental.do_not_convert
    def is_included(index: tf.Tensor, serialized: tf.Tensor) -> tf.Tensor:
        del serialized
        return tf.logical_not(contains(indices, index))

    return enumerated.filter(is_included)


def contains(indices: tf.Tensor, index: tf.Tensor) -> tf.Tensor:
    """Returns whether sorted indices, int64 `[E]`, contain one; a bool scalar.

    A search takes log E steps. To compare all would take hours where a million are left out of a
    hundred million.
    """
    place = tf.searchsorted(indices, index[tf.newaxis])
    return tf.reduce_any(tf.equal(indices[place[0] : place[0] + 1], index))
