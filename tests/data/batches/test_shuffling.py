"""Which records are left out, and that finding them does not slow down with their number."""

import time

import numpy as np
import pytest
import tensorflow as tf

from aocr.data.batches.common import without


def kept(excluded, count):
    """Returns the indices that are left of a dataset."""
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        numbers = tf.data.Dataset.range(count).map(tf.strings.as_string)
        dataset = without(excluded, numbers.enumerate()).batch(count)
        index, _ = tf.compat.v1.data.make_one_shot_iterator(dataset).get_next()
        return session.run(index).tolist()


@pytest.mark.parametrize("excluded", [[], [0], [9], [3, 4, 7], list(range(9)), [10, 99]])
def test_excluded_indices_are_left_out(excluded):
    assert kept(excluded, 10) == [index for index in range(10) if index not in excluded]


def test_random_indices_are_left_out():
    excluded = np.flatnonzero(np.random.default_rng(0).random(5000) < 0.3)
    assert kept(excluded, 5000) == np.setdiff1d(np.arange(5000), excluded).tolist()


def test_the_time_does_not_grow_with_the_number_of_excluded_records():
    kept([0], 4_000)

    def seconds(excluded):
        started = time.process_time()
        kept(excluded, 4_000)
        return time.process_time() - started

    few, many = [0], range(0, 7_000_000, 7)
    assert seconds(many) < 3 * seconds(few) + 0.5  # to compare all takes seconds
