"""Tests the recurrent cells against the same computation in NumPy."""

import math

import numpy as np
import pytest
import tensorflow as tf
from helpers import gru, load_noise, lstm, noise

from aocr.model import rnn_cells

UNITS, BATCH = 3, 2
LSTM, GRU = "basic_lstm_cell", "gru_cell"


def one_step(build):
    """Returns one step's output and state from noise, the variables by name, and both inputs."""
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        cell = build()
        x, state = noise("x", BATCH, UNITS), noise("state", BATCH, cell.state_size)
        fetches = cell(tf.constant(x), tf.constant(state))
        variables = load_noise(session)
        output, next_state = session.run(fetches)
    return output, next_state, variables, x, state


def gru_weights(variables, scope=GRU):
    parts = ("gates/kernel", "gates/bias", "candidate/kernel", "candidate/bias")
    return [variables[f"{scope}/{part}"] for part in parts]


def initial_values(build):
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        build()
        session.run(tf.compat.v1.global_variables_initializer())
        return session.run({v.op.name: v for v in tf.compat.v1.global_variables()})


def close(actual, expected):
    np.testing.assert_allclose(actual, expected, rtol=1e-5, atol=1e-6)


# One cell


def test_lstm_step():
    output, next_state, variables, x, state = one_step(lambda: rnn_cells.LSTMCell(UNITS))
    c, h = lstm(x, *np.split(state, 2, axis=1), *variables.values())
    close(output, h)
    close(next_state, np.concatenate([c, h], axis=1))


def test_lstm_variables():
    variables = one_step(lambda: rnn_cells.LSTMCell(UNITS))[2]
    shapes = {name: value.shape for name, value in variables.items()}
    assert shapes == {f"{LSTM}/kernel": (6, 12), f"{LSTM}/bias": (12,)}


def test_lstm_of_one_unit_by_hand():
    """Checks a step in which every gate is fully open (1) or fully closed (0)."""
    closed, opened = -1e3, 1e3
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        # i = input gate, j = candidate, f = forget gate, o = output gate
        remember = rnn_cells.lstm_update(tf.constant([[closed, 5.0, opened, opened]]), [[0.5]])
        replace = rnn_cells.lstm_update(tf.constant([[opened, 0.3, closed, closed]]), [[0.5]])
        remembered, replaced = session.run((remember, replace))
    close(np.ravel(remembered), [0.5, math.tanh(0.5)])
    close(np.ravel(replaced), [math.tanh(0.3), 0])


def test_gru_step():
    output, next_state, variables, x, state = one_step(lambda: rnn_cells.GRUCell(UNITS))
    close(output, gru(x, state, *gru_weights(variables)))
    close(next_state, output)


def test_gru_variables():
    variables = one_step(lambda: rnn_cells.GRUCell(UNITS))[2]
    assert {name: value.shape for name, value in variables.items()} == {
        f"{GRU}/gates/kernel": (6, 6),
        f"{GRU}/gates/bias": (6,),
        f"{GRU}/candidate/kernel": (6, 3),
        f"{GRU}/candidate/bias": (3,),
    }


# Initial values


def test_biases_are_initially_zero_but_those_of_a_grus_gates_one():
    (lstm_bias,) = biases(initial_values(lambda: rnn_cells.LSTMCell(UNITS)))
    gates, candidate = biases(initial_values(lambda: rnn_cells.GRUCell(UNITS)))
    assert not lstm_bias.any()
    assert (gates == 1).all()
    assert not candidate.any()


def biases(values):
    return [value for name, value in values.items() if name.endswith("/bias")]


def test_kernels_are_initially_xavier_uniform():
    kernel = initial_values(lambda: rnn_cells.LSTMCell(64))[f"{LSTM}/kernel"]
    limit = math.sqrt(6 / (128 + 256))
    assert 0.95 * limit < np.abs(kernel).max() <= limit
    assert kernel.std() == pytest.approx(limit / math.sqrt(3), rel=0.02)


# Stacks


def test_stacked_lstm_layers_share_one_cell_and_keep_their_own_states():
    stack = one_step(lambda: rnn_cells.SharedCellStack(rnn_cells.LSTMCell, UNITS, layers=2))
    output, next_state, variables, x, state = stack
    assert list(variables) == [f"multi_rnn_cell/cell_0/{LSTM}/{w}" for w in ("kernel", "bias")]
    c_1, h_1, c_2, h_2 = np.split(state, 4, axis=1)
    c_1, h_1 = lstm(x, c_1, h_1, *variables.values())
    c_2, h_2 = lstm(h_1, c_2, h_2, *variables.values())
    close(output, h_2)
    close(next_state, np.concatenate([c_1, h_1, c_2, h_2], axis=1))


def test_stacked_gru_layers_share_one_cell_and_keep_their_own_states():
    stack = one_step(lambda: rnn_cells.SharedCellStack(rnn_cells.GRUCell, UNITS, layers=3))
    output, next_state, variables, x, state = stack
    weights = gru_weights(variables, f"multi_rnn_cell/cell_0/{GRU}")
    states = []
    for h in np.split(state, 3, axis=1):
        x = gru(x, h, *weights)
        states.append(x)
    close(output, x)
    close(next_state, np.concatenate(states, axis=1))


@pytest.mark.parametrize(("cell", "numbers"), [(rnn_cells.LSTMCell, 2), (rnn_cells.GRUCell, 1)])
@pytest.mark.parametrize("layers", [1, 2, 5])
def test_state_size_grows_with_the_layers_but_the_weights_do_not(cell, numbers, layers):
    with tf.Graph().as_default():
        assert rnn_cells.SharedCellStack(cell, UNITS, layers).state_size == layers * numbers * UNITS
        with tf.compat.v1.variable_scope("one"):
            rnn_cells.SharedCellStack(cell, UNITS, 1)
        ours, one = split_by_scope("one/")
        assert ours == one


def split_by_scope(prefix):
    """Shapes of the variables without and with the prefix, by the rest of their names."""
    shapes = {v.op.name: v.shape.as_list() for v in tf.compat.v1.global_variables()}
    inside = {n.removeprefix(prefix): s for n, s in shapes.items() if n.startswith(prefix)}
    return {n: s for n, s in shapes.items() if not n.startswith(prefix)}, inside
