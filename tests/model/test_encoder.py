"""Tests the bidirectional LSTM against the same computation in NumPy."""

import numpy as np
import pytest
import tensorflow as tf
from helpers import count_nodes, load_noise, lstm, noise

from aocr.model.encoder import Memory, encode

BATCH, DEPTH, UNITS = 2, 5, 3


def encoded(features):
    """Returns the memory of `[N, T, D]` features, and the variables by name."""
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        memory = encode(tf.constant(features), None, UNITS)
        variables = load_noise(session)
        return Memory(*session.run(memory[:2])), variables


def one_direction(features, kernel, bias):
    """Returns the outputs `[N, T, U]` and the final `c` and `h`, `[N, U]`, for `[N, T, D]`."""
    c = h = np.zeros([len(features), UNITS])
    outputs = []
    for column in np.moveaxis(features, 1, 0):
        c, h = lstm(column, c, h, kernel, bias)
        outputs.append(h)
    return np.stack(outputs, axis=1), c, h


def both_directions(features, variables):
    def weights(way):
        cell = f"bidirectional_rnn/{way}/basic_lstm_cell"
        return variables[f"{cell}/kernel"], variables[f"{cell}/bias"]

    outputs, c, h = one_direction(features, *weights("fw"))
    reversed_outputs, reversed_c, reversed_h = one_direction(features[:, ::-1], *weights("bw"))
    values = np.concatenate([outputs, reversed_outputs[:, ::-1]], axis=2)
    return values, np.concatenate([c, h, reversed_c, reversed_h], axis=1)


@pytest.mark.parametrize("columns", [1, 2, 7])
def test_memory_and_final_state(columns):
    features = noise("features", BATCH, columns, DEPTH)
    memory, variables = encoded(features)
    values, state = both_directions(features, variables)
    assert memory.values.shape == (BATCH, columns, 2 * UNITS)
    assert memory.state.shape == (BATCH, 4 * UNITS)
    np.testing.assert_allclose(memory.values, values, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(memory.state, state, rtol=1e-5, atol=1e-6)


def test_final_state_is_that_of_each_directions_last_step():
    memory, _ = encoded(noise("features", BATCH, 4, DEPTH))
    _, forward_h, _, backward_h = np.split(memory.state, 4, axis=1)
    np.testing.assert_array_equal(forward_h, memory.values[:, -1, :UNITS])
    np.testing.assert_array_equal(backward_h, memory.values[:, 0, UNITS:])


def test_forward_half_depends_on_columns_to_the_left_and_backward_half_on_those_to_the_right():
    features = noise("features", 1, 5, DEPTH)
    changed = features.copy()
    changed[:, 2] += 1
    (before, _), (after, _) = encoded(features), encoded(changed)
    forward, backward = np.split((before.values != after.values)[0], 2, axis=1)
    np.testing.assert_array_equal(forward.any(axis=1), [False, False, True, True, True])
    np.testing.assert_array_equal(backward.any(axis=1), [True, True, True, False, False])


def test_examples_of_a_batch_are_independent():
    features = noise("features", BATCH, 4, DEPTH)
    together, _ = encoded(features)
    alone, _ = encoded(features[1:])
    np.testing.assert_allclose(together.values[1:], alone.values, rtol=1e-5, atol=1e-6)


def test_graph_does_not_grow_with_the_columns():
    assert nodes(columns=4) == nodes(columns=400)


def nodes(columns):
    with tf.Graph().as_default() as graph:
        encode(tf.compat.v1.placeholder(tf.float32, [None, columns, DEPTH]), None, UNITS)
        return count_nodes(graph)
