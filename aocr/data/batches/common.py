"""Helps to read TFRecords as batches, in the graph (tf.data)."""

from __future__ import annotations

import os
from collections.abc import Sequence

import numpy as np
import tensorflow as tf

DECODING_THREADS = os.cpu_count() or 1
PREFETCHED_BATCHES = 2

without_autograph = tf.autograph.experimental.do_not_convert
"""For functions that tf.data calls. They need no conversion, and converting them takes longer than
building the rest of the graph."""


def without(excluded: Sequence[int], enumerated: tf.data.Dataset) -> tf.data.Dataset:
    """Leaves out the records with some indices from a dataset of (index, record).

    Args:
        excluded: indices in increasing order.
        enumerated: the dataset.
    """
    indices = tf.constant(np.array(excluded, np.int64))

    @without_autograph
    def is_included(index: tf.Tensor, serialized: tf.Tensor) -> tf.Tensor:
        del serialized
        return tf.logical_not(contains(indices, index))

    return enumerated.filter(is_included)


def contains(indices: tf.Tensor, index: tf.Tensor) -> tf.Tensor:
    """Returns whether sorted indices, int64 `[E]`, contain one: a bool scalar.

    A search takes log E steps. To compare all would take hours where a million are left out of a
    hundred million.
    """
    place = tf.searchsorted(indices, index[tf.newaxis])
    return tf.reduce_any(tf.equal(indices[place[0] : place[0] + 1], index))


def prefetched(batches: tf.data.Dataset) -> tf.data.Dataset:
    """Prepares the next batches while one is used, without tf.data's tuning thread.

    With that thread, the end of an iterator sometimes stalled for up to a minute.
    """
    options = tf.data.Options()
    options.autotune.enabled = False
    return batches.prefetch(PREFETCHED_BATCHES).with_options(options)
