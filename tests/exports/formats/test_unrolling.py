"""Loops in graphs, replaced by their steps."""

import numpy as np
import pytest
import tensorflow as tf

from aocr.exports.formats.unrolling import LoopError, Node, unroll


def unrolled(build, shape, values):
    """Builds a graph from a placeholder; returns its result, that without loops, and its nodes."""
    with tf.Graph().as_default() as graph, tf.compat.v1.Session() as session:
        given = tf.compat.v1.placeholder(tf.float32, [None] * len(shape), name="given")
        tf.identity(build(given), name="result")
        expected = session.run("result:0", {"given:0": values})
    definition = unroll(
        graph.as_graph_def(),
        {Node("in", "given"): tf.TensorSpec(shape, tf.float32)},
        [Node("out", "result")],
    )
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        tf.import_graph_def(definition, name="")
        found = session.run("out:0", {"in:0": values})
    assert not definition.library.function
    return expected, found, {node.op for node in definition.node}


def cumulative_sum(rows):
    """Adds up rows `[T, D]` in a loop that reads from one list and writes another."""
    count = tf.shape(rows)[0]
    given = tf.TensorArray(tf.float32, count).unstack(rows)
    sums = tf.TensorArray(tf.float32, count, element_shape=[None])

    def step(t, total, sums):
        total += given.read(t)
        return t + 1, total, sums.write(t, total)

    start = (0, tf.zeros_like(rows[0]), sums)
    shapes = tf.TensorShape([]), tf.TensorShape([None]), tf.TensorShape(None)
    return tf.while_loop(lambda t, *_: t < count, step, start, shapes)[2].stack()


def test_a_loop_over_lists_gives_the_same_without_loop_or_lists():
    values = np.arange(15, dtype=np.float32).reshape([5, 3])
    expected, found, kinds = unrolled(cumulative_sum, [5, 3], values)
    np.testing.assert_array_equal(expected, values.cumsum(axis=0))
    np.testing.assert_array_equal(found, expected)
    assert not [kind for kind in kinds if "While" in kind or "List" in kind]


def test_a_condition_on_data_is_taken_to_hold():
    def count_to_three(values):
        def goes_on(t, total):
            return (t < 3) & ~tf.reduce_all(total > 1)

        return tf.while_loop(goes_on, lambda t, x: (t + 1, x + 1), (0, values))[1]

    expected, found, _ = unrolled(count_to_three, [2], np.zeros([2], np.float32))
    assert expected.tolist() == [2, 2]
    assert found.tolist() == [3, 3]


def test_float64_becomes_float32():
    def product(values):
        return tf.cast(
            tf.reduce_prod(tf.cast(values, tf.float64) * tf.constant(2.0, tf.float64)), tf.float64
        )

    expected, found, _ = unrolled(product, [2], np.array([0.5, 3], np.float32))
    assert (expected.dtype, found.dtype) == (np.float64, np.float32)
    assert found == expected == 6


@pytest.mark.parametrize("length", [0, 2, 4])
def test_one_sequence_is_reversed_without_the_operation_for_many(length):
    def reverse(values):
        return tf.reverse_sequence(values, tf.constant([length]), seq_axis=0, batch_axis=1)

    values = np.arange(8, dtype=np.float32).reshape([4, 1, 2])
    expected, found, kinds = unrolled(reverse, [4, 1, 2], values)
    np.testing.assert_array_equal(found, expected)
    assert "ReverseSequence" not in kinds


def test_a_list_whose_length_depends_on_data_is_refused():
    def build(values):
        rows = tf.TensorArray(tf.float32, tf.cast(values[0], tf.int32), element_shape=[])
        return rows.write(0, values[0]).stack()

    with pytest.raises(LoopError, match="depends on data"):
        unrolled(build, [1], np.array([2], np.float32))
